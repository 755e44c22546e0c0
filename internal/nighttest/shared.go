package nighttest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/rules"
)

const sharedRules = `
rules:
  - {name: buyer, when: Orders > 0 and "buyer" not in Tags, then: [{tag: buyer, for: 2d}]}
  - {name: pointed, when: Points == 1 and "buyer" in Tags, then: [{tag: pointed, for: 1d}]}
  - {name: left, on: {segment_left: pointed}, when: Orders >= 0, then: [{tag: parted}]}
  - {name: back, on: {tag_removed: buyer}, when: Orders > 0, then: [{task: call}]}
  - {name: inside, when: '"pointed" in Segments', then: [{tag: inside}]}
  - {name: survey, each: Purchases, when: row.DaysAgo < 400 and SMSConsent, then: [{survey: visit, after: 1d}]}
`

// Sharing says how Shared does its evenings.
type Sharing struct {
	// Open returns an empty store that several engines may use at once, each of which
	// gets what connect returns, if it is set.
	Open func(t *testing.T) (store crm.Store, connect func() crm.Store)
	// Wait is how long each transaction takes beside its own time: so others get their turn.
	Wait     time.Duration
	People   int
	Resident int
	Breaker  bool
	Engines  int
	// Each has each engine import a part of the delivery, and not the first of them all.
	Each bool
	// All has each engine import all of it.
	All bool
	// Stay has the engines stay from evening to evening, so that the one that leads may
	// have to read what another has in memory. Otherwise there are new ones each evening.
	Stay bool
	// Late says that an engine may come too late to help, because the time is that of the
	// machine.
	Late bool
	// Kill stops an engine for ever at a transaction of the second evening, from 1; 0: none.
	Kill, Victim int
	// Fails is an error that an engine may end an evening with; it then does it again.
	Fails error
	// Change may change the configuration of an engine, and its store, if it is set.
	Change func(i int, c *vefa.Config)
}

// SharedEnd is what is left of the evenings.
type SharedEnd struct {
	Digest  [32]byte
	Reports []vefa.NightReport
	Sent    int
	Asked   []int    // customers that each engine asked the rules of the last evening about
	Killed  bool     // the victim came to its end
	Reach   []string // what the breaker counted, by evening
}

