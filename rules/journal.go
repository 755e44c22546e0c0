package rules

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Journal is the storage that delayed actions need: effects, nothing else. A
// crm.Tx plays this role; MemoryJournal is for use without a record. The suite
// in rules/journaltest holds what an implementation must do.
type Journal interface {
	crm.EffectReader
	crm.EffectWriter
}

// Intent is what is planned for one customer.
type Intent struct {
	// Members are all profiles (and addresses) of the customer. What a rule has
	// done to one of them counts as done to the customer, so that once holds
	// after a merge and after a split.
	Members []crm.Subject
	Effects []*crm.Effect
}

// Record stores the planned effects that the journal does not have yet and returns
// them. The journal has an effect if it has its id, or one of the same cause,
// occurrence and fact on any of the customer's members: what a rule did to one
// profile of a person is not done to another.
//
// Call it with a Tx, in the transaction in which the facts were read, or two
// processes may plan the same. Its error is the journal's.
//
// Of a rule with Rearm at most one effect of a customer waits: a later one cancels
// those that are due earlier.
func Record(ctx context.Context, j Journal, intents ...Intent) ([]*crm.Effect, error) {
	var subjects []crm.Subject
	for _, in := range intents {
		if len(in.Effects) > 0 {
			subjects = append(subjects, in.Members...)
		}
	}
	slices.SortFunc(subjects, crm.Subject.Compare)
	subjects = slices.Compact(subjects)
	type mark struct {
		cause, occurrence string
		about             crm.FactKey
	}
	markOf := func(e *crm.Effect) mark { return mark{e.Cause, e.Occurrence, e.About} }
	done := map[crm.Subject]map[mark]bool{}
	waiting := map[crm.Subject][]*crm.Effect{}
	if len(subjects) > 0 {
		old, err := j.EffectsOf(ctx, subjects...)
		if err != nil {
			return nil, fmt.Errorf("rules: record: %w", err)
		}
		for _, e := range old {
			if done[e.Subject] == nil {
				done[e.Subject] = map[mark]bool{}
			}
			done[e.Subject][markOf(e)] = true
			if e.State == crm.Planned {
				waiting[e.Subject] = append(waiting[e.Subject], e)
			}
		}
	}
	var news, replaced []*crm.Effect
	for _, in := range intents {
		planned := map[mark]bool{}
		first := len(news)
		for _, e := range in.Effects {
			k := markOf(e)
			seen := planned[k] || slices.ContainsFunc(in.Members, func(s crm.Subject) bool { return done[s][k] })
			if !seen {
				planned[k] = true
				news = append(news, e)
			}
		}
		replaced = append(replaced, rearm(in.Members, news[first:], waiting)...)
	}
	if len(replaced) > 0 {
		if err := j.UpdateEffects(ctx, replaced...); err != nil {
			return nil, fmt.Errorf("rules: record: %w", err)
		}
	}
	if len(news) == 0 {
		return nil, nil
	}
	created, err := j.PutEffects(ctx, news...)
	if err != nil {
		return nil, fmt.Errorf("rules: record: %w", err)
	}
	kept := news[:0]
	for i, e := range news {
		if created[i] {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// MemoryJournal is a Journal in memory, for tests, dry runs and hosts without a
// record. Use NewMemoryJournal. It may be used from many goroutines; each call
// is atomic, and Update makes several so.
type MemoryJournal struct {
	mu        sync.Mutex
	effects   map[crm.EffectID]*crm.Effect
	bySubject map[crm.Subject][]crm.EffectID
	waiting   map[crm.EffectID]*crm.Effect // whose state is not final
}

// NewMemoryJournal returns an empty journal.
func NewMemoryJournal() *MemoryJournal {
	return &MemoryJournal{
		effects:   map[crm.EffectID]*crm.Effect{},
		bySubject: map[crm.Subject][]crm.EffectID{},
		waiting:   map[crm.EffectID]*crm.Effect{},
	}
}

// Update runs fn in a transaction: if fn returns an error or panics, nothing
// that it wrote is kept. fn must use the journal that it is given.
func (j *MemoryJournal) Update(ctx context.Context, fn func(Journal) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	tx := &memoryTx{j: j}
	committed := false
	defer func() {
		if !committed {
			tx.rollback()
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	committed = true
	return nil
}

// Effects implements Journal.
func (j *MemoryJournal) Effects(ctx context.Context, ids ...crm.EffectID) (out []*crm.Effect, err error) {
	err = j.Update(ctx, func(tx Journal) error { out, err = tx.Effects(ctx, ids...); return err })
	return out, err
}

// EffectsOf implements Journal.
func (j *MemoryJournal) EffectsOf(ctx context.Context, subjects ...crm.Subject) (out []*crm.Effect, err error) {
	err = j.Update(ctx, func(tx Journal) error { out, err = tx.EffectsOf(ctx, subjects...); return err })
	return out, err
}

// DueEffects implements Journal.
func (j *MemoryJournal) DueEffects(ctx context.Context, q crm.DueQuery) (out []*crm.Effect, err error) {
	err = j.Update(ctx, func(tx Journal) error { out, err = tx.DueEffects(ctx, q); return err })
	return out, err
}

// ScanEffects implements Journal.
func (j *MemoryJournal) ScanEffects(ctx context.Context, parts crm.PartRange, after crm.EffectID, limit int) (out []*crm.Effect, err error) {
	err = j.Update(ctx, func(tx Journal) error { out, err = tx.ScanEffects(ctx, parts, after, limit); return err })
	return out, err
}

// PutEffects implements Journal.
func (j *MemoryJournal) PutEffects(ctx context.Context, effects ...*crm.Effect) (created []bool, err error) {
	err = j.Update(ctx, func(tx Journal) error { created, err = tx.PutEffects(ctx, effects...); return err })
	return created, err
}

// UpdateEffects implements Journal.
func (j *MemoryJournal) UpdateEffects(ctx context.Context, effects ...*crm.Effect) error {
	return j.Update(ctx, func(tx Journal) error { return tx.UpdateEffects(ctx, effects...) })
}

// memoryTx is the journal while its lock is held, with what it takes to undo.
type memoryTx struct {
	j    *MemoryJournal
	undo []undo
}

type undo struct {
	id  crm.EffectID
	old *crm.Effect // nil: it was not there
}

func (tx *memoryTx) rollback() {
	for _, u := range slices.Backward(tx.undo) {
		tx.j.set(u.id, u.old)
	}
}

// set stores an effect, or removes it if e is nil.
func (j *MemoryJournal) set(id crm.EffectID, e *crm.Effect) {
	old := j.effects[id]
	delete(j.waiting, id)
	if e == nil {
		if old != nil {
			j.bySubject[old.Subject] = slices.DeleteFunc(j.bySubject[old.Subject], func(x crm.EffectID) bool { return x == id })
		}
		delete(j.effects, id)
		return
	}
	if old == nil {
		ids := j.bySubject[e.Subject]
		i, _ := slices.BinarySearch(ids, id)
		j.bySubject[e.Subject] = slices.Insert(ids, i, id)
	}
	j.effects[id] = e
	if !e.State.Final() {
		j.waiting[id] = e
	}
}

func (tx *memoryTx) write(e *crm.Effect) {
	tx.undo = append(tx.undo, undo{e.ID, tx.j.effects[e.ID]})
	tx.j.set(e.ID, e)
}

func (tx *memoryTx) Effects(ctx context.Context, ids ...crm.EffectID) ([]*crm.Effect, error) {
	out := make([]*crm.Effect, len(ids))
	for i, id := range ids {
		if e := tx.j.effects[id]; e != nil {
			out[i] = e.Clone()
		}
	}
	return out, ctx.Err()
}

func (tx *memoryTx) EffectsOf(ctx context.Context, subjects ...crm.Subject) ([]*crm.Effect, error) {
	sorted := slices.Clone(subjects)
	slices.SortFunc(sorted, crm.Subject.Compare)
	var out []*crm.Effect
	for _, s := range slices.Compact(sorted) {
		for _, id := range tx.j.bySubject[s] {
			out = append(out, tx.j.effects[id].Clone())
		}
	}
	return out, ctx.Err()
}

const defaultPage = 1000

func (tx *memoryTx) DueEffects(ctx context.Context, q crm.DueQuery) ([]*crm.Effect, error) {
	var due []*crm.Effect
	for _, e := range tx.j.waiting {
		when := e.Due
		if e.State != crm.Planned {
			when = e.Lease
		}
		if e.State == q.State && when.Before(q.Before) && q.Parts.Contains(e.ID.Part()) &&
			(len(q.Kinds) == 0 || slices.Contains(q.Kinds, e.Kind)) {
			due = append(due, e)
		}
	}
	slices.SortFunc(due, func(a, b *crm.Effect) int {
		return cmp.Or(cmp.Compare(a.ID.Part(), b.ID.Part()), a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	})
	return page(due, q.Limit), ctx.Err()
}

func (tx *memoryTx) ScanEffects(ctx context.Context, parts crm.PartRange, after crm.EffectID, limit int) ([]*crm.Effect, error) {
	var all []*crm.Effect
	for id, e := range tx.j.effects {
		if id > after && parts.Contains(id.Part()) {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b *crm.Effect) int { return cmp.Compare(a.ID, b.ID) })
	return page(all, limit), ctx.Err()
}

// page returns copies of the first limit effects.
func page(effects []*crm.Effect, limit int) []*crm.Effect {
	if limit <= 0 {
		limit = defaultPage
	}
	out := make([]*crm.Effect, min(limit, len(effects)))
	for i := range out {
		out[i] = effects[i].Clone()
	}
	return out
}

func (tx *memoryTx) PutEffects(ctx context.Context, effects ...*crm.Effect) ([]bool, error) {
	if err := validEffects("put effects", effects); err != nil {
		return nil, err
	}
	created := make([]bool, len(effects))
	for i, e := range effects {
		if tx.j.effects[e.ID] != nil {
			continue
		}
		created[i] = true
		e.Rev = 1
		tx.write(atMicros(e))
	}
	return created, ctx.Err()
}

func (tx *memoryTx) UpdateEffects(ctx context.Context, effects ...*crm.Effect) error {
	if err := validEffects("update effects", effects); err != nil {
		return err
	}
	for _, e := range effects {
		old := tx.j.effects[e.ID]
		if old == nil || old.Rev != e.Rev {
			return &crm.Error{Op: "update effects", Entity: "effect", ID: string(e.ID), Kind: crm.ErrConflict}
		}
	}
	for _, e := range effects {
		e.Rev++
		tx.write(atMicros(e))
	}
	return ctx.Err()
}

func validEffects(op string, effects []*crm.Effect) error {
	for _, e := range effects {
		if err := e.Validate(); err != nil {
			return &crm.Error{Op: op, Entity: "effect", ID: string(e.ID), Kind: crm.ErrInvalid, Err: err}
		}
	}
	return nil
}

// atMicros returns a copy with times as every store keeps them.
func atMicros(e *crm.Effect) *crm.Effect {
	c := e.Clone()
	c.Data = slices.Clone(e.Data)
	for _, t := range []*time.Time{&c.Due, &c.Created, &c.Changed, &c.SentAt, &c.Lease} {
		if !t.IsZero() {
			*t = crm.Micros(*t)
		}
	}
	return c
}
