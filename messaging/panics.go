package messaging

import (
	"context"
	"fmt"

	"github.com/vefacrm/vefa/crm"
)

// What the host gave is called here, so that its panics end as what an error of
// it ends as: a guard's as an error of the batch before anything was claimed, a
// render's as the failure of its effect alone. A sender's end as unknown fates, which
// crm.Worker sees to.

func (o *Outbox) callGuard(ctx context.Context, tx crm.Tx, effects []*crm.Effect) (answers []Verdict, err error) {
	defer crm.Recover("guard", &err)
	return o.Guard(ctx, tx, effects)
}

func (o *Outbox) callPrepare(ctx context.Context, tx crm.Tx, effects []*crm.Effect) (with context.Context, err error) {
	defer crm.Recover("prepare", &err)
	return o.Prepare(ctx, tx, effects)
}

func (o *Outbox) callRender(ctx context.Context, tx crm.Tx, e *crm.Effect) (m Message, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %w", ErrUnrenderable, crm.Panicked("render", v))
		}
	}()
	return o.Render(ctx, tx, e)
}