// Evenings does three evenings in several engines at once.
func (s Sharing) Evenings(t *testing.T) (end SharedEnd) {
	t.Helper()
	store, connect := s.Open(t)
	if connect == nil {
		connect = func() crm.Store { return store }
	}
	at := &stands{at: Start}
	book, err := rules.ReadYAML("shared.yaml", []byte(sharedRules))
	require.NoError(t, err)
	type one struct {
		*Retailer
		slow  *slow
		asked atomic.Int64
		gone  bool
	}
	all := make([]*one, s.Engines)
	build := func(i int) *one {
		x := &one{slow: &slow{Store: connect(), wait: s.Wait}}
		x.Retailer = New(t, x.slow, &crmtest.Clock{}, func(c *vefa.Config) {
			c.Now, c.LeaseNow, c.Logger = at.Now, nil, slog.New(slog.DiscardHandler)
			c.Rules, c.TrainAt, c.Resident = []*rules.Book{book}, 50, s.Resident
			c.Segments = "segment everybody = everyone\nsegment pointed = pointed"
			c.Fields = []vefa.Field{{Name: "Points", Kind: rules.Int, Fill: func(_ context.Context, _ crm.Reader, _ time.Time, of []vefa.FieldSubject) ([]any, error) {
				x.asked.Add(int64(len(of)))
				out := make([]any, len(of))
				for i, f := range of {
					id := f.Profiles[0].ID
					out[i] = int(id[len(id)-1]) % 2
				}
				return out, nil
			}}}
			if s.Breaker {
				c.Breaker = &rules.Breaker{}
			}
			if s.Change != nil {
				s.Change(i, c)
			}
		})
		return x
	}
	for day := range 3 {
		at.set(Start.AddDate(0, 0, day))
		for i := range all {
			if all[i] == nil || all[i].gone || !s.Stay {
				all[i] = build(i)
			}
		}
		var delivery crm.Batch
		for b := range crmtest.Customers(s.People+20*day, crmtest.Options{Orders: 1, Brand: Brand.Brand, Batch: 1 << 20, Until: Start}) {
			delivery = b
		}
		parts := make([]crm.Batch, s.Engines)
		for i, p := range delivery.Profiles {
			to := &parts[0]
			if s.Each {
				to = &parts[min(i%(4*s.Engines), s.Engines-1)] // the last takes longest
			}
			to.Profiles = append(to.Profiles, p)
		}
		for _, f := range delivery.Facts {
			i := 0
			if s.Each { // with the profile that it is about
				i = max(0, slices.IndexFunc(parts, func(b crm.Batch) bool {
					return slices.ContainsFunc(b.Profiles, func(p *crm.Profile) bool { return p.ProfileKey == f.Subject.Profile })
				}))
			}
			parts[i].Facts = append(parts[i].Facts, f)
		}
		// Who has nothing to import comes when the one that has is at it: else it would pass
		// the import, and the other do the evening by itself.
		begun := make(chan struct{})
		begin := sync.OnceFunc(func() { close(begun) })
		if s.All || s.Each {
			begin()
		}
		// Of those that import parts, none begins before all have come.
		var came atomic.Int64
		met := make(chan struct{})
		comes := make([]func(), s.Engines)
		for i := range comes {
			comes[i] = sync.OnceFunc(func() {
				if came.Add(1) == int64(s.Engines) {
					close(met)
				}
			})
		}
		night := func(i int) (n vefa.Night) {
			switch {
			case s.All:
				n.Source = Once(delivery)
			case s.Each:
				n.Source = func(ctx context.Context) iter.Seq2[crm.Batch, error] {
					comes[i]()
					select {
					case <-met:
					case <-ctx.Done():
					}
					return few(parts[i])(ctx)
				}
			case i == 0:
				n.Source = func(ctx context.Context) iter.Seq2[crm.Batch, error] {
					begin()
					return few(parts[i])(ctx)
				}
			}
			return n
		}
		reps := make([]vefa.NightReport, s.Engines)
		errs := make([]error, s.Engines)
		var wg sync.WaitGroup
		for i, x := range all {
			x.asked.Store(0)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if day == 1 && s.Kill > 0 && i == s.Victim {
				x.slow.kill(s.Kill, cancel)
			}
			wg.Go(func() {
				defer comes[i]()
				if i == 0 {
					defer begin()
				} else {
					<-begun
				}
				reps[i], errs[i] = x.Engine.Night(ctx, night(i))
			})
		}
		wg.Wait()
		for i, x := range all {
			for s.Fails != nil && errs[i] != nil {
				require.ErrorIs(t, errs[i], s.Fails)
				reps[i], errs[i] = x.Engine.Night(t.Context(), night(i))
			}
		}
		var rep *vefa.NightReport
		for i, x := range all {
			if errs[i] != nil && x.slow.dead.Load() {
				end.Killed, x.gone = true, true
				continue
			}
			require.NoError(t, errs[i], "engine %d of evening %d", i, day)
			require.True(t, reps[i].Closed)
			if reps[i] = Plain(reps[i]); s.Stay {
				reps[i].Identified.Records, reps[i].Identified.Clusters = 0, 0
			}
			if rep != nil && s.Fails == nil && s.Kill == 0 && s.Change == nil && !s.Late {
				require.Equal(t, *rep, reps[i], "evening %d: engine %d", day, i)
			}
			rep = &reps[i]
		}
		require.NotNil(t, rep)
		end.Reports = append(end.Reports, *rep)
		end.Asked = nil
		for _, x := range all {
			end.Asked = append(end.Asked, int(x.asked.Load()))
			if x.gone || !s.Stay || day == 2 {
				end.Sent += len(x.Sender.Messages())
			}
		}
		if day == 0 { // link decisions of people are read by a helper
			svc := all[0].Engine.Service()
			a, b := delivery.Profiles[0].ProfileKey, delivery.Profiles[1].ProfileKey
			_, err := svc.Merge(t.Context(), "ada", crm.Evidence{}, a, b)
			require.NoError(t, err)
			_, err = svc.Split(t.Context(), "ada", crm.Evidence{}, b)
			require.NoError(t, err)
		}
	}
	end.Digest = digest(t, store)
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for d, err := range crm.Documents(t.Context(), r, "rule-reach") {
			if err != nil {
				return err
			}
			end.Reach = append(end.Reach, d.ID+" "+string(d.Data))
		}
		for _, kind := range []string{"night-share", "night-piece"} {
			left, err := r.ScanDocuments(t.Context(), kind, "", 1)
			if err == nil && len(left) > 0 && !end.Killed && s.Change == nil && !s.Late {
				err = fmt.Errorf("%s %s is left", kind, left[0].ID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}))
	audit, err := vefa.Audit(t.Context(), store, Brand)
	require.NoError(t, err)
	require.True(t, audit.Clean(), "%+v", audit)
	return end
}

