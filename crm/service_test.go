package crm_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

var t0 = time.Date(2025, 3, 1, 17, 0, 0, 0, time.UTC)

// clock is a clock that tests move by hand.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func (c *clock) step() { c.t = c.t.Add(time.Minute) }

func newService(t *testing.T) (*crm.Service, *clock) {
	t.Helper()
	c := &clock{t0}
	n := 0
	return crm.New(memstore.New(), crm.Config{Now: c.now, NewID: func() string { n++; return fmt.Sprintf("c-%04d", n) }}), c
}

func pos(id string) crm.ProfileKey { return crm.ProfileKey{Source: "pos", ID: id} }

func phone(n int) crm.Address {
	return crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532%07d", n)}
}

func person(k crm.ProfileKey, given, family string, at time.Time, addrs ...crm.Address) *crm.Profile {
	p := &crm.Profile{ProfileKey: k, Name: crm.Name{Given: given, Family: family}, At: at, Since: at}
	for _, a := range addrs {
		p.Contacts = append(p.Contacts, crm.Contact{Address: a})
	}
	return p
}

func order(k crm.ProfileKey, number string, at time.Time) *crm.Fact {
	return &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: k.Source, ID: number}, Subject: crm.OfProfile(k), At: at, Version: 1,
		Data: &crm.Order{Number: number, Total: crm.Money{Amount: 129900, Currency: "TRY"},
			Lines: []crm.OrderLine{{SKU: "W-1", Category: "watch", Quantity: 1, Amount: crm.Money{Amount: 129900, Currency: "TRY"}, Serial: "SN" + number}}}}
}

func consent(a crm.Address, id string, status crm.ConsentStatus, at time.Time) *crm.Fact {
	return &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "web", ID: id}, Subject: crm.OfAddress(a), At: at, Version: 1,
		Data: &crm.Consent{Status: status}}
}

func state(t *testing.T, s *crm.Service, a crm.Address) *crm.AddressState {
	t.Helper()
	var st *crm.AddressState
	require.NoError(t, s.Store().View(t.Context(), func(r crm.Reader) error {
		got, err := r.Addresses(t.Context(), a)
		if err == nil {
			st = got[0]
		}
		return err
	}))
	return st
}

func digest(t *testing.T, s *crm.Service) string {
	t.Helper()
	var d [32]byte
	require.NoError(t, s.Store().View(t.Context(), func(r crm.Reader) (err error) {
		d, err = crm.Digest(t.Context(), r, t0.AddDate(10, 0, 0))
		return err
	}))
	return fmt.Sprintf("%x", d)
}

func TestMergeIsReversible(t *testing.T) {
	ctx := t.Context()
	s, c := newService(t)
	a, b, d := pos("1"), pos("2"), crm.ProfileKey{Source: "web", ID: "9"}
	_, err := s.Import(ctx, crm.Batch{
		Profiles: []*crm.Profile{person(a, "Ayşe", "Yılmaz", t0, phone(1)), person(b, "Ayse", "Yilmaz", t0.Add(-time.Hour), phone(2)), person(d, "A.", "Yılmaz", t0.Add(time.Hour), phone(3))},
		Facts:    []*crm.Fact{order(a, "1001", t0), order(d, "1002", t0)},
	})
	require.NoError(t, err)
	before := digest(t, s)
	ca, err := s.CustomerOf(ctx, a)
	require.NoError(t, err)
	cb, err := s.CustomerOf(ctx, b)
	require.NoError(t, err)

	c.step()
	decisions, err := s.Merge(ctx, "ayla", crm.Evidence{Note: "same person"}, a, b, d)
	require.NoError(t, err)
	require.Len(t, decisions, 2, "b names the customer and stays")
	merged, err := s.CustomerOf(ctx, d)
	require.NoError(t, err)
	require.Equal(t, cb.ID, merged.ID, "the earliest profile names the customer")
	require.Equal(t, []crm.ProfileKey{a, b, d}, merged.Profiles)
	require.Equal(t, "A.", merged.Name.Given, "the newest version's name survives")
	require.Equal(t, d, merged.Origin["name"])
	alias, err := s.Resolve(ctx, ca.ID)
	require.NoError(t, err)
	require.Equal(t, merged.ID, alias, "a merged id stays valid")

	c.step()
	for i, k := range []crm.ProfileKey{a, d} {
		l, err := s.Links(ctx, k)
		require.NoError(t, err)
		require.Equal(t, l[len(l)-1], decisions[i], "what is returned is in the log")
	}
	_, err = s.Undo(ctx, "ayla", decisions...)
	require.NoError(t, err)
	require.Equal(t, before, digest(t, s))
	again, err := s.CustomerOf(ctx, a)
	require.NoError(t, err)
	require.Equal(t, ca.ID, again.ID, "the id comes back with its profile")
}

