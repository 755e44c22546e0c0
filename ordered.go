package vefa

import (
	"context"
	"sync"

	"github.com/vefacrm/vefa/crm"
)

// ordered has several goroutines do jobs and takes the results in the order of the jobs:
// produce yields the jobs from a goroutine of its own, do is told which of the threads
// it runs in, and then is called by the caller of ordered. Not more than three jobs for
// each thread are under way at once. The first error ends it, and so does ctx; a panic of
// a job is its error. No goroutine is left when it returns.
func ordered[J, T any](ctx context.Context, threads int, produce func(ctx context.Context, yield func(J) bool) error,
	do func(ctx context.Context, thread int, j J) (T, error), then func(T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer func() {
		cancel(nil)
		wg.Wait()
	}()
	type result struct {
		value T
		err   error
	}
	type task struct {
		job J
		out chan result // holds one
	}
	work, order := make(chan task), make(chan task, 2*threads)
	call := func(thread int, j J) (res result) {
		defer crm.Recover("work", &res.err)
		res.value, res.err = do(ctx, thread, j)
		return res
	}
	for i := range threads {
		wg.Go(func() {
			for t := range work {
				t.out <- call(i, t.job)
			}
		})
	}
	wg.Go(func() {
		defer close(order)
		defer close(work)
		var err error
		defer func() {
			if err != nil {
				cancel(err)
			}
		}()
		defer crm.Recover("work", &err)
		err = produce(ctx, func(j J) bool {
			t := task{j, make(chan result, 1)}
			select {
			case work <- t:
			case <-ctx.Done():
				return false
			}
			select {
			case order <- t:
				return true
			case <-ctx.Done():
				return false
			}
		})
	})
	for t := range order {
		res := <-t.out
		if res.err == nil {
			res.err = then(res.value)
		}
		if res.err != nil {
			cancel(res.err) // if it is not what another error led to
			return context.Cause(ctx)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
