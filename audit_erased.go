package vefa

import (
	"context"

	"github.com/vefacrm/vefa/crm"
)

// Erasures know what the holders of addresses had said that were erased since; a
// consent.Ledger does. Gone returns that as facts of crm.KindConsent: each with the version
// of the address that it made as its Guard, Recorded when it was erased.
type Erasures interface {
	Gone(ctx context.Context, r crm.Reader, a crm.Address) ([]*crm.Fact, error)
}

// erased returns the consents of a message's address that were erased after it left.
func (a *audit) erased(e *crm.Effect) ([]*crm.Fact, error) {
	var out []*crm.Fact
	for _, of := range a.erasures {
		facts, err := of.Gone(a.ctx, a.r, e.To)
		if err != nil {
			return nil, err
		}
		for _, f := range facts {
			if _, ok := f.Data.(*crm.Consent); ok && e.SentAt.Before(f.Recorded) {
				out = append(out, f)
			}
		}
	}
	return out, nil
}