func TestDeliveriesInAnyOrder(t *testing.T) {
	ctx := t.Context()
	a, b := pos("1"), pos("2")
	moved := order(b, "77", t0)
	moved.Version = 2
	refusal := consent(phone(1), "k2", crm.Refused, t0.Add(time.Hour))
	records := []crm.Batch{
		{Profiles: []*crm.Profile{person(a, "Ali", "Kaya", t0, phone(1))}},
		{Profiles: []*crm.Profile{person(a, "Ali Can", "Kaya", t0.Add(time.Hour), phone(1), phone(2))}},
		{Profiles: []*crm.Profile{person(a, "Same", "Version", t0.Add(time.Hour), phone(2))}},
		{Profiles: []*crm.Profile{person(b, "Veli", "Demir", t0, phone(3))}},
		{Facts: []*crm.Fact{order(a, "77", t0)}},
		{Facts: []*crm.Fact{moved}},
		{Facts: []*crm.Fact{consent(phone(1), "k1", crm.Granted, t0)}},
		{Facts: []*crm.Fact{refusal}},
		{Facts: []*crm.Fact{{Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: "t1"}, Subject: crm.OfProfile(a), At: t0, Version: 1, Data: &crm.Ticket{State: crm.TicketOpen, Opened: t0}}}},
		{Facts: []*crm.Fact{{Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: "t1"}, Subject: crm.OfProfile(b), At: t0, Version: 2, Data: &crm.Ticket{State: crm.TicketPending, Opened: t0}}}},
	}
	want := ""
	r := rand.New(rand.NewPCG(1, 2))
	runs := 200
	if testing.Short() {
		runs = 20
	}
	for range runs {
		s, c := newService(t)
		for range 2 {
			for _, i := range r.Perm(len(records)) {
				rep, err := s.Import(ctx, records[i])
				require.NoError(t, err)
				require.Empty(t, rep.Rejected)
				c.step()
			}
		}
		got := digest(t, s)
		if want == "" {
			want = got
		}
		require.Equal(t, want, got)
		require.Len(t, state(t, s, phone(3)).Holds, 1, "the ticket followed to the other profile")
		require.Empty(t, state(t, s, phone(1)).Holds)
		st, _ := state(t, s, phone(1)).Consent(crm.ConsentKey{})
		require.Equal(t, crm.Refused, st.Status)
	}
	// The same in one batch.
	s, _ := newService(t)
	var all crm.Batch
	for _, b := range records {
		all.Profiles = append(all.Profiles, b.Profiles...)
		all.Facts = append(all.Facts, b.Facts...)
	}
	_, err := s.Import(ctx, all)
	require.NoError(t, err)
	require.Equal(t, want, digest(t, s))
}

func TestSilenceFollowsThePerson(t *testing.T) {
	ctx := t.Context()
	s, c := newService(t)
	a, b := pos("1"), pos("2")
	_, err := s.Import(ctx, crm.Batch{Profiles: []*crm.Profile{person(a, "Ali", "Kaya", t0, phone(1)), person(b, "Ali", "Kaya", t0, phone(2))}})
	require.NoError(t, err)
	ref, err := s.OpenTicket(ctx, a, "desk", "1", crm.Ticket{Title: "broken strap"})
	require.NoError(t, err)
	require.Equal(t, []crm.FactRef{ref}, state(t, s, phone(1)).Holds)
	require.Empty(t, state(t, s, phone(2)).Holds)

	c.step()
	_, err = s.Merge(ctx, "x", crm.Evidence{}, a, b)
	require.NoError(t, err)
	require.Equal(t, []crm.FactRef{ref}, state(t, s, phone(2)).Holds, "merging silences the other addresses")
	c.step()
	require.NoError(t, s.PutProfile(ctx, person(b, "Ali", "Kaya", c.t, phone(2), phone(5))))
	require.Equal(t, []crm.FactRef{ref}, state(t, s, phone(5)).Holds, "so does a new address")
	c.step()
	_, err = s.Split(ctx, "x", crm.Evidence{}, b)
	require.NoError(t, err)
	require.Empty(t, state(t, s, phone(2)).Holds, "splitting lifts it again")
	require.Empty(t, state(t, s, phone(5)).Holds)
	c.step()
	require.NoError(t, s.SetTicket(ctx, ref, crm.TicketPending, "desk", "waiting"))
	require.Equal(t, []crm.FactRef{ref}, state(t, s, phone(1)).Holds, "pending is not solved")
	require.NoError(t, s.SetTicket(ctx, ref, crm.TicketSolved, "desk", "new strap"))
	require.Empty(t, state(t, s, phone(1)).Holds)
	require.Greater(t, state(t, s, phone(1)).Version, int64(1))
}

