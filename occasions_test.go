package vefa_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/rules"
)

const occasionRules = `
rules:
  - {name: sets, when: Orders >= 2, then: [{tag: y}]}
  - {name: added, on: {tag_added: y}, when: 'true', then: [{tag: z}]}
  - {name: chain, on: {tag_added: z}, when: 'true', then: [{task: call}]}
  - {name: expired, on: {tag_removed: short}, when: 'true', then: [{tag: was-short}]}
  - {name: cleared, on: {tag_removed: off}, when: 'true', then: [{tag: was-off}]}
  - {name: entered, on: {segment_entered: keen}, when: 'true', then: [{tag: entered}], once: day}
  - {name: left, on: {segment_left: keen}, when: 'true', then: [{tag: left}], once: day}
  - {name: ordered, on: {event: order}, when: Orders >= 1, then: [{tag: ordered}]}
  - {name: answered, on: {event: answer}, when: 'LastScore <= 6', then: [{tag: answered}]}
  - {name: clicked, on: {event: click}, when: 'true', then: [{tag: clicked}]}
  - {name: opened, on: {event: ticket_opened}, when: 'OpenTickets == 1', then: [{tag: opened}]}
  - {name: solved, on: {event: ticket_solved}, when: 'true', then: [{tag: solved}]}
  - {name: returned, on: {event: return}, when: 'true', then: [{tag: returned}]}
  - {name: visited, on: {event: visit}, when: 'true', then: [{tag: visited}]}
  - {name: waits, when: Orders >= 1, then: [{message: hello, after: 30d}], cancel_at: [{event: visit}]}
`

func tagOf(i int, id, tag string, off bool, at, expires time.Time) *crm.Fact {
	return &crm.Fact{Key: crm.FactKey{Kind: crm.KindTag, Source: "desk", ID: id}, Subject: crm.OfProfile(nighttest.Key(i)), At: at, Version: 1, Data: &crm.TagChange{Tag: tag, Off: off, Expires: expires}}
}

// TestOccasionsAreRaised: evenings tell rules of what they wait for, once, however
// often they are run or cut. Case D7.
func TestOccasionsAreRaised(t *testing.T) {
	eachWay(t, func(t *testing.T, way func(*vefa.Config)) {
		fact := func(i int, kind crm.FactKind, id string, at time.Time, data crm.FactData) *crm.Fact {
			return &crm.Fact{Key: crm.FactKey{Kind: kind, Source: "web", ID: id}, Subject: crm.OfProfile(nighttest.Key(i)), At: at, Version: 1, Data: data}
		}
		store := crmtest.NewFaulty(memstore.New())
		w, clock := shop(t, store, occasionRules, func(c *vefa.Config) {
			way(c)
			c.Segments = "segment keen = keen"
		})
		causes := func() map[string][]string {
			out := map[string][]string{}
			require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
				for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
					if err != nil {
						return err
					}
					out[f.Cause] = append(out[f.Cause], f.Subject.Profile.ID)
				}
				return nil
			}))
			return out
		}
		first := nighttest.People(5)
		first.Facts = append(first.Facts, tagOf(1, "short", "short", false, nighttest.Start.Add(-time.Hour), nighttest.Start.Add(12*time.Hour)),
			tagOf(2, "off", "off", false, nighttest.Start.Add(-time.Hour), time.Time{}), tagOf(3, "keen", "keen", false, nighttest.Start.Add(-time.Hour), time.Time{}))
		_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(first)})
		require.NoError(t, err)
		got := causes()
		require.ElementsMatch(t, []string{"0", "1", "2", "3", "4"}, got["rule/ordered"])
		require.ElementsMatch(t, []string{"0", "1", "2", "3", "4"}, got["rule/waits"])
		require.Len(t, got, 2)

		at := nighttest.Start.Add(20 * time.Hour)
		second := crm.Batch{Facts: []*crm.Fact{
			nighttest.Order(0, "again", at),
			tagOf(2, "off2", "off", true, at, time.Time{}), tagOf(3, "keen2", "keen", true, at, time.Time{}), tagOf(4, "keen4", "keen", false, at, time.Time{}),
			tagOf(3, "y3", "y", true, at, time.Time{}), // was not set
			fact(0, crm.KindAnswer, "a0", at, &crm.Answer{Survey: "visit", Score: 5}), fact(1, crm.KindAnswer, "a1", at, &crm.Answer{Survey: "visit", Score: 9}),
			fact(1, crm.KindClick, "c1", at, &crm.Click{Verdict: crm.Human, Count: 1}), fact(2, crm.KindClick, "c2", at, &crm.Click{Verdict: crm.Machine, Count: 1}),
			fact(2, crm.KindTicket, "t2", at, &crm.Ticket{Title: "x", State: crm.TicketOpen, Opened: at}), fact(3, crm.KindTicket, "t3", at, &crm.Ticket{Title: "x", State: crm.TicketSolved, Opened: at, Solved: at}),
			fact(3, crm.KindOrder, "r3", at, &crm.Order{Number: "r3", Total: crm.Money{Amount: -10000, Currency: "TRY"}, Returns: crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: "o3"}}),
			fact(4, crm.KindVisit, "v4", at, &crm.Visit{Number: "v4", Service: "battery"}),
		}}
		clock.Set(nighttest.Start.Add(24 * time.Hour))
		// It is killed in each of its transactions once.
		for i := 1; ; i++ {
			store.Fail(crmtest.Fault{Where: []crmtest.Where{crmtest.After, crmtest.Lost}[i%2], N: 1 + i/2})
			if _, err = w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(second)}); err == nil {
				break
			}
			require.ErrorIs(t, err, crmtest.ErrFault)
		}
		store.Heal()
		for range 2 {
			got = causes()
			for rule, who := range map[string][]string{"sets": {"0"}, "added": {"0"}, "chain": {"0"}, "expired": {"1"}, "cleared": {"2"}, "entered": {"4"}, "left": {"3"}, "answered": {"0"},
				"clicked": {"1"}, "opened": {"2"}, "solved": {"3"}, "returned": {"3"}, "visited": {"4"}} {
				require.Equal(t, who, got["rule/"+rule], rule)
			}
			require.Len(t, got, 2+13)
			for _, f := range effectsOf(t, store, "rule/waits") {
				want := crm.Planned
				if f.Subject.Profile.ID == "4" {
					want = crm.Cancelled
				}
				require.Equal(t, want, f.State, f.Subject.Profile.ID)
			}
			require.Equal(t, crm.Done, effectsOf(t, store, "rule/chain")[0].State)
			clock.Advance(24 * time.Hour)
			_, err = w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(second)})
			require.NoError(t, err)
		}
	})
}

