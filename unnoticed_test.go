package vefa_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// Faults that no test noticed. Case F.

// oneConnection is a store whose database has one connection: a transaction that is
// opened within another would wait for ever.
type oneConnection struct {
	crm.Store
	writing atomic.Int32
}

var errSecond = errors.New("a second connection was asked for")

func (s *oneConnection) View(ctx context.Context, fn func(crm.Reader) error) error {
	if s.writing.Load() > 0 {
		return errSecond
	}
	return s.Store.View(ctx, fn)
}

func (s *oneConnection) Update(ctx context.Context, fn func(crm.Tx) error) error {
	if s.writing.Add(1) > 1 {
		return errSecond
	}
	defer s.writing.Add(-1)
	return s.Store.Update(ctx, fn)
}

// TestFieldsReadInTheTransactionThatDecides: guards and conditions over what is read
// from the record are asked in the transaction that carries an action out, by a claim,
// tags, tickets, tasks and occasions alike.
func TestFieldsReadInTheTransactionThatDecides(t *testing.T) {
	store := &oneConnection{Store: memstore.New()}
	did := 0
	const guard = `Notes >= 0 and none(Sent, .Name == "message/nothing")`
	w, clock := shop(t, store, `
rules:
  - {name: message, when: Orders > 0, guard: '`+guard+`', then: [{message: hello, after: 1d}]}
  - {name: tag, when: Orders > 0, guard: '`+guard+`', then: [{tag: x, after: 1d}]}
  - {name: task, when: Orders > 0, guard: '`+guard+`', then: [{task: call, after: 1d}]}
  - {name: occasion, on: {event: order}, when: '`+guard+`', then: [{tag: ordered}]}
  - {name: occur, on: {event: told}, when: '`+guard+`', then: [{tag: told}]}
`, func(c *vefa.Config) {
		for _, f := range hostFields() {
			if f.Name == "Notes" {
				c.Fields = append(c.Fields, f)
			}
		}
		c.Events = []string{"told"}
		c.Tasks = map[string]vefa.TaskFunc{"call": func(context.Context, *crm.Service, *crm.Effect) error { did++; return nil }}
	})
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(2))})
	require.NoError(t, err)
	who, err := w.Engine.Service().CustomerOf(t.Context(), nighttest.Key(0))
	require.NoError(t, err)
	_, err = w.Engine.Occur(t.Context(), who.ID, rules.Trigger{Kind: rules.OnEvent, Event: "told"}, crm.FactKey{})
	require.NoError(t, err)
	clock.Advance(25 * time.Hour)
	rep, err := w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Equal(t, 2, rep.Delivered.Done)
	require.Equal(t, 2, did)
	for rule, n := range map[string]int{"tag": 2, "occasion": 2, "occur": 1} {
		got := effectsOf(t, store, "rule/"+rule)
		require.Len(t, got, n, rule)
		for _, f := range got {
			require.Equal(t, crm.Done, f.State, rule)
		}
	}
}

// TestAPanicLeavesNothingHalfDone: the host's clock panics, at each of its calls in
// turn. The evening that is run again by the same engine draws whom it would have drawn.
func TestAPanicLeavesNothingHalfDone(t *testing.T) {
	vip := vefa.Night{Source: nighttest.Once(crm.Batch{Facts: []*crm.Fact{tagOf(1, "v", "vip", false, nighttest.Start.Add(time.Hour), time.Time{})}})}
	for name, call := range map[string]func(*vefa.Engine) error{
		"night":    func(e *vefa.Engine) error { _, err := e.Night(t.Context(), vip); return err },
		"segments": func(e *vefa.Engine) error { _, err := e.Segments(t.Context()); return err },
	} {
		cut := 0
		for at := int64(1); ; at++ {
			store := memstore.New()
			var left atomic.Int64
			w, clock := shop(t, store, `rules: [{name: r, when: Orders > 9, then: [{tag: t}]}]`, func(c *vefa.Config) {
				c.Segments = "segment vips = vip"
				c.Campaigns = []vefa.Campaign{{Segment: "vips", On: []string{"2025-03-04"}, Campaign: messaging.Campaign{Name: "spring", Text: "Spring", Unmeasured: "a test"}}}
				now := c.Now
				c.Now = func() time.Time {
					if left.Add(-1) == 0 {
						panic("the clock stands")
					}
					return now()
				}
			})
			_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
			require.NoError(t, err)
			clock.Advance(24 * time.Hour)
			if name != "night" {
				require.NoError(t, w.Engine.Service().Record(t.Context(), tagOf(1, "v", "vip", false, nighttest.Start.Add(time.Hour), time.Time{})))
			}
			left.Store(at)
			if err = call(w.Engine); err == nil && left.Load() > 0 { // the clock was asked less often
				break
			}
			cut++
			left.Store(0)
			_, err = w.Engine.Night(t.Context(), vip)
			require.NoError(t, err)
			require.Len(t, effectsOf(t, store, "campaign/spring"), 1, "%s: cut at %d", name, at)
		}
		require.Positive(t, cut, name)
	}
}

// TestClosedEveningsDrawNobody: a campaign of an evening that is run again after it was
// closed is not drawn for those who came since.
func TestClosedEveningsDrawNobody(t *testing.T) {
	store := memstore.New()
	w, clock := shop(t, store, `rules: [{name: r, when: Orders > 9, then: [{tag: t}]}]`, func(c *vefa.Config) {
		c.Segments = "segment everybody = everyone"
		c.Campaigns = []vefa.Campaign{{Segment: "everybody", On: []string{"2025-03-03"}, Campaign: messaging.Campaign{Name: "spring", Text: "Spring", Unmeasured: "a test"}}}
	})
	all := nighttest.People(3)
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(crm.Batch{Profiles: all.Profiles[:2], Facts: all.Facts[:4]})})
	require.NoError(t, err)
	require.Len(t, effectsOf(t, store, "campaign/spring"), 2)
	clock.Advance(time.Minute)
	_, err = w.Engine.Service().Import(t.Context(), all)
	require.NoError(t, err)
	rep, err := w.Engine.Night(t.Context(), vefa.Night{Day: "2025-03-03"})
	require.NoError(t, err)
	require.Equal(t, 1, rep.Again)
	require.Len(t, effectsOf(t, store, "campaign/spring"), 2)
}

// TestAVisitIsAboutItsOwnShop: a message about a visit names the place of the visit,
// not the customer's last one.
func TestAVisitIsAboutItsOwnShop(t *testing.T) {
	w, clock := shop(t, memstore.New(), `rules: [{name: r, each: Visits, when: row.DaysAgo <= 9, then: [{message: visit}]}]`, func(c *vefa.Config) {
		c.Messages = append(c.Messages, messaging.Campaign{Name: "visit", Text: "{shop}", Fields: []messaging.Field{{Name: "shop", Fallback: "-"}}, Unmeasured: "a test"})
	})
	require.NoError(t, w.Engine.Service().PutPlaces(t.Context(), &crm.Place{ID: "a", Kind: "service", Name: "Atelier"}, &crm.Place{ID: "b", Kind: "store", Name: "Boutique"}))
	b := nighttest.People(1)
	b.Facts[1].Place = "b"
	b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindVisit, Source: "pos", ID: "v"}, Subject: crm.OfProfile(nighttest.Key(0)), At: clock.Now().AddDate(0, 0, -2), Version: 1,
		Place: "a", Data: &crm.Visit{Number: "v", Service: "battery"}})
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	require.Len(t, w.Sender.Messages(), 1)
	require.Equal(t, "Atelier", w.Sender.Messages()[0].Text)
}
