package vefa

import (
	"context"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/dedup/people"
)

// inRegion is crm.NormalAddress that reads phone numbers without a country code
// as they are dialled in a region, and leaves out the zero that some write between
// country code and number.
func inRegion(region string) crm.Normaliser {
	return func(a crm.Address) (crm.Address, error) {
		n, err := crm.NormalAddress(a)
		if a.Channel != crm.Phone {
			return n, err
		}
		if err == nil {
			// Which country codes a zero may follow, libphonenumber knows.
			if zero := strings.IndexByte(n.Value, '0'); zero >= 2 && zero <= 4 {
				if e164, ok := people.Phone(n.Value, region); ok {
					n.Value = e164
				}
			}
			return n, nil
		}
		if e164, ok := people.PhoneAddress(a.Value, region); ok {
			return crm.Address{Channel: crm.Phone, Value: e164}, nil
		}
		return n, err
	}
}

// sender returns whom a reply came from. Providers name senders by all digits of
// an international number, without the plus sign; where a record has that number
// it is meant, else what the normaliser makes of it.
func (e *Engine) sender(ctx context.Context, from crm.Address) (crm.Address, error) {
	normal, err := e.svc.Normal(from)
	if from.Channel != crm.Phone || from.Value == "" || strings.Trim(from.Value, "0123456789") != "" {
		return normal, err
	}
	full, bad := e.svc.Normal(crm.Address{Channel: crm.Phone, Value: "+" + from.Value})
	if bad != nil || full == normal {
		return normal, err
	}
	known := false
	if view := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		refs, err := r.Refs(ctx, crm.RefContact, 1, crm.RefKey(full.String()))
		if err != nil {
			return err
		}
		states, err := r.Addresses(ctx, full)
		if err != nil {
			return err
		}
		known = len(refs[0]) > 0 || states[0].Version > 0
		return nil
	}); view != nil {
		return from, view
	}
	if known || err != nil {
		return full, nil
	}
	return normal, nil
}