// TestOccasionsBeginNow: what was on record before rules waited is no occasion.
func TestOccasionsBeginNow(t *testing.T) {
	eachWay(t, func(t *testing.T, way func(*vefa.Config)) {
		store := memstore.New()
		w, clock := shop(t, store, "rules: [{name: sets, when: Orders >= 9, then: [{tag: y}]}]", way)
		_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
		require.NoError(t, err)
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error { // no rule waits, so nothing keeps the feed from being pruned
			list, err := r.Cursors(t.Context())
			require.Empty(t, list)
			return err
		}))
		book, err := rules.ReadYAML("rules.yaml", []byte("rules: [{name: ordered, on: {event: order}, when: 'true', then: [{tag: ordered}]}]"))
		require.NoError(t, err)
		require.NoError(t, w.Engine.Rules().Load(book))
		clock.Advance(24 * time.Hour)
		_, err = w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(crm.Batch{Facts: []*crm.Fact{nighttest.Order(1, "new", clock.Now())}})})
		require.NoError(t, err)
		got := effectsOf(t, store, "rule/ordered")
		require.Len(t, got, 1)
		require.Equal(t, "1", got[0].Subject.Profile.ID)
	})
}

// TestClosedEveningsRaiseNoOccasions: an evening that is run again after it was
// closed tells rules of nothing that has become known since. The next one does.
func TestClosedEveningsRaiseNoOccasions(t *testing.T) {
	eachWay(t, func(t *testing.T, way func(*vefa.Config)) {
		store := memstore.New()
		w, clock := shop(t, store, `
rules:
  - {name: ordered, on: {event: order}, each: Purchases, when: 'true', then: [{message: hello}], once: row}
  - {name: tagged, on: {tag_added: vip}, when: 'true', then: [{tag: greeted}]}
  - {name: entered, on: {segment_entered: buyers}, when: 'true', then: [{tag: inside}]}
`, func(c *vefa.Config) {
			way(c)
			c.Segments = "segment buyers = vip"
		})
		night := func(n vefa.Night) (vefa.NightReport, map[string]int) {
			rep, err := w.Engine.Night(t.Context(), n)
			require.NoError(t, err)
			planned := map[string]int{}
			for _, rule := range []string{"ordered", "tagged", "entered"} {
				planned[rule] = len(effectsOf(t, store, "rule/"+rule))
			}
			return rep, planned
		}
		_, before := night(vefa.Night{Source: nighttest.Once(nighttest.People(3))})
		require.Equal(t, map[string]int{"ordered": 3, "tagged": 0, "entered": 0}, before)
		clock.Advance(24 * time.Hour)
		day := clock.Now().Format(time.DateOnly)
		_, got := night(vefa.Night{})
		require.Equal(t, before, got)

		clock.Advance(time.Minute)
		require.NoError(t, w.Engine.Service().Record(t.Context(), nighttest.Order(0, "late", clock.Now()), tagOf(0, "v", "vip", false, clock.Now(), time.Time{})))
		rep, got := night(vefa.Night{Day: day})
		require.Equal(t, 1, rep.Again)
		require.Zero(t, rep.Rules.Planned)
		require.Equal(t, before, got)

		clock.Advance(24 * time.Hour)
		rep, got = night(vefa.Night{})
		require.Zero(t, rep.Again)
		require.Equal(t, map[string]int{"ordered": 4, "tagged": 1, "entered": 1}, got)
	})
}

