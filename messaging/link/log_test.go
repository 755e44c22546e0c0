package link

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sink keeps groups and fails while told to.
type sink struct {
	mu     sync.Mutex
	fail   error
	groups [][]uint64
}

func (s *sink) write(_ context.Context, clicks []Click) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	var ids []uint64
	for _, c := range clicks {
		ids = append(ids, c.ID)
	}
	s.groups = append(s.groups, ids)
	return nil
}

func (s *sink) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *sink) written() [][]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]uint64(nil), s.groups...)
}

func newLog(t testing.TB, s *sink, cfg LogConfig) *Log {
	t.Helper()
	cfg.Sink = s.write
	l, err := NewLog(cfg)
	require.NoError(t, err)
	return l
}

func TestLogWritesInGroupsAndOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		l := newLog(t, s, LogConfig{Group: 3, Interval: time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		require.NoError(t, l.Record(ctx, Click{ID: 1}))
		synctest.Wait()
		assert.Empty(t, s.written(), "neither a group nor an interval")
		time.Sleep(time.Second) // the test's own clock
		synctest.Wait()
		assert.Equal(t, [][]uint64{{1}}, s.written())
		for id := range uint64(3) {
			require.NoError(t, l.Record(ctx, Click{ID: 10 + id}))
		}
		synctest.Wait()
		assert.Equal(t, [][]uint64{{1}, {10, 11, 12}}, s.written(), "a whole group does not wait")
		require.NoError(t, l.Record(ctx, Click{ID: 20}))
		cancel()
		require.NoError(t, <-done)
		assert.Equal(t, [][]uint64{{1}, {10, 11, 12}, {20}}, s.written(), "Run writes what waits before it returns")
		assert.Equal(t, LogStats{Recorded: 5, Written: 5}, l.Stats())
	})
}

func TestLogKeepsWhatTheSinkRefuses(t *testing.T) {
	s := &sink{}
	var heard []error
	l := newLog(t, s, LogConfig{OnError: func(err error) { heard = append(heard, err) }})
	down := errors.New("down")
	s.set(down)
	for id := range uint64(2) {
		require.NoError(t, l.Record(t.Context(), Click{ID: id}))
		require.ErrorIs(t, l.Flush(t.Context()), down)
	}
	s.set(nil)
	require.NoError(t, l.Record(t.Context(), Click{ID: 2}))
	require.NoError(t, l.Flush(t.Context()))
	assert.Equal(t, [][]uint64{{0, 1, 2}}, s.written(), "in the order of arrival, none twice")
	assert.Equal(t, LogStats{Recorded: 3, Written: 3, Failures: 2}, l.Stats())
	assert.Len(t, heard, 2)
}

func TestLogFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		l := newLog(t, s, LogConfig{Size: 2, MaxWait: 50 * time.Millisecond})
		require.NoError(t, l.Record(t.Context(), Click{ID: 1}))
		require.NoError(t, l.Record(t.Context(), Click{ID: 2}))
		start := time.Now()
		require.ErrorIs(t, l.Record(t.Context(), Click{ID: 3}), ErrFull)
		assert.Equal(t, 50*time.Millisecond, time.Since(start))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, l.Record(ended, Click{ID: 4}), context.Canceled)
		assert.EqualValues(t, 2, l.Stats().Overflow, "refused clicks are counted")
		// Back-pressure: a click waits for the room that a flush makes.
		done := make(chan error, 1)
		go func() { done <- l.Record(t.Context(), Click{ID: 5}) }()
		synctest.Wait()
		require.NoError(t, l.Flush(t.Context()))
		require.NoError(t, <-done)
		require.NoError(t, l.Flush(t.Context()))
		assert.Equal(t, [][]uint64{{1, 2}, {5}}, s.written())
		at := newLog(t, &sink{}, LogConfig{Size: 1, MaxWait: -1})
		require.NoError(t, at.Record(t.Context(), Click{}))
		require.ErrorIs(t, at.Record(t.Context(), Click{}), ErrFull, "without waiting")
	})
}

func TestLogLosesNothingUnderLoad(t *testing.T) {
	s := &sink{}
	l := newLog(t, s, LogConfig{Size: 64, Group: 16, Interval: time.Millisecond, MaxWait: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	var wg sync.WaitGroup
	for w := range uint64(8) {
		wg.Go(func() {
			for i := range uint64(500) {
				assert.NoError(t, l.Record(t.Context(), Click{ID: w*500 + i}))
			}
		})
	}
	wg.Wait()
	cancel()
	require.NoError(t, <-done)
	seen := map[uint64]int{}
	for _, g := range s.written() {
		for _, id := range g {
			seen[id]++
		}
	}
	assert.Len(t, seen, 4000)
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
}

func TestLogSinkMayPanic(t *testing.T) {
	calls := 0
	l, err := NewLog(LogConfig{Sink: func(context.Context, []Click) error {
		if calls++; calls == 1 {
			panic("broken sink")
		}
		return nil
	}})
	require.NoError(t, err)
	require.NoError(t, l.Record(t.Context(), Click{ID: 1}))
	assert.Panics(t, func() { _ = l.Flush(t.Context()) })
	require.NoError(t, l.Flush(t.Context()), "the clicks are still there, and the turn is free")
	assert.EqualValues(t, 1, l.Stats().Written)
	_, err = NewLog(LogConfig{})
	require.Error(t, err)
}
