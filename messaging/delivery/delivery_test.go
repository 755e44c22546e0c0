package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/delivery"
)

var noon = time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)

var states = []messaging.Delivery{messaging.Enroute, messaging.Expired, messaging.Undelivered, messaging.Rejected, messaging.Delivered, messaging.Read}

func phone(i int) crm.Address {
	return crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532%07d", i)}
}

func drawReport(t *rapid.T) messaging.Report {
	r := messaging.Report{Provider: "x", State: rapid.SampledFrom(states).Draw(t, "state"), Part: rapid.IntRange(0, 3).Draw(t, "part"), Bounce: rapid.Bool().Draw(t, "bounce"),
		Code: rapid.SampledFrom([]string{"", "1", "27"}).Draw(t, "code"), Reason: rapid.SampledFrom([]string{"", "absent"}).Draw(t, "reason")}
	if rapid.Bool().Draw(t, "counted") {
		r.Parts = 3
	}
	if n := rapid.IntRange(-1, 3).Draw(t, "at"); n >= 0 {
		r.At = noon.Add(time.Duration(n) * time.Second)
	}
	return r
}

// The same reports give the same fate in any order and any number of times, and each
// report takes it forward or leaves it where it is.
func TestFateDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reports := rapid.SliceOfN(rapid.Custom(drawReport), 1, 12).Draw(t, "reports")
		fold := func(order []messaging.Report) *delivery.Fate {
			f := new(delivery.Fate)
			for _, r := range order {
				was := f.State()
				f.Add(r)
				if was.After(f.State()) {
					t.Fatalf("from %s back to %s by %+v", was, f.State(), r)
				}
				if f.Add(r) {
					t.Fatalf("%+v said something new twice", r)
				}
			}
			return f
		}
		want := fold(reports)
		shuffled := rapid.Permutation(append(slices.Clone(reports), reports[:len(reports)/2]...)).Draw(t, "again")
		require.Equal(t, want, fold(shuffled))
	})
}

func TestSum(t *testing.T) {
	for _, x := range []struct {
		name string
		in   []messaging.Report
		want messaging.Delivery
	}{
		{"nothing", nil, ""},
		{"one part of an unknown number", []messaging.Report{{Part: 1, State: messaging.Delivered}}, messaging.Enroute},
		{"two of three", []messaging.Report{{Part: 1, Parts: 3, State: messaging.Delivered}, {Part: 3, Parts: 3, State: messaging.Delivered}}, messaging.Enroute},
		{"all", []messaging.Report{{Part: 1, Parts: 2, State: messaging.Delivered}, {Part: 2, Parts: 2, State: messaging.Delivered}}, messaging.Delivered},
		{"one failed", []messaging.Report{{Part: 1, Parts: 2, State: messaging.Delivered}, {Part: 2, Parts: 2, State: messaging.Undelivered}}, messaging.Undelivered},
		{"given up, and arrived later", []messaging.Report{{State: messaging.Expired}, {State: messaging.Delivered}}, messaging.Delivered},
		{"a late echo", []messaging.Report{{State: messaging.Read}, {State: messaging.Enroute}, {State: messaging.Delivered}}, messaging.Read},
		{"the whole says more than the parts", []messaging.Report{{Part: 1, State: messaging.Delivered}, {State: messaging.Delivered}}, messaging.Delivered},
		{"unknown states and parts", []messaging.Report{{State: "lost"}, {State: messaging.Delivered, Part: 300}, {State: messaging.Delivered, Part: -1}}, ""},
	} {
		f := new(delivery.Fate)
		for _, r := range x.in {
			f.Add(r)
		}
		require.Equal(t, x.want, f.State(), x.name)
	}
}

// shop is a record with n messages, of which each third has three parts, and the log of
// their reports.
type shop struct {
	store crm.Store
	clock *crmtest.Clock
	svc   *crm.Service
	log   *delivery.Log
	ids   []crm.EffectID
}

