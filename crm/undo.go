package crm

import (
	"context"
	"fmt"
	"slices"
)

// PartialUndoError says that decisions were to be taken back of which others, that
// the same operation took, were not given.
type PartialUndoError struct {
	Op       string // see Link.Op
	Given    int    // different decisions of it that were given
	Complete int    // how many the operation took
}

func (e *PartialUndoError) Error() string {
	return fmt.Sprintf("%d of the %d decisions of operation %q are given", e.Given, e.Complete, e.Op)
}

// Undo takes operations back: each profile that moved returns to where it was
// before, by further decisions, which are returned. Give all decisions of an
// operation, as Merge, Split, Regroup and Undo returned them; of several
// operations the one given last is taken back first. It fails with ErrInvalid,
// and changes nothing, if a decision is not in the record as given or places
// nothing, or if none or no actor is given; in a *PartialUndoError if only a part of an
// operation is given.
//
// An operation that was taken back already stays as it is and adds nothing to what
// is returned: a call may be repeated when its answer was lost, and those whom
// a person has merged again since are not parted. To have an operation again, take
// back the decisions that took it back.
//
// To take a merge back is to say that those who return are not the others: the
// pairs are remembered as after Split. To take KeepApart back says nothing of them.
func (s *Service) Undo(ctx context.Context, actor string, decisions ...Link) ([]Link, error) {
	if actor == "" {
		return nil, noActor("undo")
	}
	return s.decide(ctx, func(w *writer) ([]*Link, error) { return w.undo(actor, decisions) })
}

// returning is a profile that an operation moved.
type returning struct {
	key ProfileKey
	to  CustomerID // where it was before
}

// operation is one of those to be taken back.
type operation struct {
	op        string
	decisions []Link
	returns   []returning
	undone    bool // before
	keeps     bool // it moved nobody and keeps apart, or no longer does
}

func (w *writer) undo(actor string, decisions []Link) ([]*Link, error) {
	ops, err := complete(decisions)
	if err != nil {
		return nil, err
	}
	// The profile that an id was made for was with those who return to it: the
	// operation that took them away decided about it, too. So locking the customers
	// of those decided about locks whom they return to.
	var ask []ProfileKey
	for _, o := range ops {
		for _, d := range o.decisions {
			ask = append(ask, d.Profile)
		}
	}
	if _, err := w.lockCustomers(ask); err != nil {
		return nil, err
	}
	if err := w.before(ops); err != nil {
		return nil, err
	}
	var out []*Link
	for _, o := range slices.Backward(ops) {
		if o.undone {
			continue
		}
		if o.keeps {
			links, err := w.takeBack(actor, o)
			if err != nil {
				return nil, err
			}
			out = append(out, links...)
			continue
		}
		groups, err := w.returnGroups(actor, o)
		if err != nil {
			return nil, err
		}
		d := decided{one: true, named: map[ProfileKey]bool{}, undoes: map[ProfileKey]string{}}
		for _, l := range o.decisions {
			d.named[l.Profile] = true
		}
		for _, g := range groups {
			for _, k := range g.Profiles {
				d.undoes[k] = o.op
			}
		}
		links, err := w.regroup(groups, d)
		if err != nil {
			return nil, err
		}
		out = append(out, links...)
	}
	return out, nil
}

// complete sorts decisions by operation, in the order in which they were given,
// and refuses what is not a whole one.
func complete(decisions []Link) ([]*operation, error) {
	if len(decisions) == 0 {
		return nil, invalid("undo", "link", "", fieldError("decisions", "must not be empty"))
	}
	type id struct {
		k   ProfileKey
		seq int64
	}
	seen := map[id]bool{}
	byOp := map[string]*operation{}
	var ops []*operation
	for _, d := range decisions {
		if d.Op == "" || d.Kind == LinkNew || d.Kind == LinkNotMe {
			return nil, invalid("undo", "link", d.Profile.String(), fieldError("kind", "is of a decision that cannot be taken back"))
		}
		if seen[id{d.Profile, d.Seq}] {
			continue
		}
		seen[id{d.Profile, d.Seq}] = true
		o := byOp[d.Op]
		if o == nil {
			o = &operation{op: d.Op}
			byOp[d.Op] = o
			ops = append(ops, o)
		}
		o.decisions = append(o.decisions, d)
	}
	for _, o := range ops {
		if d := o.decisions[0]; len(o.decisions) != d.OpLen {
			return nil, invalid("undo", "link", d.Profile.String(), &PartialUndoError{o.op, len(o.decisions), d.OpLen})
		}
	}
	return ops, nil
}

