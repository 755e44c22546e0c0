package crm_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
)

func TestMoney(t *testing.T) {
	lira := func(n int64) crm.Money { return crm.Money{Amount: n, Currency: "TRY"} }
	for _, c := range []struct{ a, b, want crm.Money }{
		{lira(1), lira(2), lira(3)}, {lira(1), lira(-2), lira(-1)}, {crm.Money{}, lira(2), lira(2)}, {lira(2), crm.Money{}, lira(2)}, {crm.Money{}, crm.Money{}, crm.Money{}},
		{lira(math.MaxInt64 - 1), lira(1), lira(math.MaxInt64)}, {lira(math.MinInt64 + 1), lira(-1), lira(math.MinInt64)}, {lira(math.MaxInt64), lira(-1), lira(math.MaxInt64 - 1)},
		{lira(math.MaxInt64), lira(math.MinInt64), lira(-1)}, {lira(math.MaxInt64), lira(0), lira(math.MaxInt64)}, {lira(math.MinInt64), lira(0), lira(math.MinInt64)},
	} {
		got, err := c.a.Add(c.b)
		require.NoError(t, err, "%v + %v", c.a, c.b)
		require.Equal(t, c.want, got)
		got, err = c.b.Add(c.a)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	for _, c := range []struct {
		a, b  crm.Money
		field string
	}{
		{lira(1), crm.Money{Amount: 1, Currency: "EUR"}, "currency"}, {lira(0), crm.Money{Amount: 1, Currency: "EUR"}, "currency"},
		{lira(math.MaxInt64), lira(1), "amount"}, {lira(math.MinInt64), lira(-1), "amount"}, {lira(2), lira(math.MaxInt64 - 1), "amount"}, {lira(-2), lira(math.MinInt64 + 1), "amount"},
	} {
		got, err := c.a.Add(c.b)
		var fe *crm.FieldError
		require.ErrorAs(t, err, &fe)
		require.Equal(t, c.field, fe.Field)
		require.Equal(t, c.a, got)
	}
}

func TestPlaces(t *testing.T) {
	places := []*crm.Place{
		{ID: "tr", Kind: "country", Zone: "Europe/Istanbul", Currency: "TRY"}, {ID: "west", Parent: "tr", Kind: crm.Region}, {ID: "shop", Parent: "west", Kind: "store"},
		{ID: "airport", Parent: "west", Kind: "kiosk", Currency: "EUR"}, {ID: "cyprus", Parent: "tr", Kind: crm.Region, Zone: "Asia/Nicosia"}, {ID: "kyrenia", Parent: "cyprus", Kind: "store"},
		{ID: "web", Kind: "web"},
	}
	tree, err := crm.NewPlaces(nil, places...)
	require.NoError(t, err)
	require.Equal(t, places[2], tree.Get("shop"))
	require.Nil(t, tree.Get("nowhere"))
	require.Equal(t, []string{"shop", "west", "tr"}, tree.Path("shop"))
	require.Equal(t, []string{"tr"}, tree.Path("tr"))
	require.Nil(t, tree.Path("nowhere"))
	for id, want := range map[string]struct{ zone, currency string }{
		"tr": {"Europe/Istanbul", "TRY"}, "shop": {"Europe/Istanbul", "TRY"}, "airport": {"Europe/Istanbul", "EUR"}, "kyrenia": {"Asia/Nicosia", "TRY"},
		"web": {"UTC", ""}, "nowhere": {"UTC", ""}, "": {"UTC", ""},
	} {
		require.Equal(t, want.zone, tree.Zone(id).String(), id)
		require.Equal(t, want.currency, tree.Currency(id), id)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	tree, err = crm.NewPlaces(berlin, places...)
	require.NoError(t, err)
	require.Equal(t, berlin, tree.Zone("web"))
	require.Equal(t, berlin, tree.Zone("nowhere"))

	for field, bad := range map[string][]*crm.Place{
		"id":     {{ID: ""}},
		"parent": {{ID: "a", Parent: "none"}},
		"cycle":  {{ID: "a", Parent: "a"}},
		"zone":   {{ID: "a", Zone: "Europe/Nowhere"}},
	} {
		_, err := crm.NewPlaces(nil, bad...)
		require.ErrorIs(t, err, crm.ErrInvalid, field)
		require.ErrorContains(t, err, field)
	}
	for n := 1; n < 8; n++ { // circles of every length, with a tail that leads into them
		var ring []*crm.Place
		id := func(i int) string { return string(rune('a' + i)) }
		for i := range n {
			ring = append(ring, &crm.Place{ID: id(i), Parent: id((i + 1) % n)})
		}
		for i := range 3 {
			ring = append(ring, &crm.Place{ID: "tail" + id(i), Parent: map[int]string{0: "a", 1: "taila", 2: "tailb"}[i]})
		}
		_, err := crm.NewPlaces(nil, ring...)
		require.ErrorContains(t, err, "closes a cycle", n)
		ring[0].Parent = "" // and the same without
		_, err = crm.NewPlaces(nil, ring...)
		require.NoError(t, err, n)
	}
	_, err = crm.NewPlaces(nil, places[0], places[0])
	require.ErrorIs(t, err, crm.ErrExists)
}

func TestLoadPlaces(t *testing.T) {
	store := memstore.New()
	require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
		for _, p := range []*crm.Place{{ID: "tr", Kind: "country", Currency: "TRY"}, {ID: "shop", Parent: "tr", Kind: "store"}} {
			doc, err := crm.NewDocument("place", p.ID, p)
			if err != nil {
				return err
			}
			if err := tx.PutDocuments(t.Context(), doc); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		tree, err := crm.LoadPlaces(t.Context(), r, nil)
		require.NoError(t, err)
		require.NotNil(t, tree.Get("tr"))
		require.Equal(t, "TRY", tree.Currency("shop"))
		return nil
	}))
}

