package nighttest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/survey"
)

// Start is the first evening of the retailer that New makes, at noon: nothing
// waits for quiet hours.
var Start = time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)

// Brand is the retailer's consent.
var Brand = crm.ConsentKey{Brand: "test"}

// Retailer is a small one: an engine with one rule, one campaign and one
// survey on a store.
type Retailer struct {
	Engine *vefa.Engine
	Clock  *crmtest.Clock
	Sender *messaging.MemorySender
}

// Rules are the retailer's rules.
const Rules = `
rules:
  - name: survey
    each: Purchases
    when: row.DaysAgo == 0 and row.Delivered and SMSConsent
    then:
      - survey: visit
        after: 1d
  - name: buyer
    when: Orders > 0 and "buyer" not in Tags
    then:
      - tag: buyer
  - name: call
    when: Orders >= 3
    then:
      - task: call
`

// TB is what New needs of a test, which may be one of rapid's.
type TB interface {
	require.TestingT
	Helper()
}

// New returns an engine on a store. Several may share a store and a clock.
func New(t TB, store crm.Store, clock *crmtest.Clock, change func(*vefa.Config)) *Retailer {
	t.Helper()
	book, err := rules.ReadYAML("rules.yaml", []byte(Rules))
	require.NoError(t, err)
	sender := messaging.NewMemorySender(nil)
	link := messaging.Field{Name: "link", Type: messaging.LinkField, Max: 60}
	cfg := vefa.Config{
		Store: store, Now: clock.Now, LeaseNow: clock.Now, Sender: sender, BaseURL: "https://s.example", Keys: Keys(),
		Rules: []*rules.Book{book}, Segments: "segment everybody = everyone", Consent: Brand,
		Campaigns: []vefa.Campaign{{Segment: "everybody", On: []string{"2025-03-03"}, Campaign: messaging.Campaign{
			Name: "spring", Text: "Spring {link}", Fields: []messaging.Field{link}, URL: "https://shop.example/spring", Unmeasured: "a test"}}},
		Surveys: []vefa.Survey{{Name: "visit", Definition: survey.Recommendation(), Invitation: messaging.Campaign{
			Name: "visit", Text: "How was it? {link}", Fields: []messaging.Field{link}, Unmeasured: "a test"}}},
		Tasks: map[string]vefa.TaskFunc{"call": func(ctx context.Context, svc *crm.Service, e *crm.Effect) error {
			return svc.Record(ctx, &crm.Fact{Key: crm.FactKey{Kind: crm.KindNote, Source: "desk", ID: string(e.ID)}, Subject: e.Subject, At: e.Due, Version: 1,
				Data: &crm.Note{Text: "call"}})
		}},
	}
	if s, ok := store.(interface{ Tenant() string }); ok && s.Tenant() != "" {
		cfg.Keys.Tenant = "" // the store's
	}
	if change != nil {
		change(&cfg)
	}
	eng, err := vefa.New(cfg)
	require.NoError(t, err)
	return &Retailer{eng, clock, sender}
}

// Key is the key of person i.
func Key(i int) crm.ProfileKey { return crm.ProfileKey{Source: "pos", ID: fmt.Sprint(i)} }

// Phone is the number of person i.
func Phone(i int) crm.Address {
	return crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+9053%08d", i)}
}

// Consent is an entry of the ledger.
func Consent(i int, id string, status crm.ConsentStatus, at time.Time) *crm.Fact {
	return &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "web", ID: id}, Subject: crm.OfAddress(Phone(i)), At: at, Version: 1,
		Data: &crm.Consent{ConsentKey: Brand, Status: status}}
}

// Order is a sale in a shop.
func Order(i int, id string, at time.Time) *crm.Fact {
	return &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: id}, Subject: crm.OfProfile(Key(i)), At: at, Version: 1,
		Data: &crm.Order{Number: id, Channel: "store", Total: crm.Money{Amount: 10000, Currency: "TRY"}}}
}

// People is n persons who agreed and bought something on the day.
func People(n int) crm.Batch {
	var b crm.Batch
	for i := range n {
		p := &crm.Profile{ProfileKey: Key(i), Name: crm.Name{Given: "Ada", Family: fmt.Sprint("Kaya", i)}, Since: Start, At: Start,
			Contacts: []crm.Contact{{Address: Phone(i)}}}
		b.Profiles = append(b.Profiles, p)
		b.Facts = append(b.Facts, Consent(i, fmt.Sprint("c", i), crm.Granted, Start.Add(-time.Hour)), Order(i, fmt.Sprint("o", i), Start.Add(-time.Hour)))
	}
	return b
}

// Once yields one batch.
func Once(b crm.Batch) func(context.Context) iter.Seq2[crm.Batch, error] {
	return func(context.Context) iter.Seq2[crm.Batch, error] {
		return func(yield func(crm.Batch, error) bool) { yield(b, nil) }
	}
}