// TestOccasionsAreOfTheirRow: rules that look at each row are asked about those alone
// that happened, also of a group of which the first row counts, and by Engine.Occur.
func TestOccasionsAreOfTheirRow(t *testing.T) {
	eachWay(t, func(t *testing.T, way func(*vefa.Config)) {
		store := memstore.New()
		w, clock := shop(t, store, `
rules:
  - {name: rows, on: {event: order}, each: Purchases, when: 'true', then: [{tag: x}]}
  - {name: lines, on: {event: order}, each: Lines, when: 'true', then: [{tag: x}]}
  - {name: one, on: {event: order}, each: Purchases, when: 'true', group: one, then: [{tag: x}]}
  - {name: visits, on: {event: order}, each: Visits, when: 'true', then: [{tag: x}]}
  - {name: told, on: {event: wrapped}, each: Purchases, when: 'true', then: [{tag: x}]}
  - {name: all, on: {event: counted}, each: Purchases, when: 'true', then: [{tag: x}]}
groups: [{name: one, mode: exclusive}]
`, func(c *vefa.Config) {
			way(c)
			c.Events = []string{"wrapped", "counted"}
		})
		about := func(rule string) (out []string) {
			for _, f := range effectsOf(t, store, "rule/"+rule) {
				out = append(out, f.About.ID)
			}
			slices.Sort(out)
			return out
		}
		order := func(id string) *crm.Fact {
			f := nighttest.Order(0, id, clock.Now())
			d := f.Data.(*crm.Order)
			d.Lines = []crm.OrderLine{{SKU: "a", Quantity: 1, Amount: d.Total}}
			return f
		}
		_, err := w.Engine.Night(t.Context(), vefa.Night{}) // what comes now is an occasion
		require.NoError(t, err)
		b := nighttest.People(1)
		b.Facts = []*crm.Fact{order("a"), order("b"), {Key: crm.FactKey{Kind: crm.KindVisit, Source: "web", ID: "v"}, Subject: crm.OfProfile(nighttest.Key(0)), At: clock.Now(), Version: 1, Data: &crm.Visit{Number: "v", Service: "battery"}}}
		loud := w.Engine.Rules().Active()
		require.NoError(t, w.Engine.Rules().Load(mustBook(t, "rules: [{name: quiet, on: {event: order}, when: 'false', then: [{tag: x}]}]")))
		clock.Advance(24 * time.Hour)
		_, err = w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		w.Engine.Rules().Swap(loud)
		clock.Advance(24 * time.Hour)
		_, err = w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(crm.Batch{Facts: []*crm.Fact{order("c"), order("d")}})})
		require.NoError(t, err)
		require.Equal(t, []string{"c", "d"}, about("rows"))
		require.Equal(t, []string{"c", "d"}, about("lines"))
		require.Equal(t, []string{"c"}, about("one"), "the first that happened")
		require.Equal(t, []string{"v"}, about("visits"), "rows of another kind are looked at")

		c, err := w.Engine.Service().CustomerOf(t.Context(), nighttest.Key(0))
		require.NoError(t, err)
		_, err = w.Engine.Occur(t.Context(), c.ID, rules.Trigger{Kind: rules.OnEvent, Event: "wrapped"}, order("b").Key)
		require.NoError(t, err)
		require.Equal(t, []string{"b"}, about("told"))
		_, err = w.Engine.Occur(t.Context(), c.ID, rules.Trigger{Kind: rules.OnEvent, Event: "counted"}, crm.FactKey{})
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b", "c", "d"}, about("all"))
	})
}