// TestWhenGoodsAreThere says of every state of an order whether a survey may be
// asked for, and since when.
func TestWhenGoodsAreThere(t *testing.T) {
	later := t0.Add(48 * time.Hour)
	for _, c := range []struct {
		status    crm.OrderStatus
		delivered time.Time
		at        time.Time
		ok        bool
	}{
		{"", time.Time{}, t0, true}, {"", later, later, true}, {crm.OrderDelivered, time.Time{}, t0, true}, {crm.OrderDelivered, later, later, true},
		{crm.OrderReturned, time.Time{}, t0, true}, {crm.OrderReturned, later, later, true},
		{crm.OrderPlaced, time.Time{}, time.Time{}, false}, {crm.OrderPlaced, later, time.Time{}, false}, {crm.OrderShipped, time.Time{}, time.Time{}, false}, {crm.OrderCancelled, later, time.Time{}, false},
	} {
		at, ok := (&crm.Order{Status: c.status, Delivered: c.delivered}).DeliveredAt(t0)
		require.Equal(t, c.ok, ok, "%q", c.status)
		require.Equal(t, c.at, at, "%q", c.status)
	}
	back := &crm.Order{Number: "1", Total: crm.Money{Amount: -100, Currency: "TRY"}, Returns: crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: "0"}, Delivered: later}
	_, ok := back.DeliveredAt(t0)
	require.False(t, ok, "goods that come back are not delivered")
	require.NoError(t, back.Validate())
	back.Total.Amount = 1
	require.ErrorContains(t, back.Validate(), "total", "it would count as spent")
	back.Total.Amount = 0
	require.NoError(t, back.Validate())
}

// TestFaultsOfFacts breaks one thing in a valid fact of each kind and names the
// field that must be reported, and it alone.
// kindOf returns the kind of a content, "own" for that of a host's.
func kindOf(d crm.FactData) crm.FactKind {
	if k := crm.BuiltIn().OfData(d); k != nil {
		return k.Name
	}
	return "own"
}