// before finds out where the profiles were that the operations moved, and whether
// they are in force.
func (w *writer) before(ops []*operation) error {
	first := map[string]bool{} // those that are taken back first
	for _, o := range slices.Backward(ops) {
		keys := make([]ProfileKey, len(o.decisions))
		for i, d := range o.decisions {
			keys[i] = d.Profile
		}
		logs, err := w.tx.Links(w.ctx, keys...)
		if err != nil {
			return err
		}
		for i, d := range o.decisions {
			was, found := CustomerID(""), false
			for _, l := range logs[i] {
				switch {
				case l.Seq < d.Seq && l.Kind != LinkNotMe:
					was = l.Customer
				case l.Seq == d.Seq:
					found = l.Op == d.Op && l.OpLen == d.OpLen && l.Kind == d.Kind && l.Customer == d.Customer
				}
			}
			if !found || was == "" {
				return invalid("undo", "link", d.Profile.String(), fieldError("seq", "is of no such decision in the record"))
			}
			o.keeps = keeps(logs[i], d)
			o.undone = o.undone || undone(logs[i], o.op, first)
			if was != d.Customer {
				o.returns = append(o.returns, returning{d.Profile, was})
			}
		}
		first[o.op] = !o.undone
	}
	return nil
}

// undone reports whether an operation was taken back, as the log of a profile that
// it decided about tells, by one that was not taken back itself and will not be
// first.
func undone(log []Link, op string, first map[string]bool) bool {
	for i, l := range log {
		if l.Undoes == op && !first[l.Op] && !undone(log[i+1:], l.Op, first) {
			return true
		}
	}
	return false
}

// returnGroups returns who will be one customer: those who return to one id, with
// those who are where that id means now.
func (w *writer) returnGroups(actor string, o *operation) ([]Grouping, error) {
	back := map[CustomerID][]ProfileKey{}
	undone := map[ProfileKey]bool{}
	for _, x := range o.returns {
		back[x.to] = append(back[x.to], x.key)
		undone[x.key] = true
	}
	ids := make([]CustomerID, 0, len(back))
	for id := range back {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	homes, err := w.tx.Homes(w.ctx, ids...)
	if err != nil {
		return nil, err
	}
	now, err := w.tx.CustomersOf(w.ctx, homes...)
	if err != nil {
		return nil, err
	}
	var joined []CustomerID // each once: a merger of many is undone into one
	for i := range ids {
		if !undone[homes[i]] {
			joined = append(joined, now[i])
		}
	}
	slices.Sort(joined)
	joined = slices.Compact(joined)
	members, err := w.tx.Members(w.ctx, joined...)
	if err != nil {
		return nil, err
	}
	group := func(keys []ProfileKey) Grouping {
		return Grouping{Profiles: keys, Kind: LinkUndo, Actor: actor, Evidence: Evidence{Note: "undone"}}
	}
	var groups []Grouping
	grouped := map[ProfileKey]bool{}
	at := map[CustomerID]int{} // groups of those who are joined at one customer
	for i, id := range ids {
		keys := back[id]
		if !undone[homes[i]] { // who is there stays there
			if n, ok := at[now[i]]; ok {
				groups[n].Profiles = append(groups[n].Profiles, keys...)
				continue
			}
			at[now[i]] = len(groups)
			n, _ := slices.BinarySearch(joined, now[i])
			for _, k := range members[n] {
				if !undone[k] {
					keys = append(keys, k)
				}
			}
		}
		groups = append(groups, group(keys))
	}
	for _, g := range groups {
		for _, k := range g.Profiles {
			grouped[k] = true
		}
	}
	// Those about whom the operation decided that they stay, stay where they are;
	// that it is taken back is noted at them as well.
	for _, d := range o.decisions {
		if !grouped[d.Profile] {
			stay, err := w.stays(d.Profile, grouped)
			if err != nil {
				return nil, err
			}
			groups = append(groups, group(stay))
		}
	}
	return groups, nil
}

// stays returns the profile and those that share its customer with it and is in no
// group, and puts them into grouped.
func (w *writer) stays(k ProfileKey, grouped map[ProfileKey]bool) ([]ProfileKey, error) {
	at, err := w.tx.CustomersOf(w.ctx, k)
	if err != nil {
		return nil, err
	}
	members, err := w.tx.Members(w.ctx, at...)
	if err != nil {
		return nil, err
	}
	var out []ProfileKey
	for _, m := range members[0] {
		if !grouped[m] {
			grouped[m] = true
			out = append(out, m)
		}
	}
	return out, nil
}
