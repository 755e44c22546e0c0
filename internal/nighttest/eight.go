package nighttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// Writers is how many work at once in AtOnce.
const Writers = 8

// Eight runs what eight writers and engines do at once. Open returns a fresh, empty store
// each time.
func Eight(t *testing.T, open func(t *testing.T) crm.Store) {
	t.Run("BesidePages", func(t *testing.T) { besidePages(t, open) })
	t.Run("TellAhead", func(t *testing.T) { tellAhead(t, open) })
	t.Run("TellOnce", func(t *testing.T) { tellOnce(t, open) })
	t.Run("LinkBeside", func(t *testing.T) { linkBeside(t, open) })
	t.Run("KeepInTurn", func(t *testing.T) { keepInTurn(t, open) })
}

// AtOnce runs do for each of the writers at once, and fails with the errors of all.
func AtOnce(t *testing.T, do func(w int) error) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make([]error, Writers)
	for w := range Writers {
		wg.Go(func() { errs[w] = do(w) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
}

// several returns a store and what makes engines on it.
func several(t *testing.T, open func(t *testing.T) crm.Store, text string, change func(*vefa.Config)) (store crm.Store, clock *crmtest.Clock, engine func(change func(*vefa.Config)) *Retailer) {
	store, clock = open(t), new(crmtest.Clock)
	clock.Set(Start)
	book, err := rules.ReadYAML("rules.yaml", []byte(text))
	require.NoError(t, err)
	return store, clock, func(more func(*vefa.Config)) *Retailer {
		return New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Campaigns, c.TrainAt = []*rules.Book{book}, nil, -1
			change(c)
			if more != nil {
				more(c)
			}
		})
	}
}

// causes returns, of each cause, the subjects of its effects with the day on which they
// were planned.
func causes(t *testing.T, store crm.Store) map[string][]string {
	out := map[string][]string{}
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for e, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			out[e.Cause] = append(out[e.Cause], e.Subject.Profile.ID+" "+e.Created.Format(time.DateOnly))
		}
		return nil
	}))
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}