func TestFaultsOfFacts(t *testing.T) {
	who := crm.OfProfile(pos("1"))
	lira := crm.Money{Amount: 1, Currency: "TRY"}
	good := func(d crm.FactData) *crm.Fact {
		f := &crm.Fact{Key: crm.FactKey{Kind: kindOf(d), Source: "x", ID: "1"}, Subject: who, At: t0, Data: d}
		switch f.Key.Kind {
		case crm.KindConsent, crm.KindSuppression, crm.KindHold:
			f.Subject = crm.OfAddress(phone(1))
		}
		return f
	}
	newOrder := func(change func(*crm.Order)) *crm.Fact {
		o := &crm.Order{Number: "1", Status: crm.OrderPlaced, Total: lira, Lines: []crm.OrderLine{{SKU: "a", Quantity: 1, Amount: lira}, {SKU: "b", Quantity: -1, Amount: lira}}}
		change(o)
		return good(o)
	}
	newVisit := func(change func(*crm.Visit)) *crm.Fact {
		v := &crm.Visit{Number: "1", Service: "battery", Price: lira}
		change(v)
		return good(v)
	}
	bad := crm.ProfileKey{Source: "pos"}
	change := func(f *crm.Fact, fn func(*crm.Fact)) *crm.Fact { fn(f); return f }
	note := func() *crm.Fact { return good(&crm.Note{Text: "x"}) }
	for _, c := range []struct {
		f     *crm.Fact
		field string
	}{
		{newOrder(func(*crm.Order) {}), ""},
		{newOrder(func(o *crm.Order) { o.Payer, o.Recipient, o.Owner = pos("2"), pos("3"), pos("4") }), ""},
		{newOrder(func(o *crm.Order) { o.Number = "" }), "number"},
		{newOrder(func(o *crm.Order) { o.Status = "lost" }), "status"},
		{newOrder(func(o *crm.Order) { o.Total.Currency = "try" }), "total.currency"},
		{newOrder(func(o *crm.Order) { o.Total.Currency = "TRYL" }), "total.currency"},
		{newOrder(func(o *crm.Order) { o.Total.Currency = "" }), "total.currency"},
		{newOrder(func(o *crm.Order) { o.Payer = bad }), "payer"},
		{newOrder(func(o *crm.Order) { o.Recipient = bad }), "recipient"},
		{newOrder(func(o *crm.Order) { o.Owner = bad }), "owner"},
		{newOrder(func(o *crm.Order) { o.Lines[0].SKU = "" }), "lines[0].sku"},
		{newOrder(func(o *crm.Order) { o.Lines[1].Quantity = 0 }), "lines[1].qty"},
		{newOrder(func(o *crm.Order) { o.Lines[1].Amount.Currency = "x" }), "lines[1].amount.currency"},
		{newOrder(func(o *crm.Order) { o.Lines[1].Serial = "\x00" }), "lines[1].serial"},
		{newOrder(func(o *crm.Order) { o.Lines[0].Recipient = bad }), "lines[0].recipient"},
		{newVisit(func(*crm.Visit) {}), ""},
		{newVisit(func(v *crm.Visit) { v.Number = "" }), "number"},
		{newVisit(func(v *crm.Visit) { v.Service = "" }), "service"},
		{newVisit(func(v *crm.Visit) { v.Serial = "\x00" }), "serial"},
		{newVisit(func(v *crm.Visit) { v.Price.Currency = "x" }), "price.currency"},
		{good(&crm.Ticket{State: crm.TicketOpen, Opened: t0}), ""},
		{good(&crm.Ticket{State: crm.TicketPending, Opened: t0}), ""},
		{good(&crm.Ticket{State: crm.TicketSolved, Opened: t0}), ""},
		{good(&crm.Ticket{State: "closed", Opened: t0}), "state"},
		{good(&crm.Ticket{State: crm.TicketOpen}), "opened"},
		{good(&crm.Answer{Survey: "x"}), ""},
		{good(&crm.Answer{}), "survey"},
		{good(&crm.Click{Verdict: crm.Human}), ""},
		{good(&crm.Click{Verdict: crm.Suspected}), ""},
		{good(&crm.Click{Verdict: crm.Machine}), ""},
		{good(&crm.Click{}), "verdict"},
		{good(&crm.Interaction{Channel: "call"}), ""},
		{good(&crm.Interaction{}), "channel"},
		{note(), ""},
		{good(&crm.Note{}), "text"},
		{good(&crm.TagChange{Tag: "x"}), ""},
		{good(&crm.TagChange{}), "tag"},
		{good(&crm.Consent{Status: crm.Granted}), ""},
		{good(&crm.Consent{Status: crm.Refused}), ""},
		{good(&crm.Consent{}), "status"},
		{good(&crm.Suppression{Reason: "x"}), ""},
		{good(&crm.Suppression{}), "reason"},
		{good(&crm.Hold{Placed: 1}), ""},
		{good(&crm.Hold{Placed: 1, Lifted: 2}), ""},
		{good(&crm.Hold{Placed: 0}), "placed"},
		{good(&crm.Hold{Placed: -1}), "placed"},
		{good(&crm.Hold{Placed: 2, Lifted: 2}), "placed"},
		{good(&crm.Hold{Placed: 2, Lifted: 1}), "placed"},
		{good(&crm.Custom{JSON: []byte(`1`)}), ""},
		{good(&crm.Custom{JSON: []byte(`{`)}), "data"},
		{change(note(), func(f *crm.Fact) { f.Key.Source = "" }), "source"},
		{change(note(), func(f *crm.Fact) { f.Key.ID = "" }), "id"},
		{change(note(), func(f *crm.Fact) { f.Place = "\x00" }), "place"},
		{change(note(), func(f *crm.Fact) { f.At = time.Time{} }), "at"},
		{change(note(), func(f *crm.Fact) { f.Data = nil }), "data"},
		{change(note(), func(f *crm.Fact) { f.Data = (*crm.Note)(nil) }), "data"},
		{change(note(), func(f *crm.Fact) { f.Key.Kind = crm.KindVisit }), "data"},
		{change(note(), func(f *crm.Fact) { f.Subject = crm.Subject{} }), "subject"},
		{change(good(&crm.Consent{Status: crm.Granted}), func(f *crm.Fact) { f.Subject = who }), "subject"},
		{change(good(&crm.Suppression{Reason: "x"}), func(f *crm.Fact) { f.Subject = who }), "subject"},
		{change(good(&crm.TagChange{Tag: "x"}), func(f *crm.Fact) { f.Subject = crm.OfAddress(phone(1)) }), "subject"},
	} {
		err := c.f.Validate()
		if c.field == "" {
			require.NoError(t, err, "%+v", c.f.Data)
			continue
		}
		require.Error(t, err, "%s of %+v", c.field, c.f.Data)
		require.Equal(t, []string{c.field}, faultFields(err), "%+v", c.f.Data)
	}
}

