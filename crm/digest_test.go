package crm_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
)

// TestDigestSeesEverything makes one record again and again, each time with one
// thing changed: every change must show, and none may look like another. What
// is generated or written down on the way must not show.
func TestDigestSeesEverything(t *testing.T) {
	ctx := t.Context()
	a, b := pos("1"), pos("2")
	later := t0.Add(time.Hour)
	type record struct {
		s       *crm.Service
		batch   crm.Batch
		effects []*crm.Effect
		merge   bool
		at      time.Time
		prefix  string // of generated ids
	}
	fact := func(kind crm.FactKind, subject crm.Subject, d crm.FactData) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: kind, Source: "x", ID: "1"}, Subject: subject, At: t0, Version: 1, Data: d}
	}
	base := func() *record {
		r := &record{at: t0.AddDate(1, 0, 0), merge: true, prefix: "c"}
		r.batch = crm.Batch{
			Profiles: []*crm.Profile{person(a, "Ada", "Kaya", t0, phone(1)), person(b, "Ada", "Kaya", later, phone(2)), person(pos("3"), "Can", "Ak", later, phone(3))},
			Facts: []*crm.Fact{
				order(a, "100", t0),
				fact(crm.KindVisit, crm.OfProfile(a), &crm.Visit{Number: "1", Service: "battery"}),
				fact(crm.KindTicket, crm.OfProfile(a), &crm.Ticket{State: crm.TicketOpen, Opened: t0}),
				fact(crm.KindAnswer, crm.OfProfile(a), &crm.Answer{Survey: "visit", Score: 3}),
				fact(crm.KindInteraction, crm.OfProfile(a), &crm.Interaction{Channel: "call"}),
				fact(crm.KindNote, crm.OfProfile(a), &crm.Note{Text: "x"}),
				fact(crm.KindClick, crm.OfProfile(a), &crm.Click{Verdict: crm.Human}),
				fact(crm.KindTag, crm.OfProfile(a), &crm.TagChange{Tag: "vip", Expires: t0.AddDate(2, 0, 0)}),
				fact(crm.KindConsent, crm.OfAddress(phone(1)), &crm.Consent{ConsentKey: crm.ConsentKey{Brand: "vefa"}, Status: crm.Granted}),
				fact(crm.KindSuppression, crm.OfAddress(phone(1)), &crm.Suppression{Reason: "bounce"}),
			},
		}
		r.effects = []*crm.Effect{{ID: crmtest.IDs().ID("rule/x", crm.OfProfile(a), crm.FactKey{}, "1"), Kind: crm.EffectTag, Cause: "rule/x", Subject: crm.OfProfile(a), Occurrence: "1",
			Due: t0, State: crm.Done, Created: t0, Changed: t0, Reasons: []crm.Reason{{Guard: "when", Pass: true}}}}
		return r
	}
	make := func(r *record) [32]byte {
		t.Helper()
		n := 0
		r.s = crm.New(memstore.New(), crm.Config{Now: func() time.Time { return later }, NewID: func() string { n++; return r.prefix + string(rune('a'+n)) }})
		rep, err := r.s.Import(ctx, r.batch)
		require.NoError(t, err)
		require.Empty(t, rep.Rejected)
		if r.merge {
			_, err := r.s.Merge(ctx, "ada", crm.Evidence{}, a, b)
			require.NoError(t, err)
		}
		require.NoError(t, r.s.Store().Update(ctx, func(tx crm.Tx) error {
			_, err := tx.PutEffects(ctx, r.effects...)
			return err
		}))
		var d [32]byte
		require.NoError(t, r.s.Store().View(ctx, func(x crm.Reader) (err error) {
			d, err = crm.Digest(ctx, x, r.at)
			return err
		}))
		return d
	}
	data := func(r *record, kind crm.FactKind) crm.FactData {
		for _, f := range r.batch.Facts {
			if f.Key.Kind == kind {
				return f.Data
			}
		}
		return nil
	}
	of := func(r *record, kind crm.FactKind) *crm.Fact {
		for _, f := range r.batch.Facts {
			if f.Key.Kind == kind {
				return f
			}
		}
		return nil
	}
	seen := map[[32]byte]string{make(base()): "the record itself"}
	require.Equal(t, "the record itself", seen[make(base())])
	changes := map[string]func(*record){
		"a name":                func(r *record) { r.batch.Profiles[0].Name.Given = "Eda" },
		"first seen":            func(r *record) { r.batch.Profiles[0].Since = t0.Add(time.Minute) },
		"a contact":             func(r *record) { r.batch.Profiles[2].Contacts = contacts(phone(4)) },
		"a person more":         func(r *record) { r.batch.Profiles = append(r.batch.Profiles, person(pos("4"), "C", "D", t0)) },
		"nobody merged":         func(r *record) { r.merge = false },
		"an order's content":    func(r *record) { data(r, crm.KindOrder).(*crm.Order).Total.Amount++ },
		"an order's place":      func(r *record) { of(r, crm.KindOrder).Place = "shop" },
		"an order's time":       func(r *record) { of(r, crm.KindOrder).At = later },
		"an order's version":    func(r *record) { of(r, crm.KindOrder).Version = 2 },
		"an order's buyer":      func(r *record) { of(r, crm.KindOrder).Subject = crm.OfProfile(b) },
		"an order's key":        func(r *record) { of(r, crm.KindOrder).Key.ID = "101" },
		"an order's source":     func(r *record) { of(r, crm.KindOrder).Key.Source = "web" },
		"a visit":               func(r *record) { data(r, crm.KindVisit).(*crm.Visit).Service = "strap" },
		"a ticket's content":    func(r *record) { data(r, crm.KindTicket).(*crm.Ticket).Title = "x" },
		"a ticket's state":      func(r *record) { data(r, crm.KindTicket).(*crm.Ticket).State = crm.TicketSolved },
		"an answer":             func(r *record) { data(r, crm.KindAnswer).(*crm.Answer).Score = 4 },
		"an interaction":        func(r *record) { data(r, crm.KindInteraction).(*crm.Interaction).Topic = "x" },
		"a note":                func(r *record) { data(r, crm.KindNote).(*crm.Note).Text = "y" },
		"a verdict":             func(r *record) { data(r, crm.KindClick).(*crm.Click).Verdict = crm.Machine },
		"a click's time":        func(r *record) { of(r, crm.KindClick).At = later },
		"a click's message":     func(r *record) { data(r, crm.KindClick).(*crm.Click).Effect = r.effects[0].ID },
		"a tag":                 func(r *record) { data(r, crm.KindTag).(*crm.TagChange).Tag = "press" },
		"who tagged":            func(r *record) { data(r, crm.KindTag).(*crm.TagChange).By = "ada" },
		"a tag's time":          func(r *record) { of(r, crm.KindTag).At = later },
		"a tag's end":           func(r *record) { data(r, crm.KindTag).(*crm.TagChange).Expires = t0.AddDate(3, 0, 0) },
		"a tag that is off":     func(r *record) { data(r, crm.KindTag).(*crm.TagChange).Off = true },
		"a tag's profile":       func(r *record) { of(r, crm.KindTag).Subject = crm.OfProfile(b) },
		"a consent":             func(r *record) { data(r, crm.KindConsent).(*crm.Consent).Status = crm.Refused },
		"a consent's brand":     func(r *record) { data(r, crm.KindConsent).(*crm.Consent).Brand = "other" },
		"a consent's recipient": func(r *record) { data(r, crm.KindConsent).(*crm.Consent).Recipient = "merchant" },
		"a consent's purpose":   func(r *record) { data(r, crm.KindConsent).(*crm.Consent).Purpose = "surveys" },
		"a consent's time":      func(r *record) { of(r, crm.KindConsent).At = later },
		"a consent's address":   func(r *record) { of(r, crm.KindConsent).Subject = crm.OfAddress(phone(2)) },
		"a suppression":         func(r *record) { data(r, crm.KindSuppression).(*crm.Suppression).Reason = "legal" },
		"a suppressed address":  func(r *record) { of(r, crm.KindSuppression).Subject = crm.OfAddress(phone(2)) },
		"an effect's state":     func(r *record) { r.effects[0].State = crm.Withheld },
		"an effect's due time":  func(r *record) { r.effects[0].Due = later },
		"an effect's kind":      func(r *record) { r.effects[0].Kind = crm.EffectTask },
		"an effect's cause":     func(r *record) { r.effects[0].Cause = "rule/y" },
		"an effect's reasons":   func(r *record) { r.effects[0].Reasons[0].Pass = false },
		"an effect's guards":    func(r *record) { r.effects[0].Reasons[0].Guard = "rule" },
		"what it is about":      func(r *record) { r.effects[0].About = crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: "100"} },
		"its occurrence":        func(r *record) { r.effects[0].Occurrence = "2" },
		"its id": func(r *record) {
			r.effects[0].ID = crmtest.IDs().ID("rule/z", crm.OfProfile(a), crm.FactKey{}, "1")
		},
		"a fact of a host's own kind": func(r *record) { // Case A17
			r.batch.Facts = append(r.batch.Facts, fact("own", crm.OfProfile(a), &crm.Custom{JSON: []byte(`{"a":1}`)}))
		},
		"another fact of that kind": func(r *record) {
			r.batch.Facts = append(r.batch.Facts, fact("own", crm.OfProfile(a), &crm.Custom{JSON: []byte(`{"a":2}`)}))
		},
		"a fact of another kind": func(r *record) {
			r.batch.Facts = append(r.batch.Facts, fact("incident", crm.OfProfile(a), &crm.Custom{JSON: []byte(`{"a":1}`)}))
		},
		"no effect":           func(r *record) { r.effects = nil },
		"another ticket":      func(r *record) { r.batch.Facts = append(r.batch.Facts, ticketOf(pos("3"))) },
		"a hold of another's": func(r *record) { r.batch.Facts = append(r.batch.Facts, ticketOf(b)) },
	}
	for name, change := range changes {
		r := base()
		change(r)
		d := make(r)
		require.Empty(t, seen[d], "%s looks like %s", name, seen[d])
		seen[d] = name
	}
	for name, change := range map[string]func(*record){
		"generated ids":          func(r *record) { r.prefix = "z" },
		"attempts and leases":    func(r *record) { r.effects[0].Attempts, r.effects[0].Lease = 3, later },
		"when it was changed":    func(r *record) { r.effects[0].Changed, r.effects[0].Created = later, later },
		"notes of reasons":       func(r *record) { r.effects[0].Reasons[0].Note = "accepted as mem-3" },
		"the order of delivery":  func(r *record) { f := r.batch.Facts; f[0], f[5], f[8] = f[5], f[8], f[0] },
		"a moment with the tag":  func(r *record) { r.at = t0.AddDate(1, 1, 0) },
		"the same record twice":  func(r *record) { r.batch.Facts = append(r.batch.Facts, r.batch.Facts...) },
		"how a click was judged": func(r *record) { data(r, crm.KindClick).(*crm.Click).Classifier = "new" },
	} {
		r := base()
		change(r)
		require.Equal(t, "the record itself", seen[make(r)], name)
	}
	r := base()
	r.at = t0.AddDate(2, 0, 0)
	require.Equal(t, "a tag that is off", seen[make(r)], "a moment at which the tag has expired")
}

func ticketOf(k crm.ProfileKey) *crm.Fact {
	return &crm.Fact{Key: crm.FactKey{Kind: crm.KindTicket, Source: "y", ID: "2"}, Subject: crm.OfProfile(k), At: t0, Version: 1, Data: &crm.Ticket{State: crm.TicketOpen, Opened: t0}}
}
