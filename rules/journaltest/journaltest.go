// Package journaltest holds what an implementation of rules.Journal must do.
//
//	func TestJournal(t *testing.T) {
//		journaltest.Run(t, func(t *testing.T) journaltest.Update {
//			store := open(t) // an empty one
//			return func(ctx context.Context, fn func(rules.Journal) error) error {
//				return store.Update(ctx, func(tx crm.Tx) error { return fn(tx) })
//			}
//		})
//	}
package journaltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/rules"
)

// Update runs fn in a transaction that is rolled back if fn fails.
type Update func(ctx context.Context, fn func(rules.Journal) error) error

// Run runs the suite; open gives an empty journal each time.
func Run(t *testing.T, open func(t *testing.T) Update) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Update)
	}{
		{"PutIsIdempotent", putIsIdempotent},
		{"Rollback", rollback},
		{"UpdateChecksRev", updateChecksRev},
		{"DueInOrder", dueInOrder},
		{"EffectsOf", effectsOf},
		{"ScanPages", scanPages},
		{"RecordFollowsMembers", recordFollowsMembers},
		{"RefusesInvalid", refusesInvalid},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

var start = time.Date(2025, 3, 1, 17, 0, 0, 123456000, time.UTC)

func profile(i int) crm.Subject {
	return crm.OfProfile(crm.ProfileKey{Source: "erp", ID: fmt.Sprint(i)})
}

func effect(subject crm.Subject, occurrence string, due time.Duration) *crm.Effect {
	e := &crm.Effect{
		Kind: crm.EffectMessage, Cause: rules.CausePrefix + "survey", Version: 3, Subject: subject, Occurrence: occurrence,
		About: crm.FactKey{Kind: crm.KindOrder, Source: "erp", ID: "o1"},
		Due:   start.Add(due), State: crm.Planned, Created: start, Changed: start, Data: []byte(`{"action":"survey","name":"s","planned":"2025-03-01"}`),
	}
	e.ID = crmtest.EffectID(e.Cause, e.Subject, e.About, e.Occurrence)
	return e
}

func must(t *testing.T, update Update, fn func(context.Context, rules.Journal) error) {
	t.Helper()
	ctx := t.Context()
	if err := update(ctx, func(j rules.Journal) error { return fn(ctx, j) }); err != nil {
		t.Fatal(err)
	}
}

func putIsIdempotent(t *testing.T, update Update) {
	a, b := effect(profile(1), "x", 0), effect(profile(2), "x", 0)
	must(t, update, func(ctx context.Context, j rules.Journal) error {
		created, err := j.PutEffects(ctx, a)
		if !slices.Equal(created, []bool{true}) {
			t.Errorf("first put: created %v", created)
		}
		return err
	})
	changed := effect(profile(1), "x", time.Hour)
	must(t, update, func(ctx context.Context, j rules.Journal) error {
		created, err := j.PutEffects(ctx, changed, b)
		if !slices.Equal(created, []bool{false, true}) {
			t.Errorf("second put: created %v", created)
		}
		return err
	})
	must(t, update, func(ctx context.Context, j rules.Journal) error {
		got, err := j.Effects(ctx, b.ID, "000"+b.ID[3:], a.ID)
		if err != nil {
			return err
		}
		if len(got) != 3 || got[1] != nil || got[0].ID != b.ID || !got[2].Due.Equal(a.Due) || got[2].Rev == 0 || string(got[2].Data) == "" {
			t.Errorf("effects are %v", got)
		}
		return nil
	})
}

func rollback(t *testing.T, update Update) {
	e := effect(profile(1), "x", 0)
	boom := errors.New("boom")
	err := update(t.Context(), func(j rules.Journal) error {
		if _, err := j.PutEffects(t.Context(), e); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("the error of the function is lost: %v", err)
	}
	must(t, update, func(ctx context.Context, j rules.Journal) error {
		got, err := j.EffectsOf(ctx, profile(1))
		if len(got) != 0 {
			t.Errorf("an effect of a failed transaction is there")
		}
		return err
	})
}

func updateChecksRev(t *testing.T, update Update) {
	e := effect(profile(1), "x", 0)
	must(t, update, func(ctx context.Context, j rules.Journal) error { _, err := j.PutEffects(ctx, e); return err })
	var first, second *crm.Effect
	read := func(ctx context.Context, j rules.Journal) *crm.Effect {
		got, err := j.Effects(ctx, e.ID)
		if err != nil || got[0] == nil {
			t.Fatal(err)
		}
		return got[0].Clone()
	}
	must(t, update, func(ctx context.Context, j rules.Journal) error {
		first, second = read(ctx, j), read(ctx, j)
		return nil
	})
	first.State = crm.Cancelled
	must(t, update, func(ctx context.Context, j rules.Journal) error { return j.UpdateEffects(ctx, first) })
	second.State = crm.Done
	err := update(t.Context(), func(j rules.Journal) error { return j.UpdateEffects(t.Context(), second) })
	if !errors.Is(err, crm.ErrConflict) {
		t.Errorf("a stale revision gives %v", err)
	}
	must(t, update, func(ctx context.Context, j rules.Journal) error {
		if got := read(ctx, j); got.State != crm.Cancelled || got.Rev != first.Rev {
			t.Errorf("state is %s, revision %d", got.State, got.Rev)
		}
		return nil
	})
}

func dueInOrder(t *testing.T, update Update) {
	var all []*crm.Effect
	for i := range 40 {
		all = append(all, effect(profile(i%7), fmt.Sprint("o", i), time.Duration(i%5)*24*time.Hour))
	}
	years := effect(profile(1), "years", 730*24*time.Hour)
	gone := effect(profile(1), "gone", 0)
	gone.State = crm.Cancelled
	must(t, update, func(ctx context.Context, j rules.Journal) error {
		_, err := j.PutEffects(ctx, append(slices.Clone(all), years, gone)...)
		return err
	})
	want := slices.DeleteFunc(slices.Clone(all), func(e *crm.Effect) bool { return !e.Due.Before(start.Add(48 * time.Hour)) })
	slices.SortFunc(want, func(a, b *crm.Effect) int {
		if c := int(a.ID.Part()) - int(b.ID.Part()); c != 0 {
			return c
		}
		if c := a.Due.Compare(b.Due); c != 0 {
			return c
		}
		return int(slices.Compare([]byte(a.ID), []byte(b.ID)))
	})
	must(t, update, func(ctx context.Context, j rules.Journal) error {
		for _, limit := range []int{5, 1000} {
			got, err := j.DueEffects(ctx, crm.DueQuery{State: crm.Planned, Before: start.Add(48 * time.Hour), Limit: limit})
			if err != nil {
				return err
			}
			if !slices.EqualFunc(got, want[:min(limit, len(want))], func(a, b *crm.Effect) bool { return a.ID == b.ID }) {
				t.Errorf("limit %d: %d effects are due, not in the order expected", limit, len(got))
			}
		}
		got, err := j.DueEffects(ctx, crm.DueQuery{State: crm.Planned, Kinds: []crm.EffectKind{crm.EffectTicket}, Before: start.Add(1e6 * time.Hour)})
		if len(got) != 0 {
			t.Errorf("effects of another kind are due")
		}
		return err
	})
}

func effectsOf(t *testing.T, update Update) {
	phone := crm.OfAddress(crm.Address{Channel: crm.Phone, Value: "+905321234567"})
	a, b, c := effect(profile(1), "a", 0), effect(phone, "b", 0), effect(profile(3), "c", 0)
	must(t, update, func(ctx context.Context, j rules.Journal) error {
		_, err := j.PutEffects(ctx, a, b, c)
		return err
	})
	must(t, update, func(ctx context.Context, j rules.Journal) error {
		got, err := j.EffectsOf(ctx, profile(1), phone, profile(9))
		if len(got) != 2 || got[0].ID != b.ID || got[1].ID != a.ID { // "a" sorts before "p"
			t.Errorf("effects are %v", got)
		}
		return err
	})
}

func scanPages(t *testing.T, update Update) {
	must(t, update, func(ctx context.Context, j rules.Journal) error {
		for i := range 25 {
			if _, err := j.PutEffects(ctx, effect(profile(i), "x", 0)); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, update, func(ctx context.Context, j rules.Journal) error {
		seen, after := 0, crm.EffectID("")
		for {
			got, err := j.ScanEffects(ctx, crm.PartRange{}, after, 7)
			if err != nil {
				return err
			}
			for _, e := range got {
				if e.ID <= after {
					t.Errorf("%s comes after %s", e.ID, after)
				}
				after = e.ID
			}
			if seen += len(got); len(got) == 0 {
				break
			}
		}
		if seen != 25 {
			t.Errorf("%d effects were scanned, not 25", seen)
		}
		return nil
	})
}

func recordFollowsMembers(t *testing.T, update Update) {
	a, b := profile(1), profile(2)
	first := effect(a, "survey:s", 0)
	merged := effect(b, "survey:s", 0) // the same for another profile of the same person
	other := effect(b, "survey:other", 0)
	record := func(in rules.Intent, want ...crm.EffectID) {
		t.Helper()
		must(t, update, func(ctx context.Context, j rules.Journal) error {
			got, err := rules.Record(ctx, j, in)
			var ids []crm.EffectID
			for _, e := range got {
				ids = append(ids, e.ID)
			}
			if !slices.Equal(ids, want) {
				t.Errorf("recorded %v, expected %v", ids, want)
			}
			return err
		})
	}
	record(rules.Intent{Members: []crm.Subject{a}, Effects: []*crm.Effect{first}}, first.ID)
	record(rules.Intent{Members: []crm.Subject{a, b}, Effects: []*crm.Effect{merged, other}}, other.ID)
	record(rules.Intent{Members: []crm.Subject{a, b}, Effects: []*crm.Effect{merged, other}})
	record(rules.Intent{Members: []crm.Subject{b}, Effects: []*crm.Effect{merged}}, merged.ID) // after a split it is another person
}

func refusesInvalid(t *testing.T, update Update) {
	e := effect(profile(1), "x", 0)
	e.ID = effect(profile(2), "x", 0).ID
	err := update(t.Context(), func(j rules.Journal) error { _, err := j.PutEffects(t.Context(), e); return err })
	if !errors.Is(err, crm.ErrInvalid) {
		t.Errorf("an effect of another part than its subject gives %v", err)
	}
}
