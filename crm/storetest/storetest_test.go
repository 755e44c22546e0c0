package storetest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/crm/storetest"
)

// The test of a store is one line.
func Example() {
	suite := storetest.Options{NoConcurrentWriters: true}
	testStore := func(t *testing.T) {
		suite.Run(t, func(*testing.T) crm.Store { return memstore.New() })
	}
	fmt.Println(testStore != nil, suite.NoConcurrentWriters)
	// Output: true true
}

// TestFaults runs the suite, in a process of its own, on stores that each break
// one rule. The suite has to notice every one of them.
func TestFaults(t *testing.T) {
	for name := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFaultyStore$", "-test.failfast", "-rapid.checks=30", "-rapid.nofailfile", "-rapid.shrinktime=0s")
			cmd.Env = append(os.Environ(), "STORETEST_FAULT="+name)
			out, err := cmd.CombinedOutput()
			var failed *exec.ExitError
			require.ErrorAs(t, err, &failed, "the suite passed a store that breaks a rule:\n%s", out)
			require.Contains(t, string(out), "The rule:")
			require.NotContains(t, string(out), "panic:")
		})
	}
}

// TestFaultyStore is what TestFaults runs.
func TestFaultyStore(t *testing.T) {
	fault := os.Getenv("STORETEST_FAULT")
	if fault == "" {
		return // there is nothing to test here but by TestFaults
	}
	storetest.Options{NoConcurrentWriters: true}.Run(t, func(*testing.T) crm.Store {
		return &faulty{Store: memstore.New(), fault: faults[fault]}
	})
}

type faulty struct {
	crm.Store
	fault func(s *faulty, tx crm.Tx) crm.Tx
	// keep commits what a function wrote that failed.
	keep bool
}

func (s *faulty) Update(ctx context.Context, fn func(crm.Tx) error) error {
	var own error
	err := s.Store.Update(ctx, func(tx crm.Tx) error {
		own = fn(s.fault(s, tx))
		if s.keep {
			return nil
		}
		return own
	})
	if own != nil {
		return own
	}
	return err
}

func (s *faulty) View(ctx context.Context, fn func(crm.Reader) error) error {
	return s.Store.View(ctx, func(r crm.Reader) error { return fn(s.fault(s, crm.Unimplemented(r))) })
}

var faults = map[string]func(s *faulty, tx crm.Tx) crm.Tx{
	"no rollback":         func(s *faulty, tx crm.Tx) crm.Tx { s.keep = true; return tx },
	"stale profiles":      func(_ *faulty, tx crm.Tx) crm.Tx { return staleProfiles{tx} },
	"last write wins":     func(_ *faulty, tx crm.Tx) crm.Tx { return lastWins{tx} },
	"short pages":         func(_ *faulty, tx crm.Tx) crm.Tx { return shortPages{tx} },
	"unsorted refs":       func(_ *faulty, tx crm.Tx) crm.Tx { return unsortedRefs{tx} },
	"due too early":       func(_ *faulty, tx crm.Tx) crm.Tx { return dueEarly{tx} },
	"lost changes":        func(_ *faulty, tx crm.Tx) crm.Tx { return lostChanges{tx} },
	"planned twice":       func(_ *faulty, tx crm.Tx) crm.Tx { return plannedTwice{tx} },
	"local times":         func(_ *faulty, tx crm.Tx) crm.Tx { return localTimes{tx} },
	"unversioned address": func(_ *faulty, tx crm.Tx) crm.Tx { return anyVersion{tx} },
	"moved by not-me":     func(_ *faulty, tx crm.Tx) crm.Tx { return notMeMoves{tx} },
	"unguarded counters":  func(_ *faulty, tx crm.Tx) crm.Tx { return unguarded{tx} },
	"half a call":         func(_ *faulty, tx crm.Tx) crm.Tx { return halfCall{tx} },
}

type staleProfiles struct{ crm.Tx }

func (t staleProfiles) PutProfiles(ctx context.Context, ps ...*crm.Profile) error {
	for _, p := range ps {
		if old, err := t.Profiles(ctx, p.ProfileKey); err == nil && old[0] != nil {
			p.Rev = old[0].Rev
		}
	}
	return t.Tx.PutProfiles(ctx, ps...)
}