func newShop(t testing.TB, store crm.Store, n int) *shop {
	s := &shop{store: store, clock: &crmtest.Clock{}}
	s.clock.Set(noon)
	s.svc = crm.New(store, crm.Config{Now: s.clock.Now})
	s.log = &delivery.Log{Service: s.svc}
	effects := make([]*crm.Effect, n)
	for i := range effects {
		to := crm.OfAddress(phone(i))
		effects[i] = &crm.Effect{ID: crmtest.EffectID("campaign/spring", to, crm.FactKey{}, ""), Kind: crm.EffectMessage, Cause: "campaign/spring",
			Subject: to, Due: noon, State: crm.Planned, Created: noon, Changed: noon}
		s.ids = append(s.ids, effects[i].ID)
	}
	for chunk := range slices.Chunk(effects, 500) {
		require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
			_, err := tx.PutEffects(t.Context(), chunk...)
			return err
		}))
	}
	return s
}

// provider names message i by one id, or by three.
func provider(i int) (id string, parts []string) {
	if i%3 != 0 {
		return fmt.Sprint("m", i), []string{fmt.Sprint("m", i)}
	}
	for p := range 3 {
		parts = append(parts, fmt.Sprintf("m%d.%d", i, p))
	}
	return fmt.Sprintf("m%d.0 m%d.1 m%d.2", i, i, i), parts
}

// worker sends the messages; before is called while they are on their way, after the
// claim and before the answer is on record.
func (s *shop) worker(before func()) *crm.Worker {
	num := map[crm.EffectID]int{}
	for i, id := range s.ids {
		num[id] = i
	}
	return &crm.Worker{Store: s.store, Now: s.clock.Now, LeaseNow: s.clock.Now, Handlers: []crm.EffectHandler{{Kind: crm.EffectMessage,
		Check: func(_ context.Context, _ crm.Tx, claims []*crm.Claim) error {
			for _, c := range claims {
				c.Effect.To = c.Effect.Subject.Address
			}
			return nil
		},
		Do: func(_ context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
			if before != nil {
				before()
			}
			out := make([]crm.Receipt, len(claims))
			for i, c := range claims {
				id, _ := provider(num[c.Effect.ID])
				out[i] = crm.Receipt{ID: c.Effect.ID, Status: crm.Accepted, Provider: id}
			}
			return out, nil
		}}}}
}

// final is what the reports of a message come to.
func final(i int) messaging.Delivery { return states[i%len(states)] }

