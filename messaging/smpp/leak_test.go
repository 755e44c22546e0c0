package smpp_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/smpp"
)

// TestNoSlotLeaks submits over loopback from one goroutine with Start and from many with
// Submit, with fewer requests out than the window has, where a client that stores
// a request after it has written it loses slots. At the end every slot is free. With
// VEFA_LONG there are ten million.
func TestNoSlotLeaks(t *testing.T) {
	n := 100_000
	if os.Getenv("VEFA_LONG") != "" {
		n = 10_000_000
	}
	s := open(t, echo(t), 255)
	before := time.Now()
	submitAll(t, s, n/2)
	m := benchMessage()
	var left, failed atomic.Int64
	left.Store(int64(n - n/2))
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := s.Submit(t.Context(), m); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	st := s.Stats()
	assert.Zero(t, failed.Load())
	assert.Equal(t, uint64(n), st.Sent)
	assert.Equal(t, uint64(n), st.Answered)
	assert.Zero(t, st.Open, "leaked slots")
	assert.Zero(t, st.Late+st.TimedOut+st.Malformed)
	t.Logf("%d submits, %d slots leaked, %s", n, st.Open, time.Since(before).Round(time.Millisecond))
	require.NoError(t, s.Unbind(t.Context()))
	<-s.Done()
}

// TestCloseAtAnyMoment closes a session while many goroutines submit: each request is
// answered once, and those that end with the session say which way.
func TestCloseAtAnyMoment(t *testing.T) {
	addr := echo(t)
	for round := range 20 {
		s := open(t, addr, 8)
		r := rand.New(rand.NewPCG(1, uint64(round)))
		stop := int64(r.IntN(2000))
		var count, answered, started atomic.Int64
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				for {
					if count.Add(1) == stop+1 {
						s.Close()
					}
					err := s.Start(t.Context(), smpp.SubmitSM, benchMessage(), func(_ smpp.PDU, err error) {
						if err != nil && errors.Is(err, smpp.ErrUnknown) == errors.Is(err, smpp.ErrNotSent) {
							t.Errorf("neither or both: %v", err)
						}
						answered.Add(1)
					})
					if err != nil {
						if !errors.Is(err, smpp.ErrNotSent) {
							t.Error(err)
						}
						return
					}
					started.Add(1)
				}
			})
		}
		wg.Wait()
		<-s.Done()
		require.Equal(t, started.Load(), answered.Load())
		require.Zero(t, s.Stats().Open)
	}
}
