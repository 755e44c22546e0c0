package vefa

import (
	"context"
	"time"

	"github.com/vefacrm/vefa/segment"
)

// Segments returns the segments of Config.Segments with everybody's tags as of
// what is committed, frozen, for the questions that people ask of them: counts,
// waterfalls, overlap, lint. Customers have the names of their earliest
// profiles, crm.ProfileKey.String. While a night runs they are as the night last
// saw them; only an engine that never read everybody waits for it, as long as ctx
// allows. Conditions on fields are asked about everybody anew in each call that waits
// for no night.
func (e *Engine) Segments(ctx context.Context) (_ *segment.View, err error) {
	defer e.took("segments", time.Now(), &err)
	return e.frozen(ctx, "segments")
}

// frozen is Segments, for a verb of that name.
func (e *Engine) frozen(ctx context.Context, op string) (_ *segment.View, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !e.tryLock() {
		if v := e.view.Load(); v != nil {
			return v, nil
		}
		if err = e.lock(ctx); err != nil {
			return nil, err
		}
	}
	defer e.release(op, &err)
	if err := e.load(ctx); err != nil {
		return nil, err
	}
	if _, err := e.refresh(ctx); err != nil {
		return nil, err
	}
	if err := e.settle(ctx, e.svc.Now()); err != nil {
		return nil, err
	}
	return e.seg.View(), nil
}