// reports are those of all messages, each state on the way to the final one, twice.
func (s *shop) reports(r *rand.Rand) []messaging.Report {
	var out []messaging.Report
	for i := range s.ids {
		_, parts := provider(i)
		for _, id := range parts {
			for _, st := range []messaging.Delivery{messaging.Enroute, final(i), final(i)} {
				out = append(out, messaging.Report{Provider: id, State: st, At: noon.Add(time.Minute), Bounce: i%50 == 2})
			}
		}
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func (s *shop) check(t testing.TB) {
	require.NoError(t, s.store.View(t.Context(), func(r crm.Reader) error {
		effects, err := r.Effects(t.Context(), s.ids...)
		require.NoError(t, err)
		fates, err := delivery.Fates(t.Context(), r, effects...)
		require.NoError(t, err)
		for i, f := range fates {
			require.NotNil(t, f, "message %d has no report", i)
			require.Equal(t, final(i), f.State(), "message %d", i)
			require.Equal(t, s.ids[i], f.Effect)
			states, err := r.Addresses(t.Context(), phone(i))
			require.NoError(t, err)
			require.Equal(t, i%50 == 2, slices.Contains(states[0].Suppressed, delivery.Reason), "message %d", i)
		}
		left, err := r.ScanStates(t.Context(), crm.AllParts(), "delivery-early", crm.Subject{}, 10)
		require.Empty(t, left)
		return err
	}))
}

// Reports come shuffled, twice, for each part, half of them before the answer says under
// which ids the provider took the messages.
func TestReports(t *testing.T) {
	s := newShop(t, memstore.New(), 900)
	reports := s.reports(rand.New(rand.NewPCG(1, 2)))
	half := len(reports) / 2
	var total delivery.Stats
	var once sync.Once
	w := s.worker(func() {
		once.Do(func() {
			got, err := s.log.Take(t.Context(), reports[:half]...)
			require.NoError(t, err)
			require.Zero(t, got.Changed)
			total.Add(got)
		})
	})
	w.Batch = 1000 // all are claimed when the first is handed over
	_, err := w.Drain(t.Context())
	require.NoError(t, err)
	require.Positive(t, total.Early)
	got, err := s.log.Settle(t.Context())
	require.NoError(t, err)
	require.Equal(t, total.Early, got.Settled)
	got, err = s.log.Take(t.Context(), reports[half:]...)
	require.NoError(t, err)
	require.Positive(t, got.Repeated)
	s.check(t)
	again, err := s.log.Take(t.Context(), reports...)
	require.NoError(t, err)
	require.Equal(t, delivery.Stats{Repeated: len(reports)}, again)
}

// A report that is not valid is named, and the others are taken; one that waits too long
// is dropped; one id of two messages is about neither.
func TestLogRefusesAndDrops(t *testing.T) {
	s := newShop(t, memstore.New(), 4)
	_, err := s.worker(nil).Drain(t.Context())
	require.NoError(t, err)
	got, err := s.log.Take(t.Context(),
		messaging.Report{State: messaging.Delivered}, messaging.Report{Provider: "m1", State: "gone"}, messaging.Report{Provider: "m1", State: messaging.Delivered, Part: 3, Parts: 2},
		messaging.Report{Provider: "m1", State: messaging.Delivered}, messaging.Report{Provider: "nobody", State: messaging.Delivered}, messaging.Report{ID: "not an id", State: messaging.Delivered})
	require.ErrorIs(t, err, messaging.ErrReport)
	for _, want := range []string{"report 0: ", "report 1: ", "report 2: "} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, delivery.Stats{Changed: 1, Early: 2}, got)
	got, err = s.log.Take(t.Context(), messaging.Report{Provider: "nobody", State: messaging.Delivered})
	require.NoError(t, err)
	require.Equal(t, delivery.Stats{}, got, "it waits already")
	s.clock.Advance(6 * 24 * time.Hour)
	got, err = s.log.Settle(t.Context())
	require.NoError(t, err)
	require.Equal(t, delivery.Stats{}, got)
	s.clock.Advance(2 * 24 * time.Hour)
	got, err = s.log.Settle(t.Context())
	require.NoError(t, err)
	require.Equal(t, delivery.Stats{Dropped: 2}, got)

	require.NoError(t, s.store.Update(t.Context(), func(tx crm.Tx) error {
		x := &crm.Effect{ID: s.ids[2], Kind: crm.EffectMessage, Provider: "m1", Subject: crm.OfAddress(phone(2))}
		return tx.PutRefs(t.Context(), x.ProviderRefs()...)
	}))
	got, err = s.log.Take(t.Context(), messaging.Report{Provider: "m1", State: messaging.Read})
	require.NoError(t, err)
	require.Equal(t, delivery.Stats{Ambiguous: 1}, got)
}

// FuzzFate decodes whatever a record may hold.
func FuzzFate(f *testing.F) {
	f.Add([]byte(`{"effect":"x","whole":{"state":"read"},"parts":[{"part":2,"state":"delivered"}],"count":2}`), uint8(1), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, part, parts uint8) {
		fate, err := delivery.FateOf(&crm.Fact{Key: crm.FactKey{Kind: delivery.Kind}, Data: &crm.Custom{JSON: data}})
		if err != nil {
			return
		}
		fate.Sum()
		r := messaging.Report{Provider: "x", State: messaging.Delivered, Part: int(part), Parts: int(parts)}
		fate.Add(r)
		if r.Validate() == nil && fate.Add(r) {
			t.Fatal("it said something new twice")
		}
	})
}