// besidePages: evenings that read customers page by page run beside eight who
// import, tag, merge and split. Nothing is done twice or to whom it must not be; and then
// the engine knows what one does that keeps everybody in memory and begins anew: who is in
// which segment, and that an evening leaves nothing to plan.
func besidePages(t *testing.T, open func(t *testing.T) crm.Store) {
	const people, steps = 48, 5
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	store, clock, engine := several(t, open, Rules, func(c *vefa.Config) {
		c.Segments = `segment a = a segment rest = everyone and not a and not b segment worn = leaf("Worn >= 2")`
		c.Fields = []vefa.Field{{Name: "Worn", Kind: rules.Int, Reads: []string{"Lines"}, Fill: func(_ context.Context, _ crm.Reader, _ time.Time, of []vefa.FieldSubject) ([]any, error) {
			out := make([]any, len(of))
			for i, x := range of {
				out[i] = len(x.Facts.Lines)
			}
			return out, nil
		}}}
	})
	pages := engine(func(c *vefa.Config) { c.Resident = -1 })
	svc := pages.Engine.Service()
	_, err := svc.Import(ctx, People(people))
	require.NoError(t, err)
	var over atomic.Bool
	var beside sync.WaitGroup
	var bought sync.Map
	nights := 0
	beside.Go(func() {
		for n := 0; !over.Load() || n < 2; n++ {
			if _, err := pages.Engine.Night(ctx, vefa.Night{Day: Start.AddDate(0, 0, min(n, 1)-1).Format(time.DateOnly)}); !assert.NoError(t, err) {
				return
			}
			_, err := pages.Engine.Segments(ctx)
			assert.NoError(t, err)
			nights++
		}
	})
	AtOnce(t, func(w int) error {
		for n := range steps {
			i, id := (w*7+n*11)%people, fmt.Sprintf("w%d-%d", w, n)
			b := People(people)
			more := crm.Batch{Profiles: []*crm.Profile{b.Profiles[(i+3)%people]}, Facts: []*crm.Fact{Order(i, id, Start.Add(-time.Hour))}}
			more.Profiles[0].At, more.Profiles[0].Since = clock.Now(), Start.AddDate(0, -1-n, -w)
			more.Facts[0].Data.(*crm.Order).Lines = []crm.OrderLine{{SKU: "LENS", Quantity: 1}, {SKU: "CASE", Quantity: 1}}
			bought.Store(i, true)
			if _, err := svc.Import(ctx, more); err != nil {
				return err
			}
			if err := svc.Tag(ctx, Key(i), crm.TagChange{Tag: []string{"a", "b"}[n%2], Off: w%3 == 2}); err != nil {
				return err
			}
			if _, err := svc.Merge(ctx, "desk", crm.Evidence{}, Key(i), Key((i+1)%people)); err != nil {
				return err
			}
			if n%2 == 1 {
				if _, err := svc.Split(ctx, "desk", crm.Evidence{}, Key((i+2)%people)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	over.Store(true)
	beside.Wait()
	require.GreaterOrEqual(t, nights, 2)

	clock.Set(Start.AddDate(0, 0, 1).Add(time.Hour))
	today := vefa.Night{Day: clock.Now().Format(time.DateOnly)}
	_, err = pages.Engine.Night(ctx, today)
	require.NoError(t, err)
	anew := engine(nil)
	seen := func(e *vefa.Engine) map[string][]string {
		v, err := e.Segments(ctx)
		require.NoError(t, err)
		out := map[string][]string{"everybody": slices.Sorted(v.Customers(v.Population()))}
		for _, name := range []string{"a", "rest", "worn"} {
			members, err := v.Members(name, clock.Now())
			require.NoError(t, err)
			out[name] = slices.Sorted(members)
		}
		for _, c := range out["everybody"] {
			out["tags of "+c] = slices.Sorted(slices.Values(v.TagsOf(c)))
		}
		return out
	}
	want := seen(anew.Engine)
	require.NotEmpty(t, want["a"])
	require.Equal(t, want, seen(pages.Engine))
	worn := map[crm.CustomerID]bool{} // who bought articles, and nobody else, whatever merged and split
	for i := range people {
		if _, is := bought.Load(i); is {
			c, err := svc.CustomerOf(ctx, Key(i))
			require.NoError(t, err)
			worn[c.ID] = true
		}
	}
	require.Len(t, want["worn"], len(worn))
	rep, err := anew.Engine.Night(ctx, today)
	require.NoError(t, err)
	require.Zero(t, rep.Rules.Late)
	audit, err := vefa.Audit(ctx, store, Brand)
	require.NoError(t, err)
	require.True(t, audit.Clean(), "%+v", audit)
	require.Positive(t, audit.Sent)
	require.Zero(t, pages.Sender.Repeats()+anew.Sender.Repeats())
}

// tellAhead: eight engines run each evening at once, half of them beside
// the others, while eight import what lies after it. Each fact is told of by the first
// evening that it is not after, and by no other, and none is forgotten.
func tellAhead(t *testing.T, open func(t *testing.T) crm.Store) {
	const people, days = 24, 2
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	store, clock, engine := several(t, open, `
rules:
  - {name: ordered, on: {event: order}, when: 'Orders >= 1', then: [{tag: ordered}], once: day}
  - {name: visited, on: {event: visit}, when: 'true', then: [{tag: visited}], once: day}
`, func(c *vefa.Config) { c.Resident = -1 })
	svc := engine(nil).Engine.Service()
	first := People(people)
	first.Facts = nil
	_, err := svc.Import(ctx, first)
	require.NoError(t, err)
	engines := make([]*Retailer, Writers)
	for w := range engines {
		engines[w] = engine(func(c *vefa.Config) {
			if w%2 == 1 { // divides no work with the others
				c.Steps = append(vefa.DefaultSteps(), vefa.Step{Name: fmt.Sprint("own", w), Run: func(context.Context, *vefa.Evening) error { return nil }})
			}
		})
	}
	_, err = engines[0].Engine.Night(ctx, vefa.Night{})
	require.NoError(t, err)
	want := map[string][]string{}
	for day := 1; day <= days+1; day++ {
		evening := Start.AddDate(0, 0, day)
		next := evening.AddDate(0, 0, 1).Format(time.DateOnly)
		clock.Set(evening)
		for i := 0; i < people && day <= days; i++ {
			want["rule/ordered"] = append(want["rule/ordered"], fmt.Sprint(i, " ", next))
			if i%3 == day%3 {
				want["rule/visited"] = append(want["rule/visited"], fmt.Sprint(i, " ", next))
			}
		}
		AtOnce(t, func(w int) error {
			night := make(chan error)
			go func() {
				_, err := engines[w].Engine.Night(ctx, vefa.Night{Day: evening.Format(time.DateOnly)})
				night <- err
			}()
			var err error
			for i := w; i < people && day <= days && err == nil; i += Writers {
				at := evening.Add(time.Duration(1+i%20) * time.Hour)
				facts := []*crm.Fact{Order(i, fmt.Sprintf("o%d-%d", i, day), at)}
				if i%3 == day%3 {
					facts = append(facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindVisit, Source: "web", ID: fmt.Sprintf("v%d-%d", i, day)}, Subject: crm.OfProfile(Key(i)), At: at, Version: 1, Data: &crm.Visit{Number: "v", Service: "battery"}})
				}
				err = svc.Record(ctx, facts...)
			}
			return errors.Join(err, <-night)
		})
	}
	for _, list := range want {
		slices.Sort(list)
	}
	require.Equal(t, want, causes(t, store))
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		kept, err := r.ScanStates(ctx, crm.AllParts(), "occasions-ahead", crm.Subject{}, 1000)
		require.Empty(t, kept)
		return err
	}))
}

