package rules_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/rules"
)

// journal is a store in memory seen as a Journal: each call is a transaction.
type journal struct{ crm.Store }

func newJournal() journal { return journal{memstore.New()} }

func (j journal) Update(ctx context.Context, fn func(rules.Journal) error) error {
	return j.Store.Update(ctx, func(tx crm.Tx) error { return fn(tx) })
}

func (j journal) Effects(ctx context.Context, ids ...crm.EffectID) (out []*crm.Effect, err error) {
	err = j.Update(ctx, func(tx rules.Journal) error { out, err = tx.Effects(ctx, ids...); return err })
	return out, err
}

func (j journal) EffectsOf(ctx context.Context, subjects ...crm.Subject) (out []*crm.Effect, err error) {
	err = j.Update(ctx, func(tx rules.Journal) error { out, err = tx.EffectsOf(ctx, subjects...); return err })
	return out, err
}

func (j journal) DueEffects(ctx context.Context, q crm.DueQuery) (out []*crm.Effect, err error) {
	err = j.Update(ctx, func(tx rules.Journal) error { out, err = tx.DueEffects(ctx, q); return err })
	return out, err
}

func (j journal) ScanEffects(ctx context.Context, parts crm.PartRange, after crm.EffectID, limit int) (out []*crm.Effect, err error) {
	err = j.Update(ctx, func(tx rules.Journal) error { out, err = tx.ScanEffects(ctx, parts, after, limit); return err })
	return out, err
}

func (j journal) PutEffects(ctx context.Context, effects ...*crm.Effect) (created []bool, err error) {
	err = j.Update(ctx, func(tx rules.Journal) error { created, err = tx.PutEffects(ctx, effects...); return err })
	return created, err
}

func (j journal) UpdateEffects(ctx context.Context, effects ...*crm.Effect) error {
	return j.Update(ctx, func(tx rules.Journal) error { return tx.UpdateEffects(ctx, effects...) })
}

// TestJournal asks of a journal what Record, Cancel and a host rely on.
func TestJournal(t *testing.T) {
	var _ rules.Journal = crm.Tx(nil)
	open := func() update { return newJournal().Update }
	for _, c := range []struct {
		name string
		test func(*testing.T, update)
	}{
		{"PutIsIdempotent", putIsIdempotent},
		{"Rollback", rollsBack},
		{"UpdateChecksRev", updateChecksRev},
		{"DueInOrder", dueInOrder},
		{"EffectsOf", effectsOf},
		{"ScanPages", scanPages},
		{"RecordFollowsMembers", recordFollowsMembers},
		{"RefusesInvalid", refusesInvalid},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open()) })
	}
}

// update runs fn in a transaction that is rolled back if fn fails.
type update func(ctx context.Context, fn func(rules.Journal) error) error

var journalStart = time.Date(2025, 3, 1, 17, 0, 0, 123456000, time.UTC)

func profileNo(i int) crm.Subject {
	return crm.OfProfile(crm.ProfileKey{Source: "erp", ID: fmt.Sprint(i)})
}

func plannedEffect(subject crm.Subject, occurrence string, due time.Duration) *crm.Effect {
	e := &crm.Effect{
		Kind: crm.EffectMessage, Cause: rules.CausePrefix + "survey", Version: 3, Subject: subject, Occurrence: occurrence,
		About: crm.FactKey{Kind: crm.KindOrder, Source: "erp", ID: "o1"},
		Due:   journalStart.Add(due), State: crm.Planned, Created: journalStart, Changed: journalStart, Data: []byte(`{"action":"survey","name":"s","planned":"2025-03-01"}`),
	}
	e.ID = crmtest.EffectID(e.Cause, e.Subject, e.About, e.Occurrence)
	return e
}

func mustUpdate(t *testing.T, update update, fn func(context.Context, rules.Journal) error) {
	t.Helper()
	ctx := t.Context()
	if err := update(ctx, func(j rules.Journal) error { return fn(ctx, j) }); err != nil {
		t.Fatal(err)
	}
}

func putIsIdempotent(t *testing.T, update update) {
	a, b := plannedEffect(profileNo(1), "x", 0), plannedEffect(profileNo(2), "x", 0)
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
		created, err := j.PutEffects(ctx, a)
		if !slices.Equal(created, []bool{true}) {
			t.Errorf("first put: created %v", created)
		}
		return err
	})
	changed := plannedEffect(profileNo(1), "x", time.Hour)
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
		created, err := j.PutEffects(ctx, changed, b)
		if !slices.Equal(created, []bool{false, true}) {
			t.Errorf("second put: created %v", created)
		}
		return err
	})
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
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

func rollsBack(t *testing.T, update update) {
	e := plannedEffect(profileNo(1), "x", 0)
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
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
		got, err := j.EffectsOf(ctx, profileNo(1))
		if len(got) != 0 {
			t.Errorf("an effect of a failed transaction is there")
		}
		return err
	})
}