// Run runs the suite. Open returns a fresh, empty store each time.
func Run(t *testing.T, open func(t *testing.T) crm.Store) {
	t.Run("Race", func(t *testing.T) { race(t, open(t)) })
	t.Run("TwiceIsOnce", func(t *testing.T) { twice(t, open(t)) })
	t.Run("Stopped", func(t *testing.T) { stopped(t, open) })
	t.Run("Merged", func(t *testing.T) { merged(t, open(t)) })
	t.Run("Storm", func(t *testing.T) { storm(t, open(t)) })
	t.Run("Decided", func(t *testing.T) { decided(t, open) })
	t.Run("Claimed", func(t *testing.T) { claimed(t, open) })
	t.Run("Split", func(t *testing.T) { split(t, open(t)) })
	t.Run("Capped", func(t *testing.T) { _, exceeded := Capped(t, open, nil); require.Zero(t, exceeded) })
	t.Run("Ahead", func(t *testing.T) { Ahead(t, open, false) })
}

// race opens tickets, withdraws consents and merges people while two engines
// send the same campaign.
func race(t *testing.T, store crm.Store) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	const people = 400
	clock := &crmtest.Clock{}
	clock.Set(Start)
	plan := New(t, store, clock, nil)
	_, err := plan.Engine.Service().Import(ctx, People(people))
	require.NoError(t, err)

	// Two workers deliver, each batch with a fresh view of the world.
	workers := []*Retailer{plan, New(t, store, clock, nil)}
	var wg, writers sync.WaitGroup
	errs := make(chan error, 16)
	over := make(chan struct{})
	for w := range 3 {
		writers.Go(func() {
			svc := workers[0].Engine.Service()
			r := rand.New(rand.NewPCG(uint64(w), 9))
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				i := r.IntN(people - 100) // the others stay, so that something is sent
				id := fmt.Sprintf("w%d-%d", w, n)
				var err error
				switch n % 3 {
				case 0:
					_, err = svc.OpenTicket(ctx, Key(i), "desk", id, crm.Ticket{Title: "x"})
				case 1:
					err = svc.Record(ctx, Consent(i, id, crm.Refused, clock.Now()))
				case 2:
					_, err = svc.Merge(ctx, "staff", crm.Evidence{}, Key(i), Key((i+1)%people))
				}
				if err != nil && !errors.Is(err, crm.ErrConflict) {
					errs <- err
					return
				}
			}
		})
	}
	_, err = plan.Engine.Night(ctx, vefa.Night{Day: "2025-03-03"})
	require.NoError(t, err)
	for _, w := range workers {
		wg.Go(func() {
			for range 5 {
				if _, err := w.Engine.Deliver(ctx); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(over)
	writers.Wait()
	select {
	case err := <-errs:
		require.NoError(t, err)
	default:
	}
	rep, err := vefa.Audit(ctx, store, Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
	require.Positive(t, rep.Sent, "the race left nobody to send to")
	require.Zero(t, workers[0].Sender.Repeats()+workers[1].Sender.Repeats())
}

func digest(t *testing.T, store crm.Store) [32]byte {
	t.Helper()
	var d [32]byte
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) (err error) {
		d, err = crm.Digest(t.Context(), r, Start.AddDate(1, 0, 0))
		return err
	}))
	return d
}

// twice runs evenings twice: nothing is done twice.
func twice(t *testing.T, store crm.Store) {
	clock := &crmtest.Clock{}
	clock.Set(Start)
	shop := New(t, store, clock, nil)
	var last [32]byte
	for day := range 3 {
		at := Start.AddDate(0, 0, day)
		clock.Set(at)
		n := vefa.Night{Day: at.Format(time.DateOnly), Source: Once(People(50 + 10*day))}
		rep, err := shop.Engine.Night(t.Context(), n)
		require.NoError(t, err)
		require.True(t, rep.Closed)
		sent := len(shop.Sender.Messages())
		last = digest(t, store)
		for range 2 {
			clock.Set(at)
			_, err = shop.Engine.Night(t.Context(), n)
			require.NoError(t, err)
			require.Equal(t, last, digest(t, store))
			require.Len(t, shop.Sender.Messages(), sent)
		}
	}
	require.Len(t, shop.Sender.Messages(), 50+50, "the campaign of the first evening, and a survey of each sale a day later")
	rep, err := vefa.Audit(t.Context(), store, Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
}

// split asks a customer of two profiles, reached at the phone of one of them,
// and takes that profile away again: its phone does not ring once more.
func split(t *testing.T, store crm.Store) {
	clock := &crmtest.Clock{}
	clock.Set(Start.Add(-time.Hour))
	shop := New(t, store, clock, func(c *vefa.Config) {
		book, err := rules.ReadYAML("rules.yaml", []byte("rules: [{name: welcome, when: Orders > 0, then: [{message: welcome}]}]"))
		require.NoError(t, err)
		c.Rules, c.Campaigns, c.Surveys = []*rules.Book{book}, nil, nil
		c.Messages = []messaging.Campaign{{Name: "welcome", Text: "Welcome", Unmeasured: "a test"}}
	})
	b := People(2)
	b.Profiles[0].Contacts, b.Profiles[0].Since = nil, Start.AddDate(0, -1, 0) // it names the customer
	svc := shop.Engine.Service()
	_, err := svc.Import(t.Context(), b)
	require.NoError(t, err)
	_, err = svc.Merge(t.Context(), "desk", crm.Evidence{}, Key(0), Key(1))
	require.NoError(t, err)
	for evening := range 3 {
		clock.Set(Start.AddDate(0, 0, evening))
		if evening == 1 {
			_, err := svc.Split(t.Context(), "desk", crm.Evidence{}, Key(1))
			require.NoError(t, err)
		}
		clock.Set(clock.Now().Add(time.Hour))
		_, err := shop.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Len(t, shop.Sender.Messages(), 1)
		require.Equal(t, Phone(1), shop.Sender.Messages()[0].To)
	}
	rep, err := vefa.Audit(t.Context(), store, Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
}

// merged draws messages for the two profiles of each person, keeps them over the
// quiet hours and merges the profiles meanwhile; then two engines send at once, a
// few messages at a time. Each person is written to once.
// Case A5.
func merged(t *testing.T, store crm.Store) {
	const persons = 25
	clock := &crmtest.Clock{}
	evening := Start.Add(9 * time.Hour)
	clock.Set(evening)
	book, err := rules.ReadYAML("rules.yaml", []byte("rules: [{name: welcome, when: Orders > 0, then: [{message: welcome}]}]"))
	require.NoError(t, err)
	engine := func() *Retailer {
		return New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Campaigns, c.Surveys, c.Batch, c.TrainAt = []*rules.Book{book}, nil, nil, 7, 1000
			c.Messages = []messaging.Campaign{{Name: "welcome", Text: "Welcome", Unmeasured: "a test", Quiet: messaging.EveningQuiet()}}
		})
	}
	shops := []*Retailer{engine(), engine()}
	_, err = shops[0].Engine.Night(t.Context(), vefa.Night{Source: Once(People(2 * persons))})
	require.NoError(t, err)
	require.Empty(t, shops[0].Sender.Messages(), "it is night")
	for i := range persons {
		_, err := shops[0].Engine.Service().Merge(t.Context(), "desk", crm.Evidence{}, Key(2*i), Key(2*i+1))
		require.NoError(t, err)
	}
	clock.Set(Start.AddDate(0, 0, 1))
	var wg sync.WaitGroup
	for _, s := range shops {
		wg.Go(func() {
			_, err := s.Engine.Deliver(t.Context())
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	got := map[int]int{}
	for _, s := range shops {
		for _, m := range s.Sender.Messages() {
			for i := range 2 * persons {
				if Phone(i) == m.To {
					got[i/2]++
				}
			}
		}
	}
	require.Len(t, got, persons, "everybody is written to")
	for who, n := range got {
		require.Equal(t, 1, n, "person %d", who)
	}
	rep, err := vefa.Audit(t.Context(), store, Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
}

// sharing is People, each of whom can also be reached at the next one's phone.
func sharing(n int) crm.Batch {
	b := People(n)
	for i, p := range b.Profiles {
		p.Contacts = append(p.Contacts, crm.Contact{Address: Phone((i + 1) % n)})
	}
	return b
}

// stopped cuts an evening at its transactions and goes on with a new engine, as
// after a crash: the end is always the same. A transaction is cut before it
// begins, inside it, at its commit, and after a commit whose answer is lost. What
// went to a phone that others use, too, is no repetition of what was claimed with
// it (case A19).
func stopped(t *testing.T, open func(t *testing.T) crm.Store) {
	evenings := func(store crm.Store, fault crmtest.Fault) (cut bool, end [32]byte) {
		clock := &crmtest.Clock{}
		faulty := crmtest.NewFaulty(store)
		faulty.Fail(fault)
		shop := New(t, faulty, clock, nil)
		for day := range 2 {
			for {
				at := Start.AddDate(0, 0, day)
				clock.Set(at)
				_, err := shop.Engine.Resume(t.Context())
				if err == nil {
					clock.Set(at)
					_, err = shop.Engine.Night(t.Context(), vefa.Night{Day: at.Format(time.DateOnly), Source: Once(sharing(20 + day))})
				}
				if err == nil {
					break
				}
				require.ErrorIs(t, err, crmtest.ErrFault)
				cut = true
				shop = New(t, store, clock, nil)
			}
		}
		return cut, digest(t, store)
	}
	_, want := evenings(open(t), crmtest.Fault{})
	places := []crmtest.Where{crmtest.After, crmtest.Before, crmtest.Inside, crmtest.Lost}
	if raced { // .ci/run tries the rest without the race detector
		places = []crmtest.Where{crmtest.Inside, crmtest.Lost}
	}
	for _, where := range places {
		for n := 1; ; n++ {
			cut, got := evenings(open(t), crmtest.Fault{Where: where, N: n})
			require.Equal(t, want, got, "cut %s %d", where, n)
			if !cut {
				require.Greater(t, n, 5)
				break
			}
			switch { // of these a sample; vefa tries all of them in memory
			case raced:
				n += n
			case where != crmtest.After && n > 4:
				n += n / 2
			}
		}
	}
}