// tellOnce: eight tell the rules of the same occasion, and deliver, while
// each writes what a field of the host's reads in the transactions of the others. The
// occasion leads to one message, which goes out once, or not at all where the field, as it
// is at that moment, is against it.
func tellOnce(t *testing.T, open func(t *testing.T) crm.Store) {
	const people = 16
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var asked atomic.Int64
	notes := vefa.Field{Name: "Notes", Kind: rules.Int, Fill: func(ctx context.Context, r crm.Reader, _ time.Time, of []vefa.FieldSubject) ([]any, error) {
		out := make([]any, len(of))
		for i, s := range of {
			asked.Add(1)
			n := 0
			for _, err := range crm.FactsOf(ctx, r, []crm.Subject{crm.OfProfile(s.Profiles[0])}, crm.KindNote) {
				if err != nil {
					return nil, err
				}
				n++
			}
			if n > 0 {
				out[i] = n // else null: there is none
			}
		}
		return out, nil
	}}
	store, clock, engine := several(t, open, `
rules:
  - {name: left, on: {event: left}, when: 'Orders >= 1', guard: 'Notes == nil', then: [{message: hello}]}
`, func(c *vefa.Config) {
		c.Fields, c.Events = []vefa.Field{notes}, []string{"left"}
		c.Messages = []messaging.Campaign{{Name: "hello", Text: "Hello", Unmeasured: "a test"}}
	})
	engines := make([]*Retailer, Writers)
	for w := range engines {
		engines[w] = engine(func(c *vefa.Config) { c.Resident = -(w % 2) })
	}
	svc := engines[0].Engine.Service()
	_, err := svc.Import(ctx, People(people))
	require.NoError(t, err)
	clock.Set(Start.Add(time.Hour))
	noted := make([]chan struct{}, people)
	for i := range noted {
		noted[i] = make(chan struct{})
	}
	var planned, repeated [people]atomic.Int64
	AtOnce(t, func(w int) error {
		e := engines[w].Engine
		for i := range people {
			if i%Writers == w {
				var err error
				if i%2 == 0 {
					err = svc.Note(ctx, Key(i), crm.Note{Actor: "desk", Text: "does not want it"})
				}
				close(noted[i])
				if err != nil {
					return err
				}
			}
			select {
			case <-noted[i]:
			case <-ctx.Done():
				return ctx.Err()
			}
			id, err := svc.Profile(ctx, Key(i))
			if err != nil {
				return err
			}
			got, err := e.Occur(ctx, id.Customer, rules.Trigger{Kind: rules.OnEvent, Event: "left"}, crm.FactKey{})
			if err != nil {
				return err
			}
			planned[i].Add(int64(got.Planned))
			repeated[i].Add(int64(got.Repeated))
			if _, err := e.Deliver(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	sent, repeats := 0, 0
	for _, e := range engines {
		_, err := e.Engine.Deliver(ctx)
		require.NoError(t, err)
		sent, repeats = sent+len(e.Sender.Messages()), repeats+e.Sender.Repeats()
	}
	require.Zero(t, repeats)
	require.Equal(t, people/2, sent)
	require.Positive(t, asked.Load())
	for i := range people {
		require.EqualValues(t, 1, planned[i].Load(), "person %d", i)
		require.EqualValues(t, Writers-1, repeated[i].Load(), "person %d", i)
	}
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		for e, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
			if err != nil {
				return err
			}
			var i int
			_, err = fmt.Sscan(e.Subject.Profile.ID, &i)
			require.NoError(t, err)
			require.Equal(t, map[bool]crm.EffectState{true: crm.Withheld, false: crm.Done}[i%2 == 0], e.State, "person %d: %v", i, e.Reasons)
		}
		return nil
	}))
}
