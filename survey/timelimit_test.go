package survey

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Time limits end pages and the survey.
func TestTimeLimits(t *testing.T) {
	d, err := Parse([]byte(`{"timeLimit":100,"timeLimitPerPage":30,"pages":[
		{"elements":[{"type":"text","name":"a","isRequired":true}]},
		{"timeLimit":50,"elements":[{"type":"text","name":"b"}]},
		{"elements":[{"type":"text","name":"c"}]}]}`), Limits{})
	require.NoError(t, err)
	began := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	for _, c := range []struct {
		name      string
		page      int
		shown     int // when the page was, in seconds
		now       int
		a         string
		ends      int
		over      bool
		state     string
		pageAfter int
		faults    int
	}{
		{"in time", 0, 0, 29, "x", 30, false, Running, 0, 0},
		{"the page's time is over", 0, 0, 30, "x", 30, true, Running, 1, 0},
		{"a fault keeps the page", 0, 0, 31, "", 30, true, Running, 0, 1},
		{"the page's own limit", 1, 20, 69, "x", 70, false, Running, 1, 0},
		{"the page's own limit is over", 1, 20, 70, "x", 70, true, Running, 2, 0},
		{"the survey's is sooner", 1, 60, 99, "x", 100, false, Running, 1, 0},
		{"the survey's is over: further pages are not asked", 1, 60, 100, "x", 100, true, Completed, 1, 0},
		{"the last page's is over", 2, 40, 70, "x", 70, true, Completed, 2, 0},
		{"the clock went back", 1, 60, -5, "x", 100, false, Running, 1, 0},
	} {
		s := d.Begin(SessionOptions{Answers: map[string]any{"a": c.a}, Page: c.page, Began: began, PageBegan: at(c.shown), Now: at(c.now)})
		end, ok := s.Ends()
		require.True(t, ok, c.name)
		assert.Equal(t, at(c.ends), end, c.name)
		assert.Equal(t, end, s.Page().Ends, c.name)
		over, faults := s.Expire()
		assert.Equal(t, c.over, over, c.name)
		assert.Len(t, faults, c.faults, c.name)
		assert.Equal(t, c.state, s.State(), c.name)
		assert.Equal(t, c.pageAfter, s.PageIndex(), c.name)
	}
	s := d.Begin(SessionOptions{Now: at(1000)})
	_, ok := s.Ends()
	over, _ := s.Expire()
	assert.False(t, ok || over, "nothing is known of when it began")
}