func mustBook(t *testing.T, text string) *rules.Book {
	t.Helper()
	b, err := rules.ReadYAML("rules.yaml", []byte(text))
	require.NoError(t, err)
	return b
}

// TestUnknownOccasions are refused. Case D7.
func TestUnknownOccasions(t *testing.T) {
	book, err := rules.ReadYAML("rules.yaml", []byte(`
rules:
  - {name: a, on: {event: basket}, when: 'true', then: [{tag: x}]}
  - {name: b, on: {segment_entered: nope}, when: 'true', then: [{tag: x}], cancel_at: [{event: bsket}, {segment_left: gone}]}
  - {name: c, on: {event: order}, when: 'true', then: [{tag: x}]}
`))
	require.NoError(t, err)
	_, err = vefa.New(vefa.Config{Rules: []*rules.Book{book}, Segments: "segment here = everyone"})
	for _, want := range []string{`rules.yaml:3:19: a: on: nobody tells of the event "basket"`, `b: on: Config.Segments does not define segment "nope"`, `b: cancel_at[1]`, `"bsket"`, `"gone"`} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), ` c: `)
	_, err = vefa.New(vefa.Config{Rules: []*rules.Book{book}, Events: []string{"basket", "bsket"}})
	require.NotContains(t, err.Error(), "basket")
}

// TestWhyOfWhatRepeats: why nothing came today is told beside what came before, in
// words that say what a guard did, by the name of a message too. Case B2.
func TestWhyOfWhatRepeats(t *testing.T) {
	store := memstore.New()
	w, clock := shop(t, store, "rules: [{name: daily, when: DaysSincePurchase <= 0, once: day, then: [{message: hello}]}, {name: once, when: Orders > 0, then: [{tag: x}]}]", nil)
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(1))})
	require.NoError(t, err)
	clock.Advance(24 * time.Hour)
	_, err = w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	c, err := w.Engine.Service().CustomerOf(t.Context(), nighttest.Key(0))
	require.NoError(t, err)
	for _, cause := range []string{"rule/daily", "message/hello"} {
		y, err := w.Engine.Why(t.Context(), c.ID, cause, vefa.WhyQuery{})
		require.NoError(t, err)
		require.Len(t, y.Effects, 1)
		require.Contains(t, y.String(), "address not to be written to: passed")
		require.NotContains(t, y.String(), "yes suppressed")
		require.Contains(t, y.String(), "Rule daily does not fire", cause)
		require.Contains(t, y.String(), "DaysSincePurchase is 1")
	}
	y, err := w.Engine.Why(t.Context(), c.ID, "rule/once", vefa.WhyQuery{})
	require.NoError(t, err)
	require.Empty(t, y.Text)
	for _, cause := range []string{"rule/none", "message/none", "survey/none", "none"} {
		_, err = w.Engine.Why(t.Context(), c.ID, cause, vefa.WhyQuery{})
		require.Error(t, err, cause)
	}
}

// holding is a store where another process holds the position of occasions for a while.
type holding struct {
	crm.Store
	tries atomic.Int64
}

func (s *holding) Update(ctx context.Context, fn func(crm.Tx) error) error {
	return s.Store.Update(ctx, func(tx crm.Tx) error { return fn(heldTx{tx, s}) })
}

type heldTx struct {
	crm.Tx
	s *holding
}

func (t heldTx) Cursor(ctx context.Context, consumer string) (crm.Position, error) {
	if t.s.tries.Add(-1) >= 0 {
		return "", &crm.Error{Op: "read", Entity: "cursor", ID: consumer, Kind: crm.ErrBusy}
	}
	return t.Tx.Cursor(ctx, consumer)
}

// TestOccasionsWaitTheirTurn: an evening waits while another process, which does the same
// evening by itself, tells rules of what happened.
func TestOccasionsWaitTheirTurn(t *testing.T) {
	store := &holding{Store: memstore.New()}
	w, clock := shop(t, store, occasionRules, func(c *vefa.Config) { c.Segments = "segment keen = keen" })
	for evening := range 6 { // held when it begins, when it tells of the feed and of what was ahead
		store.tries.Store(int64(1 + evening))
		_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
		require.NoError(t, err, "evening %d", evening)
		require.Negative(t, store.tries.Load(), "evening %d", evening)
		clock.Advance(24 * time.Hour)
	}
	require.Len(t, effectsOf(t, store, "rule/ordered"), 3)
}
