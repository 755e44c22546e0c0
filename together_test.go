package vefa

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// Those who come while a batch is done are the next one; each gets the error that is its own, and who
// gives up leaves no one else waiting.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g together[int]
		var mu sync.Mutex
		var batches [][]int
		gate := make(chan struct{})
		all := func(ctx context.Context, what []int) error {
			mu.Lock()
			batches = append(batches, what)
			first := len(batches) == 1
			mu.Unlock()
			if first {
				<-gate
			}
			for _, n := range what {
				if n%10 == 3 {
					return &crm.Error{Op: "store", Entity: "answer", ID: fmt.Sprint(n), Kind: crm.ErrInvalid}
				}
			}
			return ctx.Err()
		}
		errs := map[int]error{}
		var wg sync.WaitGroup
		call := func(ctx context.Context, n int) {
			wg.Go(func() {
				err := g.do(ctx, n, all)
				mu.Lock()
				errs[n] = err
				mu.Unlock()
			})
			synctest.Wait()
		}
		call(t.Context(), 0)
		gone, cancel := context.WithCancelCause(t.Context())
		call(gone, 1) // would lead the next one
		for n := 2; n < 140; n++ {
			call(t.Context(), n)
		}
		cancel(errors.New("went away"))
		synctest.Wait()
		require.EqualError(t, errs[1], "went away")
		close(gate)
		wg.Wait()
		require.Len(t, errs, 140)
		for n, err := range errs {
			switch {
			case n == 1:
			case n%10 == 3:
				require.ErrorContains(t, err, fmt.Sprint(n), "its own")
			default:
				require.NoError(t, err, n)
			}
		}
		require.Equal(t, []int{0}, batches[0])
		require.Len(t, batches[1], maxGathered)
		require.False(t, g.busy)
	})
}

// An error of the store is told to all of a batch at once; a panic is the caller's whose it is, and the
// others are told; the calls afterwards go on.
func TestTogetherThatFails(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return crm.ErrBusy },
		"panic": func() error { panic("oops") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g together[int]
				gate := make(chan struct{})
				calls := 0
				all := func(_ context.Context, what []int) error {
					if calls++; calls == 1 {
						<-gate
						return nil
					}
					if calls == 2 {
						return fail()
					}
					return nil
				}
				var mu sync.Mutex
				failed, panicked := 0, 0
				var wg sync.WaitGroup
				for n := range 9 {
					wg.Go(func() {
						defer func() {
							if recover() != nil {
								mu.Lock()
								panicked++
								mu.Unlock()
							}
						}()
						if g.do(t.Context(), n, all) != nil {
							mu.Lock()
							failed++
							mu.Unlock()
						}
					})
					synctest.Wait()
				}
				close(gate)
				wg.Wait()
				require.Equal(t, 8, failed+panicked)
				require.Equal(t, map[string]int{"error": 0, "panic": 1}[name], panicked)
				require.NoError(t, g.do(t.Context(), 10, all))
				require.Equal(t, 3, calls)
			})
		})
	}
}

// The context of a batch ends when those of all have, and with one alone when its own has.
func TestTogetherHonoursContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g together[int]
		gate := make(chan struct{})
		calls := 0
		all := func(ctx context.Context, what []int) error {
			if calls++; calls == 1 {
				<-gate
				return nil
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		var wg sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		for n := range 3 {
			wg.Go(func() { _ = g.do(ctx, n, all) })
			synctest.Wait()
		}
		close(gate)
		synctest.Wait()
		cancel()
		wg.Wait()
		require.ErrorIs(t, g.do(ctx, 4, all), context.Canceled)
	})
}