func TestNotMe(t *testing.T) {
	ctx := t.Context()
	s, c := newService(t)
	a := pos("1")
	require.NoError(t, s.PutProfile(ctx, person(a, "Ali", "Kaya", t0, phone(1), phone(2))))
	version := state(t, s, phone(1)).Version
	n, err := s.NotMe(ctx, a, phone(1), "holder")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	cust, err := s.CustomerOf(ctx, a)
	require.NoError(t, err)
	require.Equal(t, []crm.Address{phone(2)}, cust.Reachable(crm.Phone))
	require.Greater(t, state(t, s, phone(1)).Version, version, "whoever read the address before must read it again")
	n, err = s.NotMe(ctx, a, phone(1), "holder")
	require.NoError(t, err)
	require.Zero(t, n)
	c.step()
	require.NoError(t, s.PutProfile(ctx, person(a, "Ali", "Kaya", c.t, phone(1), phone(2))), "the source says it again")
	cust, err = s.CustomerOf(ctx, a)
	require.NoError(t, err)
	require.Equal(t, []crm.Address{phone(2)}, cust.Reachable(crm.Phone))
	hits := slices.Collect(func(yield func(crm.Hit) bool) {
		for h, err := range s.Find(ctx, crm.Query{Address: phone(1)}) {
			require.NoError(t, err)
			yield(h)
		}
	})
	require.Empty(t, hits, "nobody is found by a disowned address")
}

func TestFind(t *testing.T) {
	ctx := t.Context()
	s, _ := newService(t)
	a := pos("1")
	require.NoError(t, s.PutProfile(ctx, person(a, "Işıl", "GÜLŞAHİN", t0, phone(1))))
	require.NoError(t, s.Record(ctx, order(a, "TR-2025-004711", t0)))
	for name, q := range map[string]crm.Query{
		"phone":   {Address: phone(1)},
		"key":     {External: a},
		"order":   {OrderNumber: "TR-2025-004711"},
		"serial":  {Serial: "SNTR-2025-004711"},
		"partial": {Suffix: "711", Surname: "gulsahin"},
		"turkish": {Suffix: "711", Surname: "Gülşahin"},
	} {
		var hits []crm.Hit
		for h, err := range s.Find(ctx, q) {
			require.NoError(t, err)
			hits = append(hits, h)
		}
		require.Len(t, hits, 1, name)
		require.Equal(t, a, hits[0].Profile, name)
		require.NotEmpty(t, hits[0].Customer, name)
	}
	for _, err := range s.Find(ctx, crm.Query{Suffix: "712", Surname: "gulsahin"}) {
		require.NoError(t, err)
		t.Fatal("found by a wrong number")
	}
}

func TestBadRecordsAreReportedAndTheOthersKept(t *testing.T) {
	ctx := t.Context()
	s, _ := newService(t)
	bad := order(pos("1"), "5", t0)
	bad.Data.(*crm.Order).Lines[0].Quantity = 0
	bad.Data.(*crm.Order).Total.Currency = "lira"
	rep, err := s.Import(ctx, crm.Batch{
		Profiles: []*crm.Profile{person(pos("1"), "A", "B", t0), person(crm.ProfileKey{Source: "pos", ID: "a\x00b"}, "C", "D", t0)},
		Facts:    []*crm.Fact{bad, order(pos("1"), "6", t0)},
	})
	require.NoError(t, err)
	require.Equal(t, 1, rep.Profiles)
	require.Equal(t, 1, rep.Facts)
	require.Len(t, rep.Rejected, 2)
	var ce *crm.Error
	require.Equal(t, "order", rep.Rejected[0].Entity)
	require.ErrorAs(t, rep.Rejected[0].Err, &ce)
	require.ErrorIs(t, rep.Rejected[0].Err, crm.ErrInvalid)
	require.ErrorContains(t, rep.Rejected[0].Err, "lines[0].qty")
	require.ErrorContains(t, rep.Rejected[0].Err, "total.currency")
	require.Equal(t, "profile", rep.Rejected[1].Entity)
	require.Error(t, s.Record(ctx, bad))
}

