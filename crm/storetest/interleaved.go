package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/audit"
	"github.com/vefacrm/vefa/internal/interleave"
)

var interleavedTests = []test{
	{"Interleaved", "of two writers of whom the second commits in the middle of the first, both find and leave a record as if one had come after the other", testInterleaved},
}

// desk is what people did before two of them meet: a and b are one customer, c is
// one with a ticket, d and e are one, f is alone. A and d share a phone.
type desk struct {
	svc    *crm.Service
	k      [6]crm.ProfileKey
	merged [2][]crm.Link
	ticket crm.FactRef
}

func deskPhone(i int) crm.Address {
	return crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+9055512345%02d", i)}
}

func (d *desk) profile(i int, change func(*crm.Profile)) *crm.Profile {
	p := &crm.Profile{ProfileKey: writerKey(0, i), Name: crm.Name{Given: "A", Family: fmt.Sprint("B", i)}, Since: start.Add(time.Duration(i) * time.Hour), At: start,
		Contacts: []crm.Contact{{Address: deskPhone(i % 3)}}}
	if change != nil {
		p.At = start.Add(time.Hour)
		change(p)
	}
	return p
}

func (d *desk) fact(kind crm.FactKind, on, version int) *crm.Fact {
	f := &crm.Fact{Key: crm.FactKey{Kind: kind, Source: "cc", ID: "1"}, Subject: crm.OfProfile(d.k[on]), At: start, Version: int64(version)}
	switch kind {
	case crm.KindTicket:
		f.Data = &crm.Ticket{Title: "strap", State: crm.TicketOpen, Opened: start}
	default:
		f.Data = &crm.Order{Number: "N-123", Total: crm.Money{Amount: int64(version), Currency: "TRY"}}
	}
	return f
}

// openDesk sets the scene. Its ids and times are the same each time.
func openDesk(ctx context.Context, t testing.TB, store crm.Store) *desk {
	d := &desk{svc: deskService(store, "setup")}
	var b crm.Batch
	for i := range d.k {
		d.k[i] = writerKey(0, i)
		b.Profiles = append(b.Profiles, d.profile(i, nil))
	}
	b.Facts = append(b.Facts, d.fact(crm.KindTicket, 2, 1), d.fact(crm.KindOrder, 2, 1))
	d.ticket = b.Facts[0].Ref()
	rep, err := d.svc.Import(ctx, b)
	require.NoError(t, err)
	require.Empty(t, rep.Rejected)
	for i, pair := range [][2]int{{0, 1}, {3, 4}} {
		d.merged[i], err = d.svc.Merge(ctx, "desk", crm.Evidence{}, d.k[pair[0]], d.k[pair[1]])
		require.NoError(t, err)
	}
	return d
}

func deskService(store crm.Store, who string) *crm.Service {
	var n atomic.Int64
	return crm.New(store, crm.Config{
		Now:   func() time.Time { return start.Add(24 * time.Hour) },
		NewID: func() string { return fmt.Sprintf("%s-%03d", who, n.Add(1)) },
	})
}

