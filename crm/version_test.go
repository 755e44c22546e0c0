package crm_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// stated is an order as its source tells of it, without a version.
func stated(k crm.ProfileKey, number string, status crm.OrderStatus) *crm.Fact {
	f := order(k, number, t0)
	f.Version = 0
	f.Data.(*crm.Order).Status = status
	return f
}

func storedOrder(t *testing.T, s *crm.Service, ref crm.FactRef) *crm.Fact {
	t.Helper()
	var out *crm.Fact
	require.NoError(t, s.Store().View(t.Context(), func(r crm.Reader) error {
		got, err := r.Facts(t.Context(), ref)
		if err == nil {
			out = got[0]
		}
		return err
	}))
	return out
}

var statuses = []crm.OrderStatus{crm.OrderPlaced, crm.OrderShipped, crm.OrderDelivered, crm.OrderCancelled}

// Case B1: what is told last without a version stays, also when the clock stands
// still or goes back; told again it changes nothing.
func TestLastWordWithoutAVersion(t *testing.T) {
	for i := range 50 { // as many as a toss would hardly pass
		s, c := newService(t)
		number := fmt.Sprint("o", i)
		for _, st := range statuses {
			require.NoError(t, s.Record(t.Context(), stated(pos("1"), number, st)))
			c.t = c.t.Add(-time.Duration(i%3) * time.Minute)
		}
		f := storedOrder(t, s, stated(pos("1"), number, "").Ref())
		require.Equal(t, crm.OrderCancelled, f.Data.(*crm.Order).Status)
		require.GreaterOrEqual(t, f.Version, t0.UnixMicro()+3)
		before := digest(t, s)
		c.step()
		require.NoError(t, s.Record(t.Context(), stated(pos("1"), number, crm.OrderCancelled)))
		require.Equal(t, before, digest(t, s))

		// In one call and in one delivery.
		var all []*crm.Fact
		for _, st := range statuses {
			all = append(all, stated(pos("2"), number+"b", st))
		}
		require.NoError(t, s.Record(t.Context(), all...))
		require.Equal(t, crm.OrderCancelled, storedOrder(t, s, all[0].Ref()).Data.(*crm.Order).Status)
		for _, f := range all {
			f.Key.ID += "c"
			require.Zero(t, f.Version, "the caller's facts stay as they are")
		}
		rep, err := s.Import(t.Context(), crm.Batch{Facts: all})
		require.NoError(t, err)
		require.Equal(t, crm.ImportReport{Facts: 1, Repeated: 3}, rep)
		require.Equal(t, crm.OrderCancelled, storedOrder(t, s, all[0].Ref()).Data.(*crm.Order).Status)
	}
}

// Case B1: an order without a version that changes hands.
func TestLastWordElsewhere(t *testing.T) {
	s, c := newService(t)
	for i := range 10 {
		c.t = c.t.Add(-time.Minute)
		require.NoError(t, s.Record(t.Context(), stated(pos(fmt.Sprint(i)), "1", statuses[i%4])))
	}
	for i := range 10 {
		f := storedOrder(t, s, stated(pos(fmt.Sprint(i)), "1", "").Ref())
		require.Equal(t, i == 9, f != nil, i)
	}
}

