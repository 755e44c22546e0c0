package sqlstore

import (
	"errors"
	"math"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// check refuses a record with faults.
func check(op, entity, id string, faults ...error) error {
	if err := errors.Join(faults...); err != nil {
		return &crm.Error{Op: op, Entity: entity, ID: clean(id), Kind: crm.ErrInvalid, Err: err}
	}
	return nil
}

// checkTimes refuses times that JSON and microseconds do not both hold.
func checkTimes(field string, times ...time.Time) error {
	for _, t := range times {
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			return &crm.FieldError{Field: field, Msg: "has a year that is not between 1 and 9999"}
		}
	}
	return nil
}

func checkProfile(p *crm.Profile) error {
	given := p
	if p.At.Year() >= 9999 { // the service's own, a little after a stored one
		c := *p
		c.At = time.Time{}
		given = &c
	}
	return check("put", "profile", p.ProfileKey.String(), given.Validate(), checkTimes("since", p.Since), checkTimes("at", p.At))
}

func checkLink(l *crm.Link) error {
	faults := []error{l.Profile.Validate(), checkTimes("at", l.At)}
	if (crm.ProfileKey{Source: "customer", ID: string(l.Customer)}).Validate() != nil {
		faults = append(faults, &crm.FieldError{Field: "customer", Msg: "is no customer id"})
	}
	if w := l.Evidence.Weight; math.IsNaN(w) || math.IsInf(w, 0) {
		faults = append(faults, &crm.FieldError{Field: "evidence.weight", Msg: "is not a number"})
	}
	for _, s := range l.Evidence.Steps {
		if math.IsNaN(s.Bits) || math.IsInf(s.Bits, 0) {
			faults = append(faults, &crm.FieldError{Field: "evidence.steps", Msg: "is not a number"})
		}
	}
	for _, op := range []string{l.Op, l.Undoes} {
		if op != "" && (crm.ProfileKey{Source: "op", ID: op}).Validate() != nil {
			faults = append(faults, &crm.FieldError{Field: "op", Msg: "is no id"})
		}
	}
	switch l.Kind {
	case crm.LinkNew, crm.LinkMatched, crm.LinkManual, crm.LinkSplit, crm.LinkApart, crm.LinkUndo, crm.LinkNotMe:
	default:
		faults = append(faults, &crm.FieldError{Field: "kind", Msg: "is not known"})
	}
	return check("append", "link", l.Profile.String(), faults...)
}

func (g *grammar) checkFact(f *crm.Fact) error {
	if f.Version > crm.MaxVersion { // the service's own, one above a stored one
		c := *f
		c.Version = crm.MaxVersion
		f = &c
	}
	return check("put", string(f.Key.Kind), f.Key.String(), g.kinds.Validate(f), checkTimes("at", f.At), checkTimes("recorded", f.Recorded))
}

func checkAddress(s *crm.AddressState) error {
	faults := []error{s.Validate()}
	for _, c := range s.Consents {
		faults = append(faults, checkTimes("consents.at", c.At))
	}
	for _, h := range s.Holds {
		faults = append(faults, h.Subject.Validate())
	}
	return check("put", "address", "", faults...) // the address itself is nobody's business
}

func checkEffect(op string, e *crm.Effect) error {
	return check(op, "effect", string(e.ID), e.Validate(), checkTimes("times", e.Due, e.Created, e.Changed, e.SentAt, e.Lease))
}