// deskVerbs are what people and sources do at once.
var deskVerbs = []struct {
	name string
	do   func(ctx context.Context, d *desk, svc *crm.Service) error
}{
	{"merge a c", func(ctx context.Context, d *desk, svc *crm.Service) error {
		_, err := svc.Merge(ctx, "first", crm.Evidence{}, d.k[0], d.k[2])
		return err
	}},
	{"merge c d", func(ctx context.Context, d *desk, svc *crm.Service) error {
		_, err := svc.Merge(ctx, "second", crm.Evidence{}, d.k[2], d.k[3])
		return err
	}},
	{"split b", func(ctx context.Context, d *desk, svc *crm.Service) error {
		_, err := svc.Split(ctx, "desk", crm.Evidence{}, d.k[1])
		return err
	}},
	{"undo a b", func(ctx context.Context, d *desk, svc *crm.Service) error {
		_, err := svc.Undo(ctx, "desk", d.merged[0]...)
		return err
	}},
	{"undo both", func(ctx context.Context, d *desk, svc *crm.Service) error {
		_, err := svc.Undo(ctx, "desk", slices.Concat(d.merged[0], d.merged[1])...)
		return err
	}},
	{"link b f", func(ctx context.Context, d *desk, svc *crm.Service) error {
		_, err := svc.Regroup(ctx, crm.Grouping{Profiles: []crm.ProfileKey{d.k[1], d.k[5]}, Kind: crm.LinkMatched, Actor: "dedup"})
		return err
	}},
	{"link c f if nothing was decided", func(ctx context.Context, d *desk, svc *crm.Service) error {
		_, err := svc.Regroup(ctx, crm.Grouping{Profiles: []crm.ProfileKey{d.k[2], d.k[5]}, Kind: crm.LinkMatched, Actor: "dedup", Known: map[crm.ProfileKey]int64{}})
		return err
	}},
	{"not me a", func(ctx context.Context, d *desk, svc *crm.Service) error {
		_, err := svc.NotMe(ctx, d.k[0], deskPhone(0), "recipient")
		return err
	}},
	{"not me a is taken back", func(ctx context.Context, d *desk, svc *crm.Service) error {
		_, err := svc.TakeBackNotMe(ctx, d.k[0], deskPhone(0), "desk")
		return err
	}},
	{"open a ticket of b", func(ctx context.Context, d *desk, svc *crm.Service) error {
		_, err := svc.OpenTicket(ctx, d.k[1], "desk", "2", crm.Ticket{Title: "glass", Opened: start})
		return err
	}},
	{"solve the ticket", func(ctx context.Context, d *desk, svc *crm.Service) error {
		return svc.SetTicket(ctx, d.ticket, crm.TicketSolved, "desk", "done")
	}},
	{"the ticket is a's", func(ctx context.Context, d *desk, svc *crm.Service) error {
		return svc.Record(ctx, d.fact(crm.KindTicket, 0, 2))
	}},
	{"the order is d's", func(ctx context.Context, d *desk, svc *crm.Service) error {
		return svc.Record(ctx, d.fact(crm.KindOrder, 3, 2))
	}},
	{"the order is a's", func(ctx context.Context, d *desk, svc *crm.Service) error {
		return svc.Record(ctx, d.fact(crm.KindOrder, 0, 3))
	}},
	{"c has another phone", func(ctx context.Context, d *desk, svc *crm.Service) error {
		return svc.PutProfile(ctx, d.profile(2, func(p *crm.Profile) {
			p.Contacts = append(p.Contacts, crm.Contact{Address: deskPhone(9)})
		}))
	}},
	{"b has a's phone", func(ctx context.Context, d *desk, svc *crm.Service) error {
		return svc.PutProfile(ctx, d.profile(1, func(p *crm.Profile) { p.Contacts = []crm.Contact{{Address: deskPhone(0)}} }))
	}},
	{"b was known first", func(ctx context.Context, d *desk, svc *crm.Service) error {
		return svc.PutProfile(ctx, d.profile(1, func(p *crm.Profile) { p.Since = start.Add(-time.Hour) }))
	}},
	{"d was known before c", func(ctx context.Context, d *desk, svc *crm.Service) error {
		return svc.PutProfile(ctx, d.profile(3, func(p *crm.Profile) { p.Since = start.Add(90 * time.Minute) }))
	}},
	{"c is called Kaya", func(ctx context.Context, d *desk, svc *crm.Service) error {
		return svc.PutProfile(ctx, d.profile(2, func(p *crm.Profile) { p.Name.Family = "Kaya" }))
	}},
	{"c has another order", func(ctx context.Context, d *desk, svc *crm.Service) error {
		f := d.fact(crm.KindOrder, 2, 1)
		f.Key.ID = "2"
		return svc.Record(ctx, f)
	}},
	{"c's phone refuses", func(ctx context.Context, d *desk, svc *crm.Service) error {
		return svc.Record(ctx, &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "iys", ID: "1"}, Subject: crm.OfAddress(deskPhone(2)), At: start, Version: 1, Data: &crm.Consent{Status: crm.Refused}})
	}},
	{"c's phone is dead, and c has a ticket", func(ctx context.Context, d *desk, svc *crm.Service) error {
		return svc.Record(ctx, d.fact(crm.KindTicket, 2, 3),
			&crm.Fact{Key: crm.FactKey{Kind: crm.KindSuppression, Source: "smsc", ID: "1"}, Subject: crm.OfAddress(deskPhone(2)), At: start, Version: 1, Data: &crm.Suppression{Reason: "bounce"}},
			&crm.Fact{Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: "3"}, Subject: crm.OfProfile(d.k[5]), At: start, Version: 1, Data: &crm.Ticket{Title: "x", State: crm.TicketOpen, Opened: start}})
	}},
}

