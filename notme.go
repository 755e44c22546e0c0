package vefa

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey/web"
)

// incidentKind is of the record that a message reached another person, and notMeSource is where
// that and its ticket come from.
const (
	incidentKind = "incident"
	notMeSource  = "not-me"
)

// incidentKey is the key of the record that a message reached another person.
func incidentKey(f *crm.Effect) crm.FactKey {
	return crm.FactKey{Kind: incidentKind, Source: notMeSource, ID: string(f.ID)}
}

// incident is the content of that record.
type incident struct {
	Kind   string       `json:"kind"` // "misdirected"
	Effect crm.EffectID `json:"effect"`
	Off    bool         `json:"off,omitempty"` // it was taken back
}

func incidentOf(f *crm.Effect, off bool) *crm.Fact {
	data, _ := json.Marshal(incident{"misdirected", f.ID, off}) // texts and a bool: cannot fail
	return &crm.Fact{Key: incidentKey(f), Data: &crm.Custom{JSON: data}}
}

// misdirected reports whether an incident is in force.
func misdirected(f *crm.Fact) bool {
	if f == nil {
		return false
	}
	var x incident
	d, ok := f.Data.(*crm.Custom)
	return !ok || json.Unmarshal(d.JSON, &x) != nil || !x.Off
}

// NotMe implements web.NotMeStore.
func (v *invitations) NotMe(ctx context.Context, n uint64, at time.Time) error {
	e := (*Engine)(v)
	if isOpenLink(n) { // no message was written
		return web.ErrEnded
	}
	return e.svc.Update(ctx, func(tx crm.Tx) error {
		f, d, err := effectOfLink(ctx, tx, n)
		if err != nil {
			return err
		}
		if !at.Before(f.SentAt.Add(e.cfg.NotMeWithin)) {
			return web.ErrEnded
		}
		return e.notMe(ctx, tx, f, d, at)
	})
}

// TakeBackNotMe implements web.NotMeUndoStore.
func (v *invitations) TakeBackNotMe(ctx context.Context, n uint64, at time.Time) error {
	e := (*Engine)(v)
	return e.svc.Update(ctx, func(tx crm.Tx) error {
		f, d, err := effectOfLink(ctx, tx, n)
		if err != nil {
			return err
		}
		if !at.Before(f.SentAt.Add(e.cfg.NotMeWithin)) {
			return web.ErrEnded
		}
		who := answerSubject(f, d)
		if f, err = reminded(ctx, tx, f, d); err != nil {
			return err
		}
		known, err := tx.Facts(ctx, crm.FactRef{Subject: who, Key: incidentKey(f)})
		if err != nil || !misdirected(known[0]) { // what others said of the address is not for the recipient to take back
			return err
		}
		_, err = e.takeBackNotMe(ctx, tx, who.Profile, f.To, "recipient")
		return err
	})
}

// notMe hears "this message was not for me": the person is never written to at
// this address again, a person looks for the right address, and the incident
// is on record. Nothing more is asked.
func (e *Engine) notMe(ctx context.Context, tx crm.Tx, f *crm.Effect, d MessageData, at time.Time) error {
	if f.SentAt.IsZero() {
		return nil
	}
	who, to := answerSubject(f, d).Profile, f.To
	f, err := reminded(ctx, tx, f, d)
	if err != nil {
		return err
	}
	svc := e.svc.In(tx)
	if d.Survey != "" {
		if err := closeForm(ctx, tx, answerForm{}, answerKey(f)); err != nil {
			return err
		}
	}
	if _, err := svc.NotMe(ctx, who, to, "recipient"); err != nil {
		return err
	}
	known, err := tx.Facts(ctx, crm.FactRef{Subject: crm.OfProfile(who), Key: incidentKey(f)})
	if err != nil {
		return err
	}
	version, ticket := int64(1), string(f.ID)
	if known[0] != nil {
		if version = known[0].Version; !misdirected(known[0]) {
			version++
		}
		if version > 1 { // it was said before, and taken back
			ticket += "-" + strconv.FormatInt(version, 10)
		}
	}
	incident := incidentOf(f, false)
	incident.Subject, incident.At, incident.Version = crm.OfProfile(who), at, version
	return deliver(ctx, svc,
		&crm.Fact{Key: crm.FactKey{Kind: crm.KindTicket, Source: notMeSource, ID: ticket}, Subject: crm.OfProfile(who), At: at, Version: 1,
			Data: &crm.Ticket{Title: "A message reached somebody else", State: crm.TicketOpen, Reason: "not-me", Cause: f.About, Opened: crm.Micros(at)}},
		incident)
}

// TakeBackNotMe takes back what was said by mistake, that the holder of an address is not the
// customer of a profile: the customer has the address again (see [crm.Service.TakeBackNotMe]), the tickets
// that were opened because messages to it reached another person are solved in the name of actor, and the
// surveys that those messages invited to are open again as long as they would be. The decisions, the tickets and
// the incidents stay on record. It returns how many profiles have the address again, and fails with
// crm.ErrInvalid without actor and with crm.ErrNotFound without the profile. A call may be repeated.
func (e *Engine) TakeBackNotMe(ctx context.Context, k crm.ProfileKey, a crm.Address, actor string) (n int, err error) {
	defer e.took("take-back-not-me", time.Now(), &err)
	defer crm.Recover("take back not me", &err)
	if a, err = e.svc.Normal(a); err != nil {
		return 0, err
	}
	err = e.svc.Update(ctx, func(tx crm.Tx) error {
		n, err = e.takeBackNotMe(ctx, tx, k, a, actor)
		return err
	})
	return n, err
}

func (e *Engine) takeBackNotMe(ctx context.Context, tx crm.Tx, k crm.ProfileKey, a crm.Address, actor string) (int, error) {
	svc := e.svc.In(tx)
	n, err := svc.TakeBackNotMe(ctx, k, a, actor) // locks the customer and the address: what follows is read after that
	if err != nil {
		return 0, err
	}
	who, err := svc.CustomerOf(ctx, k)
	if err != nil {
		return 0, err
	}
	facts, err := svc.Facts(ctx, who.ID, crm.KindTicket, incidentKind)
	if err != nil {
		return 0, err
	}
	facts = slices.DeleteFunc(facts, func(f *crm.Fact) bool { return f.Key.Source != notMeSource })
	ids := make([]crm.EffectID, len(facts))
	for i, f := range facts {
		id, _, _ := strings.Cut(f.Key.ID, "-")
		ids[i] = crm.EffectID(id)
	}
	effects, err := tx.Effects(ctx, ids...)
	if err != nil {
		return 0, err
	}
	for i, f := range facts {
		if effects[i] == nil || effects[i].To != a {
			continue
		}
		if t, ok := f.Data.(*crm.Ticket); ok {
			if t.Unsolved() {
				if err := svc.SetTicket(ctx, f.Ref(), crm.TicketSolved, actor, "not me was taken back"); err != nil {
					return 0, err
				}
			}
			continue
		}
		if misdirected(f) {
			off := incidentOf(effects[i], true)
			off.Subject, off.At, off.Version = f.Subject, e.svc.Now(), f.Version+1
			if err := deliver(ctx, svc, off); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}