// Case B1: an import of rows without times, delivered again with other content,
// keeps the newer rows and counts them.
func TestImportWithoutTimes(t *testing.T) {
	for _, chunk := range []int{0, 7} {
		s := crm.New(memstore.New(), crm.Config{Now: func() time.Time { return t0 }, ChunkSize: chunk, Workers: 4})
		rows := func(round string) crm.Batch {
			var b crm.Batch
			for i := range 200 {
				p := person(pos(fmt.Sprint(i)), "Ayşe "+round, "Kaya", time.Time{}, phone(i))
				b.Profiles = append(b.Profiles, p)
				f := stated(p.ProfileKey, fmt.Sprint("o", i), crm.OrderPlaced)
				f.Data.(*crm.Order).Employee = round
				b.Facts = append(b.Facts, f)
			}
			return b
		}
		for _, round := range []string{"one", "two", "three"} {
			rep, err := s.Import(t.Context(), rows(round))
			require.NoError(t, err)
			require.Equal(t, crm.ImportReport{Profiles: 200, Facts: 200}, rep)
		}
		rep, err := s.Import(t.Context(), rows("three"))
		require.NoError(t, err)
		require.Equal(t, crm.ImportReport{Repeated: 400}, rep)
		for i := range 200 {
			c, err := s.CustomerOf(t.Context(), pos(fmt.Sprint(i)))
			require.NoError(t, err)
			require.Equal(t, "Ayşe three", c.Name.Given)
		}
		// The rows of several rounds in one delivery.
		all := rows("four")
		for _, round := range []string{"five", "six"} {
			b := rows(round)
			all.Profiles, all.Facts = append(all.Profiles, b.Profiles...), append(all.Facts, b.Facts...)
		}
		_, err = s.Import(t.Context(), all)
		require.NoError(t, err)
		for i := range 200 {
			c, err := s.CustomerOf(t.Context(), pos(fmt.Sprint(i)))
			require.NoError(t, err)
			require.Equal(t, "Ayşe six", c.Name.Given)
			f := storedOrder(t, s, stated(pos(fmt.Sprint(i)), fmt.Sprint("o", i), "").Ref())
			require.Equal(t, "six", f.Data.(*crm.Order).Employee)
		}
	}
}

// Case B1: what one delivery says several times without versions is what it says
// last, whether it is written in one transaction or in several, and changes nothing
// when it comes again.
func TestSeveralWordsInOneDelivery(t *testing.T) {
	said := func() crm.Batch {
		granted, refused := consent(phone(1), "1", crm.Granted, t0), consent(phone(1), "1", crm.Refused, t0.Add(time.Hour))
		granted.Version, refused.Version = 0, 0
		return crm.Batch{
			Profiles: []*crm.Profile{person(pos("1"), "A", "B", time.Time{}, phone(1)), person(pos("1"), "A", "C", time.Time{}, phone(1))},
			Facts: []*crm.Fact{granted, refused,
				stated(pos("1"), "1", crm.OrderPlaced), stated(pos("1"), "1", crm.OrderShipped),
				stated(pos("1"), "2", crm.OrderPlaced), stated(pos("2"), "2", crm.OrderShipped)},
		}
	}
	want := ""
	for _, chunk := range []int{1, 3, 5, 500} {
		s, c := newService(t)
		s = crm.New(s.Store(), crm.Config{Now: c.now, ChunkSize: chunk, Workers: 4})
		rep, err := s.Import(t.Context(), said())
		require.NoError(t, err)
		require.Equal(t, crm.ImportReport{Profiles: 1, Facts: 3, Repeated: 4}, rep, "chunks of %d", chunk)
		before := digest(t, s)
		if want == "" {
			want = before
		}
		require.Equal(t, want, before, "chunks of %d", chunk)
		for range 3 {
			c.step()
			rep, err = s.Import(t.Context(), said())
			require.NoError(t, err)
			require.Equal(t, crm.ImportReport{Repeated: 8}, rep, "chunks of %d", chunk)
			require.Equal(t, before, digest(t, s), "chunks of %d", chunk)
		}
		require.Equal(t, crm.OrderShipped, storedOrder(t, s, said().Facts[3].Ref()).Data.(*crm.Order).Status)
		require.Equal(t, crm.OrderShipped, storedOrder(t, s, said().Facts[5].Ref()).Data.(*crm.Order).Status)
		require.Nil(t, storedOrder(t, s, said().Facts[4].Ref()))
		require.NoError(t, s.Store().View(t.Context(), func(r crm.Reader) error {
			st, err := r.Addresses(t.Context(), phone(1))
			require.NoError(t, err)
			got, ok := st[0].Consent(said().Facts[0].Data.(*crm.Consent).ConsentKey)
			require.True(t, ok)
			require.Equal(t, crm.Refused, got.Status)
			require.Equal(t, int64(1), st[0].Version, "nothing was said but once")
			return nil
		}))
	}
}

