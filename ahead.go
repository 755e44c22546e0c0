package vefa

import (
	"context"
	"slices"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// aheadKind is the kind of the states that keep, of a profile, the facts that rules
// have yet to be told of: the evening that met them in the change feed was of an
// earlier instant, because it was caught up, went on late, or they were recorded
// while it ran.
const aheadKind = "occasions-ahead"

// maxAhead bounds them for one profile: rules look at no more purchases.
const maxAhead = 5000

// ahead is a fact that is told of by an evening that it is not after.
type ahead struct {
	Fact crm.FactKey `json:"fact"`
	// Told is the instant, in microseconds, of the evening that told of it as it was
	// then; 0: none did.
	Told int64 `json:"told,omitempty"`
}

// span returns when rules first see a fact and when what they see of it last changes.
func span(f *crm.Fact) (first, last int64) {
	first = f.At.UnixMicro()
	last = first
	switch d := f.Data.(type) {
	case *crm.Order:
		if at, ok := d.DeliveredAt(f.At); ok {
			last = max(last, at.UnixMicro())
		}
	case *crm.Ticket:
		if at := d.Opened.UnixMicro(); !d.Opened.IsZero() {
			first, last = at, at
		}
		last = max(last, solvedAt(f, d))
	}
	return first, last
}

// solvedAt returns when a ticket was solved, 0 if it is not.
func solvedAt(f *crm.Fact, d *crm.Ticket) int64 {
	switch {
	case d.Unsolved():
		return 0
	case d.Solved.IsZero():
		return f.At.UnixMicro()
	}
	return d.Solved.UnixMicro()
}

// mayHear reports whether rules wait for what a fact is or becomes.
func (l *listener) mayHear(f *crm.Fact) bool {
	on := func(t rules.Trigger) bool { return l.hears[t] }
	switch d := f.Data.(type) {
	case *crm.Ticket:
		return on(eventOf("ticket_opened")) || on(eventOf("ticket_solved"))
	case *crm.TagChange:
		return on(rules.Trigger{Kind: rules.OnTagAdded, Tag: d.Tag}) || on(rules.Trigger{Kind: rules.OnTagRemoved, Tag: d.Tag})
	}
	return on(l.of(nil, nil, f))
}

// part parts what the change feed brought: it returns what rules are told of now
// and keeps what they are told of later. Nil facts are gone.
func (l *listener) part(ctx context.Context, tx crm.Tx, refs []crm.FactRef, facts []*crm.Fact) (now []*crm.Fact, err error) {
	kept, err := l.readKept(ctx, tx, refs)
	if err != nil {
		return nil, err
	}
	at := l.now.UnixMicro()
	for i, f := range facts {
		k := kept[refs[i].Subject]
		k.remove(refs[i].Key)
		if f == nil {
			continue
		}
		first, last := span(f)
		a := ahead{Fact: refs[i].Key}
		if first <= at {
			now = append(now, f)
			a.Told = at
		}
		if last > at && l.mayHear(f) {
			if len(k.list) >= maxAhead {
				l.e.cfg.Logger.Warn("vefa: rules will not be told of a fact: more than can be kept lie after the evening", "profile", refs[i].Subject.Profile, "fact", refs[i].Key)
				continue
			}
			k.add(a)
		}
	}
	return now, writeKept(ctx, tx, kept)
}

// kept are the facts of one profile that are told of later.
type kept struct {
	state   *crm.State // nil: none yet
	list    []ahead    // by key
	changed bool
}

func (k *kept) find(key crm.FactKey) (int, bool) {
	return slices.BinarySearchFunc(k.list, key, func(a ahead, key crm.FactKey) int { return a.Fact.Compare(key) })
}

func (k *kept) remove(key crm.FactKey) {
	if i, ok := k.find(key); ok {
		k.list, k.changed = slices.Delete(k.list, i, i+1), true
	}
}

func (k *kept) add(a ahead) {
	if i, ok := k.find(a.Fact); !ok {
		k.list, k.changed = slices.Insert(k.list, i, a), true
	}
}

// told notes that rules were told of what it was at an instant.
func (k *kept) told(key crm.FactKey, at int64) {
	if i, ok := k.find(key); ok {
		k.list[i].Told, k.changed = at, true
	}
}

func (l *listener) readKept(ctx context.Context, tx crm.Tx, refs []crm.FactRef) (map[crm.Subject]*kept, error) {
	out := map[crm.Subject]*kept{}
	var keys []crm.StateKey
	for _, r := range refs {
		if out[r.Subject] == nil {
			out[r.Subject] = &kept{}
			keys = append(keys, crm.StateKey{Kind: aheadKind, Subject: r.Subject})
		}
	}
	states, err := tx.States(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, s := range states {
		if s == nil {
			continue
		}
		k := out[s.Subject]
		if err := s.Decode(&k.list); err != nil {
			return nil, err
		}
		k.state = s
	}
	return out, nil
}

func writeKept(ctx context.Context, tx crm.Tx, all map[crm.Subject]*kept) error {
	var put []*crm.State
	var gone []crm.StateKey
	for who, k := range all {
		switch {
		case !k.changed:
		case len(k.list) > 0:
			s, err := crm.NewState(aheadKind, who, k.list)
			if err != nil {
				return err
			}
			if k.state != nil {
				s.Rev = k.state.Rev
			}
			put = append(put, s)
		case k.state != nil:
			gone = append(gone, k.state.StateKey)
		}
	}
	slices.SortFunc(put, func(a, b *crm.State) int { return a.Subject.Compare(b.Subject) })
	slices.SortFunc(gone, func(a, b crm.StateKey) int { return a.Subject.Compare(b.Subject) })
	if len(put) > 0 {
		if err := tx.PutStates(ctx, put...); err != nil {
			return err
		}
	}
	if len(gone) > 0 {
		return tx.DeleteStates(ctx, gone...)
	}
	return nil
}

// wasAhead tells of facts that lay after an earlier evening and not after this one, of
// the profiles after one, in the transaction that forgets them. It returns up to
// where it came; the zero Subject means that there are no more.
func (l *listener) wasAhead(ctx context.Context, after crm.Subject) (out Occurred, next crm.Subject, err error) {
	err = l.e.svc.Update(ctx, func(tx crm.Tx) error {
		out, next = Occurred{}, crm.Subject{}
		// The transaction that tells holds the cursor: two engines on one evening take turns.
		if _, err := tx.Cursor(ctx, occasionCursor); err != nil {
			return err
		}
		states, err := tx.ScanStates(ctx, crm.AllParts(), aheadKind, after, loadBatch)
		if err != nil || len(states) == 0 {
			return err
		}
		all := map[crm.Subject]*kept{}
		var refs []crm.FactRef
		var told []int64
		for _, s := range states {
			k := &kept{state: s}
			if err := s.Decode(&k.list); err != nil {
				return err
			}
			all[s.Subject], next = k, s.Subject
			for _, a := range k.list {
				refs, told = append(refs, crm.FactRef{Subject: s.Subject, Key: a.Fact}), append(told, a.Told)
			}
			if len(refs) >= loadBatch {
				break
			}
		}
		facts, err := tx.Facts(ctx, refs...)
		if err != nil {
			return err
		}
		at := l.now.UnixMicro()
		var now []*crm.Fact
		for i, f := range facts {
			k := all[refs[i].Subject]
			if f == nil {
				k.remove(refs[i].Key)
				continue
			}
			first, last := span(f)
			was := told[i]
			due := first > was && first <= at || last > was && last <= at
			if due {
				now = append(now, f)
			}
			if last <= at {
				k.remove(refs[i].Key)
			} else if due {
				k.told(refs[i].Key, at)
			}
		}
		if err := writeKept(ctx, tx, all); err != nil {
			return err
		}
		out, err = l.tell(ctx, tx, now)
		return err
	})
	return out, next, err
}
