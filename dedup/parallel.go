package dedup

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// worker is what one goroutine gathers; what it gathers is put in order afterwards, so
// that the result does not depend on who did what.
type worker struct {
	comparer *comparer
	resolver *resolver
	counts   [][17]float64
	random   tally
	edges    edgePages
	doubtful []edge
	bins     bins
	met      int64
	keys     keyList
	entries  []keyed
	rows     []uint32
	live     []uint32
	touched  uint32 // see touch.go
}

// parallel calls do for chunks 0 to n-1 on so many goroutines and waits for them. A panic
// of one, in a caller's metric most likely, goes on in the caller's goroutine.
func parallel(ctx context.Context, threads, n int, do func(chunk int, w *worker) error) ([]*worker, error) {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	threads = max(1, min(threads, n))
	workers, faults := make([]*worker, threads), make([]error, threads)
	var next atomic.Int64
	var stop atomic.Bool
	var fell atomic.Pointer[any]
	var wait sync.WaitGroup
	for k := range workers {
		workers[k] = &worker{}
		wait.Go(func() {
			defer func() {
				if x := recover(); x != nil {
					fell.Store(&x)
					stop.Store(true)
				}
			}()
			for !stop.Load() {
				chunk := int(next.Add(1)) - 1
				if chunk >= n {
					return
				}
				err := ctx.Err()
				if err == nil {
					err = do(chunk, workers[k])
				}
				if err != nil {
					faults[k] = err
					stop.Store(true)
					return
				}
			}
		})
	}
	wait.Wait()
	if x := fell.Load(); x != nil {
		panic(*x)
	}
	for _, err := range faults {
		if err != nil {
			return nil, err
		}
	}
	return workers, nil
}