// few yields a batch in several.
func few(b crm.Batch) func(context.Context) iter.Seq2[crm.Batch, error] {
	return func(context.Context) iter.Seq2[crm.Batch, error] {
		return func(yield func(crm.Batch, error) bool) {
			for chunk := range slices.Chunk(b.Profiles, 10) {
				if !yield(crm.Batch{Profiles: chunk}, nil) {
					return
				}
			}
			for chunk := range slices.Chunk(b.Facts, 10) {
				if !yield(crm.Batch{Facts: chunk}, nil) {
					return
				}
			}
		}
	}
}

// Plain is a report without what is of one run alone.
func Plain(r vefa.NightReport) vefa.NightReport {
	r.At, r.Bad = r.At.Truncate(time.Second), nil
	for i := range r.Steps {
		r.Steps[i].Seconds = 0
	}
	if len(r.Clicks) == 0 {
		r.Clicks = nil
	}
	r.Delivered.Due, r.Delivered.Conflicts = 0, 0 // what two find and one claims
	return r
}

// stands is a clock that stands.
type stands struct {
	mu sync.Mutex
	at time.Time
}

func (c *stands) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *stands) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// slow is a store that is waited for, until the process is killed.
type slow struct {
	crm.Store
	wait time.Duration
	left atomic.Int64 // transactions until then
	die  func()
	dead atomic.Bool
}

var errKilled = errors.New("nighttest: the process was killed")

func (s *slow) kill(n int, die func()) {
	s.die = die
	s.left.Store(int64(n))
}

func (s *slow) pass(ctx context.Context) error {
	if s.left.Load() > 0 && s.left.Add(-1) == 0 {
		s.dead.Store(true)
		s.die()
	}
	if s.dead.Load() {
		return errKilled
	}
	if s.wait > 0 {
		select {
		case <-time.After(s.wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (s *slow) View(ctx context.Context, fn func(crm.Reader) error) error {
	if err := s.pass(ctx); err != nil {
		return err
	}
	return s.Store.View(ctx, fn)
}

func (s *slow) Update(ctx context.Context, fn func(crm.Tx) error) error {
	if err := s.pass(ctx); err != nil {
		return err
	}
	return s.Store.Update(ctx, fn)
}

// Tenant is that of the store.
func (s *slow) Tenant() string {
	if t, ok := s.Store.(interface{ Tenant() string }); ok {
		return t.Tenant()
	}
	return ""
}

// Same requires that evenings ended alike.
func (e SharedEnd) Same(t *testing.T, want SharedEnd) {
	t.Helper()
	require.Equal(t, want.Digest, e.Digest)
	require.Equal(t, want.Sent, e.Sent)
	require.Equal(t, want.Reach, e.Reach)
	require.Equal(t, len(want.Reports), len(e.Reports))
	for i := range want.Reports {
		require.Equal(t, want.Reports[i], e.Reports[i], fmt.Sprint("evening ", i))
	}
}