func TestRecordInTheHostsTransaction(t *testing.T) {
	ctx := t.Context()
	s, _ := newService(t)
	boom := errors.New("boom")
	err := s.Store().Update(ctx, func(tx crm.Tx) error {
		if err := s.In(tx).PutProfile(ctx, person(pos("1"), "A", "B", t0)); err != nil {
			return err
		}
		return boom
	})
	require.ErrorIs(t, err, boom)
	_, err = s.CustomerOf(ctx, pos("1"))
	require.ErrorIs(t, err, crm.ErrNotFound)
}

func TestTimelineIsTheUnionOfAllProfiles(t *testing.T) {
	ctx := t.Context()
	s, c := newService(t)
	a, b := pos("1"), pos("2")
	_, err := s.Import(ctx, crm.Batch{
		Profiles: []*crm.Profile{person(a, "A", "B", t0, phone(1)), person(b, "A", "B", t0, phone(1))},
		Facts:    []*crm.Fact{order(a, "1", t0.Add(time.Hour)), order(b, "2", t0.Add(-time.Hour)), consent(phone(1), "c", crm.Granted, t0)},
	})
	require.NoError(t, err)
	c.step()
	_, err = s.Merge(ctx, "x", crm.Evidence{}, a, b)
	require.NoError(t, err)
	require.NoError(t, s.Tag(ctx, a, crm.TagChange{Tag: "vip", By: "staff"}))
	cust, err := s.CustomerOf(ctx, a)
	require.NoError(t, err)
	var kinds []string
	last := time.Time{}
	for e, err := range s.Timeline(ctx, cust.ID) {
		require.NoError(t, err)
		require.False(t, e.At.Before(last))
		last = e.At
		switch {
		case e.Fact != nil:
			kinds = append(kinds, string(e.Fact.Key.Kind))
		case e.Link != nil:
			kinds = append(kinds, string(e.Link.Kind))
		}
	}
	require.Equal(t, []string{"order", "new", "new", "consent", "manual", "tag", "order"}, kinds)
	tags, err := s.Tags(ctx, cust.ID)
	require.NoError(t, err)
	require.Len(t, tags, 1)
	c.step()
	require.NoError(t, s.Untag(ctx, b, crm.TagChange{Tag: "vip", By: "staff"}))
	tags, err = s.Tags(ctx, cust.ID)
	require.NoError(t, err)
	require.Empty(t, tags)
}

func requireMerge(t *testing.T, s *crm.Service, keys ...crm.ProfileKey) {
	t.Helper()
	_, err := s.Merge(t.Context(), "x", crm.Evidence{}, keys...)
	require.NoError(t, err)
}