type lastWins struct{ crm.Tx }

func (t lastWins) PutFacts(ctx context.Context, fs ...*crm.Fact) ([]crm.Put, error) {
	for _, f := range fs {
		if old, err := t.Facts(ctx, f.Ref()); err == nil && old[0] != nil && old[0].Version == f.Version {
			if err := t.DeleteFacts(ctx, f.Ref()); err != nil {
				return nil, err
			}
		}
	}
	return t.Tx.PutFacts(ctx, fs...)
}

type shortPages struct{ crm.Tx }

func (t shortPages) ScanFacts(ctx context.Context, parts crm.PartRange, kind crm.FactKind, after crm.FactRef, limit int) ([]*crm.Fact, error) {
	fs, err := t.Tx.ScanFacts(ctx, parts, kind, after, limit)
	if len(fs) == limit && limit > 2 {
		fs = slices.Delete(fs, 1, 2)
	}
	return fs, err
}

type unsortedRefs struct{ crm.Tx }

func (t unsortedRefs) Refs(ctx context.Context, kind crm.RefKind, limit int, keys ...string) ([][]crm.Ref, error) {
	out, err := t.Tx.Refs(ctx, kind, limit, keys...)
	for _, rs := range out {
		slices.Reverse(rs)
	}
	return out, err
}

type dueEarly struct{ crm.Tx }

func (t dueEarly) DueEffects(ctx context.Context, q crm.DueQuery) ([]*crm.Effect, error) {
	q.Before = q.Before.Add(time.Microsecond)
	return t.Tx.DueEffects(ctx, q)
}

type lostChanges struct{ crm.Tx }

func (t lostChanges) Changes(ctx context.Context, after crm.Position, limit int) ([]crm.Change, crm.Position, error) {
	cs, next, err := t.Tx.Changes(ctx, after, limit)
	if len(cs) > 3 {
		cs = cs[1:]
	}
	return cs, next, err
}

type plannedTwice struct{ crm.Tx }

func (t plannedTwice) PutEffects(ctx context.Context, xs ...*crm.Effect) ([]bool, error) {
	out, err := t.Tx.PutEffects(ctx, xs...)
	for i := range out {
		out[i] = true
	}
	return out, err
}

type localTimes struct{ crm.Tx }

func (t localTimes) Facts(ctx context.Context, refs ...crm.FactRef) ([]*crm.Fact, error) {
	fs, err := t.Tx.Facts(ctx, refs...)
	for _, f := range fs {
		if f != nil {
			f.At = f.At.In(time.FixedZone("", 3*3600))
		}
	}
	return fs, err
}

type anyVersion struct{ crm.Tx }

func (t anyVersion) PutAddresses(ctx context.Context, states ...*crm.AddressState) error {
	for _, s := range states {
		old, err := t.Addresses(ctx, s.Address)
		if err != nil {
			return err
		}
		s.Version = old[0].Version + 1
	}
	return t.Tx.PutAddresses(ctx, states...)
}

type notMeMoves struct{ crm.Tx }

func (t notMeMoves) AppendLinks(ctx context.Context, links ...*crm.Link) error {
	for _, l := range links {
		if l.Kind == crm.LinkNotMe {
			l.Kind = crm.LinkManual
		}
	}
	return t.Tx.AppendLinks(ctx, links...)
}

type halfCall struct{ crm.Tx }

func (t halfCall) PutProfiles(ctx context.Context, ps ...*crm.Profile) error {
	for _, p := range ps {
		if err := t.Tx.PutProfiles(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

type unguarded struct{ crm.Tx }

func (t unguarded) Reserve(ctx context.Context, takes ...crm.Take) ([]crm.ReservationState, error) {
	keys := make([]crm.CounterKey, len(takes))
	for i := range takes {
		keys[i] = takes[i].Counter
	}
	found, err := t.Counters(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, c := range found {
		if c == nil {
			continue
		}
		more := *c
		more.Limit++
		if err := t.SetLimits(ctx, more); err != nil {
			return nil, err
		}
		defer func() { _ = t.SetLimits(ctx, *c) }()
	}
	return t.Tx.Reserve(ctx, takes...)
}
