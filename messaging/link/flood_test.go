package link

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counts keeps the newest count of each identity, as a store does.
type counts struct {
	mu   sync.Mutex
	of   map[string]uint64
	fail error
}

func (c *counts) write(_ context.Context, list []Surplus) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range list { // as where the commit came through and its answer did not
		k := fmt.Sprint(s.ID, s.Hour, s.Serial)
		c.of[k] = max(c.of[k], s.Count)
	}
	return c.fail
}

func (c *counts) set(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = err
}

func (c *counts) total() (rows int, n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.of {
		n += x
	}
	return len(c.of), n
}

// TestOneLinkFillsNothing asks for one link 100,000 times: 60 clicks an hour are
// kept and the others counted, each once, whatever fails meanwhile.
func TestOneLinkFillsNothing(t *testing.T) { // Case H2
	c := &counts{of: map[string]uint64{}}
	s := newSite(t, func(_ *Config, l *LogConfig) { l.Surplus = c.write })
	path, other := "/"+mint(t, s.codec, PurposeClick, 5), "/"+mint(t, s.codec, PurposeClick, 6)
	for n := range 100_000 {
		at := noon.Add(time.Duration(n) * 72 * time.Millisecond) // two hours
		s.now.Store(&at)
		require.Equal(t, http.StatusFound, s.get(t, "GET", path, "User-Agent", fmt.Sprint("Mozilla/5.0 (X) ", n)).Code)
		if n%9000 == 0 {
			c.set(errors.New("the answer is lost"))
			_ = s.log.Flush(t.Context())
			c.set(nil)
		}
	}
	require.Equal(t, http.StatusFound, s.get(t, "GET", other).Code)
	clicks := s.flushed(t)
	assert.Len(t, clicks, 2*60+1, "60 of each hour, and the other link's")
	rows, n := c.total()
	assert.Equal(t, 2, rows, "one count of each hour")
	assert.EqualValues(t, 100_000-2*60, n)
	assert.EqualValues(t, 100_000-2*60, s.log.Stats().Surplus)
	assert.Zero(t, s.log.Stats().Overflow)
}

// TestManyLinksInBoundedMemory clicks more links than are counted at a time,
// some of them too often: what is kept and counted adds up to all.
func TestManyLinksInBoundedMemory(t *testing.T) { // Case H2
	c, s := &counts{of: map[string]uint64{}}, &sink{}
	l := newLog(t, s, LogConfig{Surplus: c.write, PerLink: 3, Links: 16, Size: 1 << 20})
	all := 0
	for round := range 50 {
		for id := range uint64(100) {
			for range 1 + 9*int(id%2) {
				require.NoError(t, l.Record(t.Context(), Click{ID: id, At: noon}))
				all++
			}
			require.NoError(t, l.Flush(t.Context()), round)
		}
	}
	kept := 0
	for _, g := range s.written() {
		kept += len(g)
	}
	_, n := c.total()
	assert.Equal(t, all, kept+int(n))
	assert.EqualValues(t, all, l.Stats().Recorded+l.Stats().Surplus)
}

// TestAStoreThatIsDown bounds what waits for it, and says what was refused.
func TestAStoreThatIsDown(t *testing.T) { // Case H2
	down := errors.New("down")
	c, s := &counts{of: map[string]uint64{}, fail: down}, &sink{fail: down}
	var heard []error
	l := newLog(t, s, LogConfig{Surplus: c.write, PerLink: 2, Links: 8, Size: 12, MaxWait: -1, OnError: func(err error) { heard = append(heard, err) }})
	accepted, refused := 0, 0
	for n := range 1000 {
		switch err := l.Record(t.Context(), Click{ID: uint64(n % 20), At: noon}); {
		case err == nil:
			accepted++
		default:
			require.ErrorIs(t, err, ErrFull)
			refused++
		}
	}
	st := l.Stats()
	assert.LessOrEqual(t, st.Waiting, 12)
	assert.EqualValues(t, accepted, st.Recorded+st.Surplus)
	assert.EqualValues(t, refused, st.Overflow)
	require.ErrorIs(t, l.Flush(t.Context()), down)
	require.Len(t, heard, 2)
	assert.ErrorIs(t, heard[0], down)
	assert.ErrorIs(t, heard[1], ErrFull)
	assert.ErrorContains(t, heard[1], fmt.Sprint(refused))
	require.ErrorIs(t, l.Flush(t.Context()), down)
	assert.Len(t, heard, 3, "what was told is not told again")
	s.set(nil)
	c.set(nil)
	require.NoError(t, l.Flush(t.Context()))
	_, n := c.total()
	assert.EqualValues(t, accepted, l.Stats().Written+n)
}

// TestFlushHonoursItsDeadline stops between groups and keeps the rest, and gives
// a store that hangs no more than its time.
func TestFlushHonoursItsDeadline(t *testing.T) { // Case H2
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		l, err := NewLog(LogConfig{Group: 10, Timeout: 7 * time.Second, Sink: func(ctx context.Context, clicks []Click) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(2 * time.Second): // of the test's own clock
				sizes = append(sizes, len(clicks))
				return nil
			}
		}})
		require.NoError(t, err)
		for id := range uint64(55) {
			require.NoError(t, l.Record(t.Context(), Click{ID: id}))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, l.Flush(ctx), context.DeadlineExceeded)
		assert.Equal(t, 5*time.Second, time.Since(start))
		assert.Equal(t, []int{10, 10}, sizes)
		assert.Equal(t, 35, l.Stats().Waiting)
		require.NoError(t, l.Flush(t.Context()))
		assert.Equal(t, []int{10, 10, 10, 10, 10, 5}, sizes)

		hangs, err := NewLog(LogConfig{Timeout: 7 * time.Second, Sink: func(ctx context.Context, _ []Click) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		require.NoError(t, err)
		require.NoError(t, hangs.Record(t.Context(), Click{}))
		ended, stop := context.WithCancel(t.Context())
		stop()
		start = time.Now()
		require.ErrorIs(t, hangs.Run(ended), context.DeadlineExceeded)
		assert.Equal(t, 7*time.Second, time.Since(start), "a Run that ends waits no longer")
	})
}

// TestRunLeavesAFailingStoreAlone pauses longer and longer.
func TestRunLeavesAFailingStoreAlone(t *testing.T) { // Case H2
	synctest.Test(t, func(t *testing.T) {
		s := &sink{fail: errors.New("down")}
		l := newLog(t, s, LogConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		require.NoError(t, l.Record(ctx, Click{ID: 1}))
		time.Sleep(time.Minute) // of the test's own clock
		assert.LessOrEqual(t, l.Stats().Failures, uint64(20))
		s.set(nil)
		time.Sleep(6 * time.Second)
		assert.Equal(t, [][]uint64{{1}}, s.written())
		cancel()
		require.NoError(t, <-done)
	})
}