// TestTenThousandOperations merges, splits, records and takes back at random;
// in the end every link decision is undone and the record must be what the
// source records alone make.
func TestTenThousandOperations(t *testing.T) {
	ctx := context.Background()
	r := rand.New(rand.NewPCG(7, 7))
	s, c := newService(t)
	const people = 300
	var said []crm.Batch // all that sources ever said
	tell := func(b crm.Batch) {
		said = append(said, b)
		rep, err := s.Import(ctx, b)
		require.NoError(t, err)
		require.Empty(t, rep.Rejected)
	}
	keys := make([]crm.ProfileKey, people)
	for i := range keys {
		keys[i] = pos(fmt.Sprint(i))
		tell(crm.Batch{Profiles: []*crm.Profile{person(keys[i], "A", fmt.Sprint("B", i%7), t0.Add(time.Duration(r.IntN(1000))*time.Minute), phone(i%90))}})
	}
	any := func() crm.ProfileKey { return keys[r.IntN(people)] }
	large := func(k crm.ProfileKey) bool { // people of a hundred records are not what this is about
		x, err := s.CustomerOf(ctx, k)
		require.NoError(t, err)
		return len(x.Profiles) > 12
	}
	taken := map[string][]crm.Link{} // all decisions of an operation
	decide := func(links []crm.Link, err error) {
		require.NoError(t, err)
		for _, l := range links {
			require.Equal(t, l.Op, links[0].Op)
			require.Equal(t, l.OpLen, len(links))
			taken[l.Op] = links
		}
	}
	operations := 10_000
	if testing.Short() {
		operations = 1_000
	}
	for n := range operations {
		c.step()
		switch r.IntN(9) {
		case 0, 1:
			a, b := any(), any()
			if large(a) || large(b) {
				b = a
			}
			decide(s.Merge(ctx, "m", crm.Evidence{}, a, b))
		case 2, 3:
			decide(s.Split(ctx, "s", crm.Evidence{}, any()))
		case 4:
			k := any()
			if large(k) {
				break
			}
			l, err := s.Links(ctx, k)
			require.NoError(t, err)
			if last := l[len(l)-1]; last.Seq > 1 && last.Seq < 100 { // nor people about whom a hundred things were decided
				if last.OpLen > 1 { // Case B7
					_, err := s.Undo(ctx, "u", last)
					var part *crm.PartialUndoError
					require.ErrorAs(t, err, &part)
				}
				decide(s.Undo(ctx, "u", taken[last.Op]...))
			}
		case 5:
			tell(crm.Batch{Facts: []*crm.Fact{order(any(), fmt.Sprint(r.IntN(2000)), t0)}})
		case 6:
			by := fmt.Sprint("staff", n)
			tell(crm.Batch{Facts: []*crm.Fact{{Key: crm.FactKey{Kind: crm.KindTag, Source: "staff", ID: by}, Subject: crm.OfProfile(any()), At: c.t, Version: 1,
				Data: &crm.TagChange{Tag: fmt.Sprint("t", r.IntN(5)), Off: r.IntN(3) == 0}}}})
		case 7:
			id := fmt.Sprint(r.IntN(25))
			st := []crm.TicketState{crm.TicketOpen, crm.TicketPending, crm.TicketSolved}[r.IntN(3)]
			tell(crm.Batch{Facts: []*crm.Fact{{Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: id}, Subject: crm.OfProfile(any()), At: t0, Version: int64(n), Data: &crm.Ticket{State: st, Opened: t0}}}})
		case 8:
			i := r.IntN(people)
			tell(crm.Batch{Profiles: []*crm.Profile{person(keys[i], "A", "C", c.t, phone(r.IntN(200)), phone(i%90))}})
		}
	}
	groups := make([]crm.Grouping, people)
	for i, k := range keys {
		groups[i] = crm.Grouping{Profiles: []crm.ProfileKey{k}, Kind: crm.LinkSplit, Actor: "end"}
	}
	c.step()
	_, err := s.Regroup(ctx, groups...)
	require.NoError(t, err)

	fresh, fc := newService(t)
	for _, i := range r.Perm(len(said)) {
		fc.step()
		_, err := fresh.Import(ctx, said[i])
		require.NoError(t, err)
	}
	require.Equal(t, digest(t, fresh), digest(t, s))
}

func TestFeedDeliversEachChangeOnce(t *testing.T) {
	ctx := t.Context()
	s, _ := newService(t)
	for i := range 300 {
		require.NoError(t, s.PutProfile(ctx, person(pos(fmt.Sprint(i)), "A", "B", t0)))
	}
	seen := map[string]int{}
	fail := true
	f := &crm.Feed{Store: s.Store(), Consumer: "test", Batch: 64, Handler: func(_ context.Context, _ crm.Tx, changes []crm.Change) error {
		if len(seen) > 100 && fail {
			fail = false
			return errors.New("once")
		}
		for _, c := range changes {
			seen[fmt.Sprint(c.Kind, c.Subject, c.Seq)]++
		}
		return nil
	}}
	total, failures := 0, 0
	for {
		n, err := f.RunOnce(ctx)
		if err != nil {
			failures++
			continue
		}
		if total += n; n == 0 {
			break
		}
	}
	require.Equal(t, 1, failures)
	require.Equal(t, 600, total, "one change per profile and one per link")
	require.Len(t, seen, 600)
}