// Case B1: with versions the order of deliveries does not matter, another content
// of one version is listed, and a desk is told.
func TestSameVersionOtherContent(t *testing.T) {
	ctx := t.Context()
	a, b := stated(pos("1"), "1", crm.OrderShipped), stated(pos("1"), "1", crm.OrderCancelled)
	a.Version, b.Version = 7, 7
	p, q := person(pos("1"), "Ali", "Kaya", t0), person(pos("1"), "Veli", "Kaya", t0)
	c, d := consent(phone(1), "c", crm.Granted, t0), consent(phone(1), "c", crm.Refused, t0)
	end := ""
	for _, order := range [][2]crm.Batch{
		{{Profiles: []*crm.Profile{p}, Facts: []*crm.Fact{a, c}}, {Profiles: []*crm.Profile{q}, Facts: []*crm.Fact{b, d}}},
		{{Profiles: []*crm.Profile{q}, Facts: []*crm.Fact{b, d}}, {Profiles: []*crm.Profile{p}, Facts: []*crm.Fact{a, c}}},
	} {
		s, _ := newService(t)
		rep, err := s.Import(ctx, order[0])
		require.NoError(t, err)
		require.Empty(t, rep.Conflicting)
		before := digest(t, s)
		require.ErrorIs(t, s.PutProfile(ctx, order[1].Profiles[0]), crm.ErrExists)
		for _, f := range order[1].Facts {
			require.ErrorIs(t, s.Record(ctx, f), crm.ErrExists)
		}
		older := *order[1].Facts[0]
		older.Version = 3
		require.ErrorIs(t, s.Record(ctx, &older), crm.ErrExists)
		older.Subject = crm.OfProfile(pos("2"))
		require.ErrorIs(t, s.Record(ctx, &older), crm.ErrExists)
		require.Equal(t, before, digest(t, s), "what is refused leaves nothing")
		require.NoError(t, s.Record(ctx, order[0].Facts...), "the same again")

		rep, err = s.Import(ctx, order[1])
		require.NoError(t, err)
		require.Len(t, rep.Conflicting, 3)
		won := 0
		for _, c := range rep.Conflicting {
			if c.Stored {
				won++
			}
		}
		require.Equal(t, won, rep.Profiles+rep.Facts)
		require.Zero(t, rep.Repeated)
		rep, err = s.Import(ctx, crm.Batch{Facts: []*crm.Fact{order[0].Facts[0], &older}})
		require.NoError(t, err)
		require.Equal(t, 1, rep.Older+len(rep.Conflicting)-1+rep.Repeated-rep.Older)
		if got := digest(t, s); end == "" {
			end = got
		} else {
			require.Equal(t, end, got)
		}
	}
}

// Case B1: tags and tickets at one instant, with a clock that goes back.
func TestDeskVerbsAtOneInstant(t *testing.T) {
	ctx := t.Context()
	s, c := newService(t)
	require.NoError(t, s.PutProfile(ctx, person(pos("1"), "A", "B", t0)))
	one, err := s.CustomerOf(ctx, pos("1"))
	require.NoError(t, err)
	for i := range 20 {
		require.NoError(t, s.Tag(ctx, pos("1"), crm.TagChange{Tag: "vip", By: fmt.Sprint("staff", i%3)}))
		require.NoError(t, s.Untag(ctx, pos("1"), crm.TagChange{Tag: "vip", By: fmt.Sprint("staff", (i+1)%3)}))
		c.t = c.t.Add(time.Duration(i%5-2) * time.Minute)
	}
	c.t = t0.Add(time.Hour)
	tags, err := s.Tags(ctx, one.ID)
	require.NoError(t, err)
	require.Empty(t, tags)
	before := digest(t, s)
	require.NoError(t, s.Untag(ctx, pos("1"), crm.TagChange{Tag: "other"}))
	require.NoError(t, s.Untag(ctx, pos("1"), crm.TagChange{Tag: "other"}))
	require.Equal(t, before, digest(t, s))

	ref, err := s.OpenTicket(ctx, pos("1"), "desk", "1", crm.Ticket{Title: "one"})
	require.NoError(t, err)
	c.step()
	_, err = s.OpenTicket(ctx, pos("1"), "desk", "1", crm.Ticket{Title: "two"})
	require.NoError(t, err)
	require.Equal(t, "one", storedOrder(t, s, ref).Data.(*crm.Ticket).Title, "opening it again changes nothing")
}