func updateChecksRev(t *testing.T, update update) {
	e := plannedEffect(profileNo(1), "x", 0)
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error { _, err := j.PutEffects(ctx, e); return err })
	var first, second *crm.Effect
	read := func(ctx context.Context, j rules.Journal) *crm.Effect {
		got, err := j.Effects(ctx, e.ID)
		if err != nil || got[0] == nil {
			t.Fatal(err)
		}
		return got[0].Clone()
	}
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
		first, second = read(ctx, j), read(ctx, j)
		return nil
	})
	first.State = crm.Cancelled
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error { return j.UpdateEffects(ctx, first) })
	second.State = crm.Done
	err := update(t.Context(), func(j rules.Journal) error { return j.UpdateEffects(t.Context(), second) })
	if !errors.Is(err, crm.ErrConflict) {
		t.Errorf("a stale revision gives %v", err)
	}
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
		if got := read(ctx, j); got.State != crm.Cancelled || got.Rev != first.Rev {
			t.Errorf("state is %s, revision %d", got.State, got.Rev)
		}
		return nil
	})
}

func dueInOrder(t *testing.T, update update) {
	var all []*crm.Effect
	for i := range 40 {
		all = append(all, plannedEffect(profileNo(i%7), fmt.Sprint("o", i), time.Duration(i%5)*24*time.Hour))
	}
	years := plannedEffect(profileNo(1), "years", 730*24*time.Hour)
	gone := plannedEffect(profileNo(1), "gone", 0)
	gone.State = crm.Cancelled
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
		_, err := j.PutEffects(ctx, append(slices.Clone(all), years, gone)...)
		return err
	})
	want := slices.DeleteFunc(slices.Clone(all), func(e *crm.Effect) bool { return !e.Due.Before(journalStart.Add(48 * time.Hour)) })
	slices.SortFunc(want, func(a, b *crm.Effect) int {
		if c := a.Due.Compare(b.Due); c != 0 {
			return c
		}
		if c := int(a.ID.Part()) - int(b.ID.Part()); c != 0 {
			return c
		}
		return int(slices.Compare([]byte(a.ID), []byte(b.ID)))
	})
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
		for _, limit := range []int{5, 1000} {
			got, err := j.DueEffects(ctx, crm.DueQuery{State: crm.Planned, Before: journalStart.Add(48 * time.Hour), Limit: limit})
			if err != nil {
				return err
			}
			if !slices.EqualFunc(got, want[:min(limit, len(want))], func(a, b *crm.Effect) bool { return a.ID == b.ID }) {
				t.Errorf("limit %d: %d effects are due, not in the order expected", limit, len(got))
			}
		}
		got, err := j.DueEffects(ctx, crm.DueQuery{State: crm.Planned, Kinds: []crm.EffectKind{crm.EffectTicket}, Before: journalStart.Add(1e6 * time.Hour)})
		if len(got) != 0 {
			t.Errorf("effects of another kind are due")
		}
		return err
	})
}

func effectsOf(t *testing.T, update update) {
	phone := crm.OfAddress(crm.Address{Channel: crm.Phone, Value: "+905321234567"})
	a, b, c := plannedEffect(profileNo(1), "a", 0), plannedEffect(phone, "b", 0), plannedEffect(profileNo(3), "c", 0)
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
		_, err := j.PutEffects(ctx, a, b, c)
		return err
	})
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
		got, err := j.EffectsOf(ctx, profileNo(1), phone, profileNo(9))
		if len(got) != 2 || got[0].ID != b.ID || got[1].ID != a.ID { // "a" sorts before "p"
			t.Errorf("effects are %v", got)
		}
		return err
	})
}

func scanPages(t *testing.T, update update) {
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
		for i := range 25 {
			if _, err := j.PutEffects(ctx, plannedEffect(profileNo(i), "x", 0)); err != nil {
				return err
			}
		}
		return nil
	})
	mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
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

func recordFollowsMembers(t *testing.T, update update) {
	a, b := profileNo(1), profileNo(2)
	first := plannedEffect(a, "survey:s", 0)
	merged := plannedEffect(b, "survey:s", 0) // the same for another profile of the same person
	other := plannedEffect(b, "survey:other", 0)
	record := func(in rules.Intent, want ...crm.EffectID) {
		t.Helper()
		mustUpdate(t, update, func(ctx context.Context, j rules.Journal) error {
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

func refusesInvalid(t *testing.T, update update) {
	e := plannedEffect(profileNo(1), "x", 0)
	e.ID = plannedEffect(profileNo(2), "x", 0).ID
	err := update(t.Context(), func(j rules.Journal) error { _, err := j.PutEffects(t.Context(), e); return err })
	if !errors.Is(err, crm.ErrInvalid) {
		t.Errorf("an effect of another part than its subject gives %v", err)
	}
}