// faultFields collects the fields that an error reports, in order.
func faultFields(err error) (out []string) {
	if err == nil {
		return nil
	}
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range list.Unwrap() {
			out = append(out, faultFields(e)...)
		}
		return out
	}
	var fe *crm.FieldError
	if errors.As(err, &fe) {
		return []string{fe.Field}
	}
	return nil
}

func TestEffects(t *testing.T) {
	for s, want := range map[crm.EffectState]bool{crm.Planned: false, crm.Sent: false, crm.Unknown: false, crm.Done: true, crm.Withheld: true, crm.HeldOut: true, crm.Cancelled: true, crm.Failed: true} {
		require.Equal(t, want, s.Final(), s)
	}
	for id, want := range map[crm.EffectID]crm.Part{"": 0, "3f": 0, "3ff": 1023, "000": 0, "0001": 0, "1a2bc": 418, "400": 0, "fff": 0, "xyz": 0, "001": 1} {
		require.Equal(t, want, id.Part(), "%q", id)
	}
	who := crm.OfProfile(pos("1"))
	good := func() *crm.Effect {
		return &crm.Effect{ID: crmtest.IDs().ID("c", who, crm.FactKey{}, "o"), Kind: crm.EffectTag, Cause: "c", Subject: who, Occurrence: "o", Due: t0, State: crm.Planned,
			Reasons: []crm.Reason{{Guard: "a"}}, Guards: []crm.GuardRead{{Record: "a"}}}
	}
	require.NoError(t, good().Validate())
	require.Len(t, good().ID, 31)
	for field, change := range map[string]func(e *crm.Effect){
		"is not an effect id":            func(e *crm.Effect) { e.ID = e.ID[:30] },
		"id is not an effect id":         func(e *crm.Effect) { e.ID = "400" + e.ID[3:] },
		"id is not":                      func(e *crm.Effect) { e.ID = e.ID[:30] + "g" },
		"id is not of the subject's par": func(e *crm.Effect) { e.Subject = crm.OfProfile(pos("2")) },
		"kind":                           func(e *crm.Effect) { e.Kind = "" },
		"cause":                          func(e *crm.Effect) { e.Cause = "" },
		"occurrence":                     func(e *crm.Effect) { e.Occurrence = "\x00" },
		"state":                          func(e *crm.Effect) { e.State = "lost" },
		"due":                            func(e *crm.Effect) { e.Due = time.Time{} },
		"data":                           func(e *crm.Effect) { e.Data = []byte("{") },
	} {
		e := good()
		change(e)
		require.ErrorContains(t, e.Validate(), field)
	}
	for s := range map[crm.EffectState]bool{crm.Sent: true, crm.Unknown: true, crm.Done: true, crm.Withheld: true, crm.HeldOut: true, crm.Cancelled: true, crm.Failed: true} {
		e := good()
		e.State, e.Occurrence, e.Data = s, "", []byte("{}")
		require.NoError(t, e.Validate())
	}
	e := good()
	c := e.Clone()
	require.Equal(t, e, c)
	c.Reasons[0].Guard, c.Guards[0].Record = "b", "b"
	require.Equal(t, "a", e.Reasons[0].Guard)
	require.Equal(t, "a", e.Guards[0].Record)
}

