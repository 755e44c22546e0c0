package vefa

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
)

// messageFields are the fields that a message shows besides those that rules read.
// All but the link may have no value.
var messageFields = map[string]messaging.FieldType{
	"link":   messaging.LinkField,  // its tracked link
	"shop":   messaging.TextField,  // name of the place that it is about, else of the customer's
	"name":   messaging.TextField,  // the customer's
	"given":  messaging.TextField,  // given name
	"family": messaging.TextField,  // family name
	"title":  messaging.TextField,  // before the name
	"order":  messaging.TextField,  // number of the order that it is about
	"amount": messaging.MoneyField, // of that order, in its own currency
	"date":   messaging.DateField,  // of the order, visit or ticket that it is about
}

// checkFields reports fields of a message that nothing fills, or that are filled
// with something of another type, and returns which fields of rules it shows.
func (e *Engine) checkFields(c *messaging.Campaign) (shown []string, _ error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, f := range c.Fields {
		want, known := messageFields[f.Name]
		if !known {
			var scale int
			var kind rules.Kind
			if e.schema != nil { // else it is reported already
				for _, d := range e.schema.Fields() {
					if d.Name == f.Name {
						kind, scale = d.Kind, d.Scale
					}
				}
			}
			switch {
			case kind == rules.String:
				want = messaging.TextField
			case kind == rules.Int && scale == 0:
				want = messaging.NumberField
			case kind == rules.Int && scale == 2:
				want = messaging.MoneyField
			case kind == rules.Time:
				want = messaging.DateField
			case kind != 0:
				fault("field %q: a message cannot show a %s", f.Name, kind)
				continue
			default:
				if e.schema != nil {
					fault("field %q: there is none; a message shows %s and what rules read, such as City", f.Name, strings.Join(slices.Sorted(maps.Keys(messageFields)), ", "))
				}
				continue
			}
			shown = append(shown, f.Name)
		}
		if got := f.Type; got != want && (got != "" || want != messaging.TextField) {
			fault("field %q is of type %s, not %q", f.Name, want, got)
		}
	}
	return shown, errors.Join(faults...)
}

// shows reports whether a message may show a field of rules. What campaigns of the desk show
// is not known before they are sent.
func (e *Engine) shows(field string) bool { return e.desk != nil || e.shown[field] }

// personal returns the values of the fields of messages in a transaction: those of
// the customers in p, and of the orders, visits and tickets that effects are about.
func (e *Engine) personal(ctx context.Context, tx crm.Tx, p *population, effects []*crm.Effect) (map[crm.EffectID]messaging.Values, error) {
	out := map[crm.EffectID]messaging.Values{}
	about := map[crm.FactKey]*crm.Fact{}
	var fill *filler
	for _, f := range effects {
		d, err := decodeMessage(f)
		m := e.message(ctx, d.Name)
		if err != nil || m == nil {
			continue // it will not render
		}
		x := p.of(e.about(f, d))
		if x == nil {
			continue
		}
		values := messaging.Values{}
		out[f.ID] = values
		name := e.cfg.Survivorship.Fold(p.recordsOf(x)).Name
		for _, field := range m.campaign.Fields {
			switch field.Name {
			case "link":
			case "shop":
				values["shop"] = p.shop(x, occasionOf(f, d))
			case "name":
				values["name"] = name.String()
			case "given":
				values["given"] = name.Given
			case "family":
				values["family"] = name.Family
			case "title":
				values["title"] = name.Title
			case "order", "amount", "date":
				if len(about) == 0 {
					if about, err = factsAbout(ctx, tx, occasions(effects)); err != nil {
						return nil, err
					}
				}
				if fact := about[occasionOf(f, d)]; fact != nil {
					values[field.Name] = p.occasion(fact, field.Name)
				}
			default:
				if fill == nil {
					now := e.svc.Now()
					if fill, err = e.newFiller(p, p.set, now, e.segmentsAt(now, func() (*segment.Index, error) {
						defs, err := loadTags(ctx, tx)
						if err != nil {
							return nil, err
						}
						return e.index(ctx, tx, p, defs, now)
					})); err != nil {
						return nil, err
					}
					fill.reader, fill.also = tx, e.shownBy(ctx)
				}
				facts, err := fill.one(ctx, x)
				if err != nil {
					return nil, err
				}
				if values[field.Name], err = e.value(facts, field, p, x); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// occasions are the orders, visits and tickets that messages are about.
func occasions(effects []*crm.Effect) (keys []crm.FactKey) {
	for _, f := range effects {
		d, err := decodeMessage(f)
		if err != nil {
			continue
		}
		switch about := occasionOf(f, d); about.Kind {
		case crm.KindOrder, crm.KindVisit, crm.KindTicket:
			keys = append(keys, about)
		}
	}
	return keys
}

// factsAbout reads facts by their keys, whomever they are about.
func factsAbout(ctx context.Context, tx crm.Reader, keys []crm.FactKey) (map[crm.FactKey]*crm.Fact, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	at, err := tx.Anchors(ctx, keys...)
	if err != nil {
		return nil, err
	}
	refs := make([]crm.FactRef, 0, len(keys))
	for i, s := range at {
		if s != (crm.Subject{}) {
			refs = append(refs, crm.FactRef{Subject: s, Key: keys[i]})
		}
	}
	found, err := tx.Facts(ctx, refs...)
	out := make(map[crm.FactKey]*crm.Fact, len(found))
	for _, f := range found {
		if f != nil {
			out[f.Key] = f
		}
	}
	return out, err
}

// occasion returns a value of what a message is about, or nil where it has none.
func (p *population) occasion(f *crm.Fact, field string) any {
	o, isOrder := f.Data.(*crm.Order)
	switch {
	case field == "date":
		return f.At.In(p.places.Zone(f.Place))
	case field == "order" && isOrder:
		return o.Number
	case field == "amount" && isOrder && o.Total != (crm.Money{}):
		return o.Total
	}
	return nil
}

// value returns what rules read in a field as a message shows it.
func (e *Engine) value(facts *Facts, f messaging.Field, p *population, x *person) (any, error) {
	v, err := e.schema.Value(facts, f.Name)
	switch n := v.(type) {
	case int64:
		if f.Type == messaging.MoneyField { // hundredths, whatever the minor unit is
			return crm.Money{Amount: ofHundredths(n, crm.Decimals(e.cfg.Currency)), Currency: e.cfg.Currency}, err
		}
	case time.Time:
		return n.In(p.zone(x)), err
	}
	return v, err
}

// ofHundredths turns hundredths of a currency's unit into its minor unit.
func ofHundredths(n int64, decimals int) int64 {
	switch decimals {
	case 0:
		return roundTo(n, 100)
	case 3:
		return n * 10
	case 4:
		return n * 100
	}
	return n
}