// Case B15: nothing is said at a desk about a profile that is not there, and an
// order or a visit belongs to one.
func TestNoGhosts(t *testing.T) {
	ctx := t.Context()
	s, _ := newService(t)
	before := digest(t, s)
	require.ErrorIs(t, s.Tag(ctx, pos("9"), crm.TagChange{Tag: "vip"}), crm.ErrNotFound)
	require.ErrorIs(t, s.Untag(ctx, pos("9"), crm.TagChange{Tag: "vip"}), crm.ErrNotFound)
	_, err := s.OpenTicket(ctx, pos("9"), "desk", "1", crm.Ticket{})
	require.ErrorIs(t, err, crm.ErrNotFound)
	note := &crm.Fact{Key: crm.FactKey{Kind: crm.KindNote, Source: "desk", ID: "1"}, Subject: crm.OfProfile(pos("9")), At: t0, Data: &crm.Note{Text: "x"}}
	require.ErrorIs(t, s.Record(ctx, note), crm.ErrNotFound)
	require.Equal(t, before, digest(t, s))
	require.NoError(t, s.Record(ctx, order(pos("9"), "1", t0)), "a sale may come before its buyer")
	require.NoError(t, s.Record(ctx, note))

	for _, d := range []crm.FactData{&crm.Order{Number: "1"}, &crm.Visit{Number: "1", Service: "x"}, &crm.Ticket{State: crm.TicketOpen, Opened: t0}} {
		f := &crm.Fact{Key: crm.FactKey{Kind: crm.BuiltIn().OfData(d).Name, Source: "s", ID: "7"}, Subject: crm.OfAddress(phone(1)), At: t0, Data: d}
		require.ErrorIs(t, s.Record(ctx, f), crm.ErrInvalid)
		rep, err := s.Import(ctx, crm.Batch{Facts: []*crm.Fact{f}})
		require.NoError(t, err)
		require.Len(t, rep.Rejected, 1)
	}
}

func TestPutPlaces(t *testing.T) {
	ctx := t.Context()
	s, _ := newService(t)
	tr := &crm.Place{ID: "tr", Kind: "country", Zone: "Europe/Istanbul"}
	shop := &crm.Place{ID: "s1", Parent: "tr", Kind: "store", Name: "One"}
	require.ErrorIs(t, s.PutPlaces(ctx, shop), crm.ErrInvalid, "its parent is not there")
	require.NoError(t, s.PutPlaces(ctx, shop, tr))
	require.NoError(t, s.PutPlaces(ctx, &crm.Place{ID: "s1", Parent: "tr", Kind: "store", Name: "Uno"}))
	require.ErrorIs(t, s.PutPlaces(ctx, &crm.Place{ID: "tr", Parent: "s1"}), crm.ErrInvalid, "a cycle")
	require.ErrorIs(t, s.PutPlaces(ctx, shop, shop), crm.ErrExists)
	require.Error(t, s.PutPlaces(ctx, nil))
	require.NoError(t, s.Store().View(ctx, func(r crm.Reader) error {
		all, err := crm.LoadPlaces(ctx, r, nil)
		require.NoError(t, err)
		require.Equal(t, "Uno", all.Get("s1").Name)
		require.Equal(t, "Europe/Istanbul", all.Zone("s1").String())
		return nil
	}))
}