func TestFaultsOfProfiles(t *testing.T) {
	good := func() *crm.Profile {
		return &crm.Profile{ProfileKey: pos("1"), Contacts: []crm.Contact{{Address: phone(1)}}, Attributes: map[string]string{"a": "b"}, Disowned: []crm.Address{phone(2)}}
	}
	require.NoError(t, good().Validate())
	for _, birth := range []string{"", "1980", "1980-05", "1980-05-12"} {
		p := good()
		p.Birth = birth
		require.NoError(t, p.Validate(), birth)
	}
	for _, kind := range []crm.PartyKind{"", crm.Person, crm.Organisation, crm.Household} {
		p := good()
		p.Kind = kind
		require.NoError(t, p.Validate(), kind)
	}
	for field, change := range map[string]func(*crm.Profile){
		"source": func(p *crm.Profile) { p.Source = "" }, "id": func(p *crm.Profile) { p.ID = "" }, "kind": func(p *crm.Profile) { p.Kind = "pet" },
		"birth": func(p *crm.Profile) { p.Birth = "12.05.1980" }, "birth is": func(p *crm.Profile) { p.Birth = "1980-13" },
		"contacts[0].value": func(p *crm.Profile) { p.Contacts[0].Value = "" },
	} {
		p := good()
		change(p)
		require.ErrorContains(t, p.Validate(), field)
	}
	p := good()
	c := p.Clone()
	require.Equal(t, p, c)
	c.Contacts[0].Masked, c.Attributes["a"], c.Disowned[0] = true, "c", phone(9)
	require.Equal(t, good(), p)
	require.Nil(t, (&crm.Profile{}).Clone().Attributes)
	for want, n := range map[string]crm.Name{"Ada Kaya": {Given: "Ada ", Family: " Kaya"}, "Ada": {Given: "Ada"}, "Kaya": {Family: "Kaya", Full: "x"}, "Kaya Ltd": {Full: "Kaya Ltd"}, "": {}} {
		require.Equal(t, want, n.String())
	}
}

