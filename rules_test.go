package vefa_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// shop is a retailer with rules of its own.
func shop(t *testing.T, store crm.Store, text string, change func(*vefa.Config)) (*nighttest.Retailer, *crmtest.Clock) {
	t.Helper()
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	book, err := rules.ReadYAML("rules.yaml", []byte(text))
	require.NoError(t, err)
	return nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Campaigns = []*rules.Book{book}, nil
		c.Messages = []messaging.Campaign{{Name: "hello", Text: "Hello", Unmeasured: "a test"}}
		if change != nil {
			change(c)
		}
	}), clock
}

func effectsOf(t *testing.T, store crm.Store, cause string) (out []*crm.Effect) {
	t.Helper()
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if f.Cause == cause {
				out = append(out, f)
			}
		}
		return nil
	}))
	return out
}

func TestBreaker(t *testing.T) {
	const text = `
rules:
  - {name: few, once: day, when: Orders >= 2, then: [{tag: few}]}
  - {name: wide, once: day, when: Orders >= 2, then: [{tag: wide}]}
`
	for _, x := range []struct {
		people, resident int
		accepted         bool
	}{{20, 0, false}, {20, 0, true}, {20, -1, false}, {10_500, 0, false}, {10_500, -1, false}} { // more than are held while they are counted
		people, accepted := x.people, x.accepted
		if people > 20 && (testing.Short() || raced && x.resident == 0) {
			continue
		}
		store := memstore.New()
		w, clock := shop(t, store, text, func(c *vefa.Config) {
			c.Resident, c.TrainAt = x.resident, -1
			c.Breaker = &rules.Breaker{Factor: 3, Least: 2, Warmup: 2}
			c.Wide = []string{"wide"}
			if accepted {
				c.Wide = append(c.Wide, "few")
			}
		})
		var rep vefa.NightReport
		for day := range 4 {
			at := nighttest.Start.AddDate(0, 0, day)
			clock.Set(at)
			b := nighttest.People(people)
			for i := range people { // on the last evening a source sends everything twice
				if i < 3 || day == 3 {
					b.Facts = append(b.Facts, nighttest.Order(i, fmt.Sprint("again", i), nighttest.Start))
				}
			}
			var err error
			rep, err = w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
			require.NoError(t, err)
			if day < 3 {
				require.Empty(t, rep.Tripped)
			}
		}
		if accepted {
			require.Empty(t, rep.Tripped)
			require.Len(t, effectsOf(t, store, "rule/few"), 9+people)
			continue
		}
		require.Equal(t, []rules.Trip{{Rule: "few", Matched: people, Usual: 3, Limit: 9}}, rep.Tripped)
		require.Len(t, effectsOf(t, store, "rule/few"), 9)
		require.Len(t, effectsOf(t, store, "rule/wide"), 9+people)
		// The same evening again decides the same.
		again, err := w.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Equal(t, rep.Tripped, again.Tripped)
		require.Len(t, effectsOf(t, store, "rule/few"), 9)
	}
}

func TestOccur(t *testing.T) {
	store := memstore.New()
	w, clock := shop(t, store, `
tables:
  - name: welcome
    on: {event: sign-up}
    hit: first
    cancel_at: [{tag_added: red}]
    inputs: [Orders, City]
    outputs: [days]
    rows: [[">= 2", "-", 1d], ["-", "-", 3d]]
    then: [{message: hello, after: "{days}"}]
rules:
  - {name: turned-red, on: {tag_added: red}, when: Orders > 0, then: [{ticket: desk}]}
`, func(c *vefa.Config) { c.Events = []string{"sign-up"} })
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
	require.NoError(t, err)
	var id crm.CustomerID
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		got, err := r.Profiles(t.Context(), nighttest.Key(0))
		if err == nil {
			id = got[0].Customer
		}
		return err
	}))
	signUp := rules.Trigger{Kind: rules.OnEvent, Event: "sign-up"}
	clock.Set(nighttest.Start.Add(time.Hour))
	got, err := w.Engine.Occur(t.Context(), id, signUp, crm.FactKey{})
	require.NoError(t, err)
	require.Equal(t, vefa.Occurred{Planned: 1}, got)
	got, err = w.Engine.Occur(t.Context(), id, signUp, crm.FactKey{})
	require.NoError(t, err)
	require.Equal(t, vefa.Occurred{Repeated: 1}, got)
	effects := effectsOf(t, store, "rule/welcome/row2")
	require.Len(t, effects, 1)
	require.Equal(t, nighttest.Start.Add(time.Hour).AddDate(0, 0, 3).Truncate(time.Minute), effects[0].Due.Truncate(time.Minute))

	got, err = w.Engine.Occur(t.Context(), id, rules.Trigger{Kind: rules.OnTagAdded, Tag: "red"}, crm.FactKey{})
	require.NoError(t, err)
	require.Equal(t, vefa.Occurred{Planned: 1, Cancelled: 1}, got)
	effects = effectsOf(t, store, "rule/welcome/row2")
	require.Equal(t, crm.Cancelled, effects[0].State)
	_, err = w.Engine.Occur(t.Context(), "nobody", signUp, crm.FactKey{})
	require.ErrorIs(t, err, crm.ErrNotFound)
	for field, bad := range map[string]rules.Trigger{"kind": {}, "event": {Kind: rules.OnEvent, Event: "sign-in"}, "tag": {Kind: rules.OnTagAdded}, "segment": {Kind: rules.OnSegmentLeft, Segment: "none"}} {
		_, err = w.Engine.Occur(t.Context(), id, bad, crm.FactKey{})
		require.ErrorIs(t, err, crm.ErrInvalid, field)
		var fault *crm.FieldError
		require.ErrorAs(t, err, &fault, field)
		require.Equal(t, field, fault.Field)
	}
	_, err = w.Engine.Occur(t.Context(), id, rules.Trigger{Event: "sign-up"}, crm.FactKey{})
	require.ErrorIs(t, err, crm.ErrInvalid, "it has no kind")
}
