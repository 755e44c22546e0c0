package storetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var workerTests = []test{
	{"Worker/World", "effects that eight workers carry out in the world leave exactly once, however slow that is, whatever their clocks say and whoever of them is killed", testWorkersInTheWorld},
	{"Worker/Record", "effects that eight workers carry out within the record are done exactly once, and one that fails fails alone", testWorkersInTheRecord},
	{"Worker/Settle", "an effect of unknown fate is listed, and settled by one of the people who settle it", testSettlements},
}

// workers is how many run at once.
const workers = 8

// workShop is what the workers of a test share.
type workShop struct {
	*env
	n     int
	mu    sync.Mutex
	lease time.Time // the clock of leases
	got   map[crm.EffectID]int
	calls int // of clocks that are wrong
}

// newWorkShop plans n effects of a kind that are due.
func newWorkShop(e *env, n int, kind crm.EffectKind) *workShop {
	s := &workShop{env: e, n: n, lease: start, got: map[crm.EffectID]int{}}
	e.update(func(tx crm.Tx) error {
		all := make([]*crm.Effect, n)
		for i := range all {
			all[i] = effect(i, "work")
			all[i].Kind, all[i].Due = kind, start.AddDate(0, 0, -3)
		}
		_, err := tx.PutEffects(e.ctx, all...)
		return err
	})
	return s
}

// pass moves the clock of leases on and returns it.
func (s *workShop) pass(d time.Duration) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lease = s.lease.Add(d)
	return s.lease
}

// wrong is the own clock of a worker: it jumps each time that it is asked.
func (s *workShop) wrong() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	return start.Add([]time.Duration{0, -time.Hour, 26 * time.Hour, time.Minute, -25 * time.Hour}[s.calls%5])
}

// worker returns a worker with a clock that is wrong; leases go by one clock that the test
// moves.
func (s *workShop) worker(store crm.Store, h crm.EffectHandler) *crm.Worker {
	return &crm.Worker{Store: store, Handlers: []crm.EffectHandler{h}, Now: s.wrong, LeaseNow: func() time.Time { return s.pass(0) },
		Lease: 10 * time.Minute, Batch: 40, Logger: slog.New(slog.DiscardHandler)}
}

// do takes two seconds by the clock of leases for each effect, of which eight workers
// together let most of a lease pass, so that they must renew theirs.
func (s *workShop) do(_ context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(claims))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range claims {
		id := c.Effect.ID
		s.got[id]++
		s.lease = s.lease.Add(2 * time.Second)
		out[i] = crm.Receipt{ID: id, Status: crm.Accepted, Provider: "P-" + string(id) + " Q-" + string(id)}
	}
	return out, nil
}

// ask tells what arrived.
func (s *workShop) ask(_ context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]crm.Receipt, len(claims))
	for i, c := range claims {
		out[i] = crm.Receipt{ID: c.Effect.ID, Status: crm.Throttled}
		if s.got[c.Effect.ID] > 0 {
			out[i] = crm.Receipt{ID: c.Effect.ID, Status: crm.Accepted, Provider: "P-" + string(c.Effect.ID) + " Q-" + string(c.Effect.ID)}
		}
	}
	return out, nil
}

// drain has workers work at once until nothing is due.
func (s *workShop) drain(w func(i int) *crm.Worker) {
	s.Helper()
	require.NoError(s, parallel(workers, func(i int) error {
		w := w(i)
		for {
			did, err := w.RunOnce(s.ctx)
			switch {
			case errors.Is(err, crm.ErrBusy) && s.ctx.Err() == nil: // others are at the same effects
			case err != nil:
				return err
			case did.Due == 0:
				return nil
			}
		}
	}))
}

// states counts the effects by state.
func (s *workShop) states() map[crm.EffectState]int {
	out := map[crm.EffectState]int{}
	for _, x := range s.all() {
		out[x.State]++
	}
	return out
}

// all returns every effect.
func (s *workShop) all() (all []*crm.Effect) {
	s.view(func(r crm.Reader) (err error) {
		all, err = r.ScanEffects(s.ctx, crm.AllParts(), "", 10_000)
		return err
	})
	return all
}

// mortal is a store that a process has lost: nothing comes back once it is dead.
type mortal struct {
	crm.Store
	claimed, dead bool
}

// errKilled is what a process that is dead would have seen of the store.
var errKilled = errors.New("killed")

func (m *mortal) View(ctx context.Context, fn func(crm.Reader) error) error {
	if m.dead {
		return errKilled
	}
	return m.Store.View(ctx, fn)
}

func (m *mortal) Update(ctx context.Context, fn func(crm.Tx) error) error {
	if m.dead {
		return errKilled
	}
	err := m.Store.Update(ctx, fn)
	m.dead = err == nil && m.claimed
	return err
}