// TestFactDataReadsBack encodes content of every kind and reads it back, also a
// host's own.
func TestFactDataReadsBack(t *testing.T) {
	for _, d := range []crm.FactData{&crm.Order{Number: "1"}, &crm.Visit{Number: "1"}, &crm.Ticket{Title: "x"}, &crm.Answer{Survey: "x"}, &crm.Click{Method: "GET"}, &crm.Interaction{Topic: "x"},
		&crm.Note{Text: "x"}, &crm.TagChange{Tag: "x"}, &crm.Consent{Via: "x"}, &crm.Suppression{Reason: "x"}, &crm.Hold{Placed: 1}, &crm.Custom{JSON: []byte(`{"a":1}`)}} {
		data, err := crm.EncodeFactData(d)
		require.NoError(t, err)
		got, err := crm.BuiltIn().Decode(kindOf(d), data)
		require.NoError(t, err)
		require.Equal(t, d, got)
		if kindOf(d) != "own" {
			_, err = crm.BuiltIn().Decode(kindOf(d), []byte("["))
			require.ErrorIs(t, err, crm.ErrInvalid)
		}
	}
}

// TestPositionsReadBack packs and unpacks random positions, and refuses texts
// that none has.
func TestPositionsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p crm.PartPositions
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			p[rapid.IntRange(0, crm.Parts-1).Draw(t, "part")] = rapid.Uint64().Draw(t, "seq")
		}
		got, err := p.Position().Parts()
		require.NoError(t, err)
		require.Equal(t, p, *got)
	})
	var edges crm.PartPositions
	edges[0], edges[crm.Parts-1] = 1, math.MaxUint64
	got, err := edges.Position().Parts()
	require.NoError(t, err)
	require.Equal(t, edges, *got)
	for name, bad := range map[string]crm.Position{
		"no base64": "!", "a step of nothing": "AAE", "a number of nothing": "AQA", "no number": "AQ", "beyond the last part": "gQgB", "far beyond": "gAgBAQE", "an endless number": "____________________"} {
		_, err := bad.Parts()
		require.ErrorIs(t, err, crm.ErrInvalid, name)
	}
	last, err := crm.Position("gAgB").Parts() // the 1,024th part alone
	require.NoError(t, err)
	require.Equal(t, uint64(1), last[crm.Parts-1])
}

func TestErrorsAreRead(t *testing.T) {
	cause := errors.New("cause")
	for want, e := range map[string]*crm.Error{
		"crm: find":                                             {Op: "find"},
		"crm: find customer":                                    {Op: "find", Entity: "customer"},
		`crm: find customer "c"`:                                {Op: "find", Entity: "customer", ID: "c"},
		`crm: find customer "c": not found`:                     {Op: "find", Entity: "customer", ID: "c", Kind: crm.ErrNotFound},
		`crm: find customer "c": not found: cause`:              {Op: "find", Entity: "customer", ID: "c", Kind: crm.ErrNotFound, Err: cause},
		"crm: put: cause":                                       {Op: "put", Err: cause},
		"crm: put: " + crm.ErrConflict.Error():                  {Op: "put", Kind: crm.ErrConflict},
		"crm: put: " + crm.ErrConflict.Error() + ": " + "cause": {Op: "put", Kind: crm.ErrConflict, Err: cause},
	} {
		require.EqualError(t, e, want)
		require.Equal(t, e.Kind != nil && e.Kind == crm.ErrNotFound, errors.Is(e, crm.ErrNotFound))
		require.Equal(t, e.Err != nil, errors.Is(e, cause))
	}
}