func ExampleLog() {
	store := memstore.New()
	svc := crm.New(store, crm.Config{})
	log := &delivery.Log{Service: svc}
	stats, err := log.Take(context.Background(), messaging.Report{Provider: "SM42", State: messaging.Delivered})
	fmt.Println("waiting:", stats.Early, err)
	// Output: waiting: 1 <nil>
}

// BenchmarkReports takes reports of 100,000 messages: shuffled, twice, half of them before the
// message is known.
func BenchmarkReports(b *testing.B) {
	b.Run("fate", func(b *testing.B) {
		s := newShop(b, memstore.New(), 100_000)
		reports := s.reports(rand.New(rand.NewPCG(1, 2)))
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			fates := make(map[string]*delivery.Fate, len(s.ids))
			for _, r := range reports {
				f := fates[r.Provider]
				if f == nil {
					f = new(delivery.Fate)
					fates[r.Provider] = f
				}
				f.Add(r)
			}
			n += len(reports)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/report")
	})
	b.Run("memstore", func(b *testing.B) {
		n := 0
		for b.Loop() {
			b.StopTimer()
			s := newShop(b, memstore.New(), 100_000)
			reports := s.reports(rand.New(rand.NewPCG(1, 2)))
			half := len(reports) / 2
			w := s.worker(nil)
			b.StartTimer()
			_, err := s.log.Take(b.Context(), reports[:half]...)
			require.NoError(b, err)
			b.StopTimer()
			_, err = w.Drain(b.Context())
			require.NoError(b, err)
			b.StartTimer()
			_, err = s.log.Settle(b.Context())
			require.NoError(b, err)
			_, err = s.log.Take(b.Context(), reports[half:]...)
			require.NoError(b, err)
			n += len(reports)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/report")
	})
}

// A report that waits for too long goes, and one that came for the same id in the same write
// stays, also where it says the same; told again it waits no longer.
func TestEarlyAndTooLate(t *testing.T) {
	for name, next := range map[string]messaging.Delivery{"another": messaging.Delivered, "the same": messaging.Enroute} {
		t.Run(name, func(t *testing.T) {
			clock, store := &crmtest.Clock{}, memstore.New()
			clock.Set(noon)
			log := &delivery.Log{Service: crm.New(store, crm.Config{Now: clock.Now})}
			take := func(s messaging.Delivery, want delivery.Stats) {
				got, err := log.Take(t.Context(), messaging.Report{Provider: "x1", State: s})
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
			take(messaging.Enroute, delivery.Stats{Early: 1})
			clock.Advance(8 * 24 * time.Hour)
			take(next, delivery.Stats{Early: 1, Dropped: 1})
			s, err := log.Settle(t.Context())
			require.NoError(t, err)
			require.Zero(t, s.Dropped, "what was too old went with the report that came, and that one waits")
			clock.Advance(6 * 24 * time.Hour)
			take(next, delivery.Stats{})
			clock.Advance(2 * 24 * time.Hour)
			s, err = log.Settle(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, s.Dropped, "it waits since it first came")
		})
	}
}

// What waits for one message is bounded, however many reports a provider makes up.
func TestEarlyIsBounded(t *testing.T) {
	store := memstore.New()
	log := &delivery.Log{Service: crm.New(store, crm.Config{Now: func() time.Time { return noon }})}
	var all []messaging.Report
	for i := range 600 {
		all = append(all, messaging.Report{Provider: "x1", State: messaging.Enroute, Code: fmt.Sprint(i)})
	}
	early := 0
	for range 2 {
		s, err := log.Take(t.Context(), all...)
		require.NoError(t, err)
		early += s.Early
	}
	require.Equal(t, 510, early, "two of each of 255 parts")
	waiting := 0
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		states, err := r.ScanStates(t.Context(), crm.AllParts(), "delivery-early", crm.Subject{}, 10)
		for _, s := range states {
			var list []json.RawMessage
			require.NoError(t, s.Decode(&list))
			waiting += len(list)
		}
		return err
	}))
	require.Equal(t, 510, waiting)
}