// testWorkersInTheWorld kills one worker between the claim and the hand-over, and one between
// the hand-over and its record. What the first claimed must leave, and what the second handed
// over must not leave again.
func testWorkersInTheWorld(e *env) {
	s := newWorkShop(e, 120, "world")
	h := crm.EffectHandler{Kind: "world", Do: s.do, Ask: s.ask}
	// One is killed when it has claimed, one when it has handed over.
	first := &mortal{Store: e.store}
	dies := h
	dies.Check = func(context.Context, crm.Tx, []*crm.Claim) error {
		first.claimed = true
		return nil
	}
	_, err := s.worker(first, dies).RunOnce(e.ctx)
	require.ErrorIs(e, err, errKilled)
	second := &mortal{Store: e.store}
	dies = h
	dies.Do = func(ctx context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
		second.dead = true
		return s.do(ctx, claims)
	}
	_, err = s.worker(second, dies).RunOnce(e.ctx)
	require.ErrorIs(e, err, errKilled)
	lost := s.states()[crm.Sent]
	require.Positive(e, lost)
	require.Positive(e, len(s.got))

	// Their claims are left alone until the leases end, whatever a worker's clock says.
	s.drain(func(int) *crm.Worker { return s.worker(e.store, h) })
	require.Equal(e, map[crm.EffectState]int{crm.Done: s.n - lost, crm.Sent: lost}, s.states())
	s.pass(20 * time.Minute)
	s.drain(func(int) *crm.Worker { return s.worker(e.store, h) })
	require.Equal(e, map[crm.EffectState]int{crm.Done: s.n}, s.states())
	require.Len(e, s.got, s.n)
	for id, n := range s.got {
		require.Equal(e, 1, n, "%s left %d times", id, n)
	}
	// Each is found by the other side's own id.
	for _, x := range s.all() {
		require.Equal(e, "P-"+string(x.ID)+" Q-"+string(x.ID), x.Provider)
		refs := x.ProviderRefs()
		require.Len(e, refs, 2, "one for each part")
		for i, ref := range refs {
			require.EqualValues(e, i, ref.Order)
			require.Equal(e, []crm.Ref{ref}, e.refs(crm.RefProvider, 10, ref.Key)[0])
		}
	}
	got, err := s.worker(e.store, h).Receive(e.ctx, crm.Receipt{Provider: "P-" + string(s.all()[0].ID), Status: crm.Accepted})
	require.NoError(e, err)
	require.Equal(e, crm.WorkStats{Conflicts: 1}, got, "it is known to be done")
	got, err = s.worker(e.store, h).Receive(e.ctx, crm.Receipt{Provider: "Q-" + string(s.all()[0].ID), Status: crm.Accepted})
	require.NoError(e, err)
	require.Equal(e, crm.WorkStats{Conflicts: 1}, got, "the second part is known, too")
	// What is pruned is found no more.
	last := s.all()[0].ProviderRefs()
	svc := crm.New(e.store, crm.Config{Now: func() time.Time { return start.AddDate(0, 1, 0) }})
	pruned, err := svc.Prune(e.ctx, start.AddDate(0, 0, 7))
	require.NoError(e, err)
	require.Equal(e, s.n, pruned.Effects)
	for _, ref := range last {
		require.Empty(e, e.refs(crm.RefProvider, 10, ref.Key)[0])
	}
	require.Empty(e, s.all()[0].Provider)
	pruned, err = svc.Prune(e.ctx, start.AddDate(0, 0, 7))
	require.NoError(e, err)
	require.Zero(e, pruned.Effects, "once is enough")
}

// testWorkersInTheRecord has one effect that panics in a batch with others: the batch is taken
// apart, and only the one fails, after its attempts.
func testWorkersInTheRecord(e *env) {
	s := newWorkShop(e, 120, "record")
	bad := effect(7, "work").ID
	h := crm.EffectHandler{Kind: "record", MaxBatch: 10, MaxAttempts: 3, Backoff: func(int) time.Duration { return time.Minute },
		Apply: func(ctx context.Context, tx crm.Tx, claims []*crm.Claim) ([]crm.Receipt, error) {
			for _, c := range claims {
				if c.Effect.ID == bad {
					panic("it cannot be done")
				}
				f := note(c.Effect.Subject, string(c.Effect.ID), "done", 1)
				put, err := tx.PutFacts(ctx, f)
				if err != nil {
					return nil, err
				}
				if put[0] != crm.PutNew {
					return nil, fmt.Errorf("%s was done before", c.Effect.ID)
				}
			}
			return nil, nil
		}}
	now := start
	for attempt := 1; attempt <= 3; attempt++ {
		s.drain(func(int) *crm.Worker {
			w := s.worker(e.store, h)
			w.Now = func() time.Time { return now }
			return w
		})
		want := map[crm.EffectState]int{crm.Done: s.n - 1, crm.Planned: 1}
		if attempt == 3 {
			want = map[crm.EffectState]int{crm.Done: s.n - 1, crm.Failed: 1}
		}
		require.Equal(e, want, s.states(), "attempt %d", attempt)
		now = now.Add(time.Hour)
	}
	e.view(func(r crm.Reader) error {
		facts, err := r.ScanFacts(e.ctx, crm.AllParts(), crm.KindNote, crm.FactRef{}, 10_000)
		require.Len(e, facts, s.n-1)
		return err
	})
	for _, x := range s.all() {
		if x.ID == bad {
			require.Equal(e, 3, x.Attempts)
			require.Contains(e, x.Reasons[0].Note, "given up after 3 attempts: crm: apply: panic: it cannot be done")
		} else {
			require.Zero(e, x.Attempts)
			require.True(e, x.SentAt.IsZero(), "it never left")
		}
	}
}