// outcome is what two verbs left behind and were told, in words that can be
// compared.
type outcome struct {
	Digest [32]byte
	Log    []string // of decisions
	Found  []crm.Hit
	First  string
	Second string
}

func (e *env) outcome(store crm.Store, d *desk, first, second error, why string) outcome {
	e.Helper()
	o := outcome{First: kindOf(first), Second: kindOf(second)}
	for _, name := range []string{"B0", "B2", "B3", "Kaya"} {
		for hit, err := range d.svc.Find(e.ctx, crm.Query{Suffix: "123", Surname: name}) {
			require.NoError(e, err)
			o.Found = append(o.Found, hit)
		}
	}
	require.NoError(e, store.View(e.ctx, func(r crm.Reader) (err error) {
		rep, err := audit.Record(e.ctx, r)
		if err != nil {
			return err
		}
		require.Empty(e, rep.Findings, why)
		logs, err := r.Links(e.ctx, d.k[:]...)
		if err != nil {
			return err
		}
		for _, log := range logs {
			for _, l := range log {
				l.Op, l.Undoes = "", l.Undoes[:min(1, len(l.Undoes))]
				text, err := json.Marshal(l)
				if err != nil {
					return err
				}
				o.Log = append(o.Log, string(text))
			}
		}
		o.Digest, err = crm.Digest(e.ctx, r, start.AddDate(1, 0, 0))
		return err
	}))
	return o
}

// kindOf names the kind of an error.
func kindOf(err error) string {
	if err == nil {
		return ""
	}
	if stale := (&crm.StaleError{}); errors.As(err, &stale) {
		return "stale"
	}
	for _, kind := range []error{crm.ErrNotFound, crm.ErrExists, crm.ErrConflict, crm.ErrInvalid, crm.ErrBusy} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return err.Error()
}

// Case A1, A4, A16: of every two verbs, the second commits before one call of the
// first, for each of its calls before it has written anything.
func testInterleaved(e *env) {
	in := 1 // of so many pairs one, the others on the memory store
	if !e.opt.NoConcurrentWriters {
		in = 7
		if testing.Short() || raceEnabled {
			in = 31
		}
	}
	pair := 0
	for _, first := range deskVerbs {
		for _, second := range deskVerbs {
			if pair++; pair%in != 0 {
				continue
			}
			var want outcome
			for at := 0; ; at++ {
				why := fmt.Sprintf("%s; %s in its middle, before call %d", first.name, second.name, at)
				store := e.open(e.T)
				d := openDesk(e.ctx, e.T, store)
				if at == 0 { // one after the other
					err2 := second.do(e.ctx, d, deskService(store, "second"))
					in := &interleave.Store{Store: store}
					res := in.Run(func(s crm.Store) error { return first.do(e.ctx, d, deskService(s, "first")) }, func(crm.Store) error { return nil })
					require.Empty(e, res.Faults, "%s after %s", first.name, second.name)
					want = e.outcome(store, d, res.First, err2, why)
					continue
				}
				in := &interleave.Store{Store: store, At: at, Apart: e.opt.WritersMeet, Locking: !e.opt.NoConcurrentWriters}
				res := in.Run(
					func(s crm.Store) error { return first.do(e.ctx, d, deskService(s, "first")) },
					func(s crm.Store) error { return second.do(e.ctx, d, deskService(s, "second")) })
				require.Empty(e, res.Faults, why)
				got := e.outcome(store, d, res.First, res.Second, why)
				if !res.Reached {
					break
				}
				if res.Inside {
					require.Equal(e, want, got, why)
				}
			}
		}
	}
}
