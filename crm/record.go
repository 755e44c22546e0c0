package crm

import (
	"math"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/internal/fold"
)

// valid returns copies of the facts that can be accepted, in the form that
// stores keep, and reports the others. Without a version they still have none.
func (w *writer) valid(delivered []*Fact) []*Fact {
	out := make([]*Fact, 0, len(delivered))
	copies := make([]Fact, len(delivered))
	for i, f := range delivered {
		if f == nil {
			w.reject("fact", "", invalid("record", "fact", "", fieldError("fact", "is nil")))
			continue
		}
		err := w.s.kinds.Validate(f)
		k := w.s.kinds.Of(f.Key.Kind)
		if err == nil && k != nil && k.kernel {
			err = fieldError("kind", "is written by the kernel alone")
		}
		subject := f.Subject
		if err == nil && !subject.Address.IsZero() {
			subject.Address, err = w.s.normal(subject.Address)
		}
		if err != nil {
			w.reject(string(f.Key.Kind), f.Key.String(), invalid("record", string(f.Key.Kind), f.Key.String(), err))
			continue
		}
		c := &copies[i]
		*c = *f
		c.Subject = subject
		c.At, c.Recorded, c.Data = Micros(f.At), w.now, w.s.kinds.storable(f.Key.Kind, f.Data)
		out = append(out, c)
	}
	return out
}

// facts writes the valid facts of a chunk and moves the holds that follow from
// them. What they concern of addresses is locked in one call.
func (w *writer) facts(valid []*Fact) error {
	plain := make([]*Fact, 0, len(valid))
	var about, compared []*Fact
	for _, f := range valid {
		k := w.s.kinds.Of(f.Key.Kind)
		switch {
		case k != nil && k.ledger:
			about = append(about, unguarded(f))
		case !f.Subject.Address.IsZero() && w.policy != ConflictByContent && !w.s.kinds.unique(f.Key.Kind):
			compared = append(compared, f)
		default:
			plain = append(plain, f)
		}
	}
	plain, err := w.once(plain)
	if err != nil {
		return err
	}
	if compared, err = w.once(compared); err != nil {
		return err
	}
	if about, err = w.once(about); err != nil {
		return err
	}
	if err := w.plainFacts(plain); err != nil {
		return err
	}
	moves, err := w.planHolds()
	if err != nil {
		return err
	}
	if err := w.lockSubjects(moves.addrs, about, compared); err != nil {
		return err
	}
	if err := w.plainFacts(compared); err != nil {
		return err
	}
	if err := w.addressFacts(about); err != nil {
		return err
	}
	return w.moveHolds(moves)
}

// lockSubjects locks addresses and those that facts are about, in one call.
func (w *writer) lockSubjects(addrs []Address, about ...[]*Fact) error {
	addrs = slices.Clone(addrs)
	for _, facts := range about {
		for _, f := range facts {
			addrs = append(addrs, f.Subject.Address)
		}
	}
	if len(addrs) == 0 {
		return nil
	}
	slices.SortFunc(addrs, Address.Compare)
	_, err := w.lock(slices.Compact(addrs))
	return err
}

// once sorts facts and keeps of each the delivery that counts among them.
func (w *writer) once(facts []*Fact) ([]*Fact, error) {
	slices.SortStableFunc(facts, func(a, b *Fact) int { return a.Ref().compareText(b.Ref()) })
	out := facts[:0]
	for _, f := range facts {
		if n := len(out); n > 0 && out[n-1].Ref() == f.Ref() {
			won, err := w.pick(out[n-1], f, false)
			if err != nil {
				return nil, err
			}
			out[n-1] = won
			continue
		}
		out = append(out, f)
	}
	return out, nil
}

// clockVersion is the version of what is delivered without one.
func clockVersion(f *Fact) int64 { return max(f.Recorded.UnixMicro(), 1) }

// pick returns the one of two versions of a fact that counts, and notes in the
// report what that means for f, which came later; stored says that have is in
// the record. Where f has no version it gets one that is newer than have's,
// unless it says the same.
func (w *writer) pick(have, f *Fact, stored bool) (*Fact, error) {
	dh, err := EncodeFactData(have.Data)
	if err != nil {
		return nil, err
	}
	df, err := EncodeFactData(f.Data)
	if err != nil {
		return nil, err
	}
	hh, hf := FactHash(have, dh), FactHash(f, df)
	same := hh == hf && have.Subject == f.Subject
	if f.Version == 0 {
		switch {
		case same:
			w.rep.Repeated++
			return have, nil
		case have.Version == 0: // neither has one: they came in this order
			w.rep.Repeated++
			return f, nil
		}
		f.Version = clockVersion(f)
		if have.Version >= f.Version && have.Version < math.MaxInt64 { // above MaxVersion after many of them
			f.Version = have.Version + 1
		}
		if w.newest == nil {
			w.newest = map[*Fact]bool{}
		}
		w.newest[f] = true
		if !stored {
			w.rep.Repeated++ // of the two one counts
		}
		return f, nil
	}
	if have.Version == 0 {
		have.Version = clockVersion(have)
	}
	switch {
	case have.Version > f.Version:
		w.rep.Repeated++
		if stored {
			w.rep.Older++
		}
		return have, nil
	case have.Version < f.Version:
		if !stored {
			w.rep.Repeated++
		}
		return f, nil
	case same:
		w.rep.Repeated++
		return have, nil
	}
	won := hf > hh || (hf == hh && f.Subject.Compare(have.Subject) > 0)
	if w.conflict(string(f.Key.Kind), f.Key.String(), f.Version, won) {
		return f, nil
	}
	return have, nil
}

// put writes facts and says which were written. Those without a version become
// the newest one.
func (w *writer) put(facts []*Fact) ([]bool, error) {
	var given, newest []*Fact
	for _, f := range facts {
		if f.Version != 0 && !w.newest[f] {
			given = append(given, f)
		} else {
			newest = append(newest, f)
		}
	}
	if len(newest) == 0 {
		given = facts
	}
	puts, err := w.tx.PutFacts(w.ctx, given...)
	if err != nil {
		return nil, err
	}
	for i, p := range puts {
		switch p {
		case PutOlder:
			w.rep.Older++
			w.rep.Repeated++
		case PutSame:
			w.rep.Repeated++
		case PutWon, PutLost:
			f := given[i]
			w.rep.Conflicting = append(w.rep.Conflicting, Conflict{string(f.Key.Kind), f.Key.String(), f.Version, p == PutWon})
		}
	}
	changed := make([]bool, len(facts))
	if len(newest) == 0 {
		for i, p := range puts {
			changed[i] = p.Changed()
		}
		return changed, nil
	}
	for _, f := range newest {
		f.Version = max(f.Version, clockVersion(f))
	}
	more, err := w.tx.PutNewest(w.ctx, newest...)
	if err != nil {
		return nil, err
	}
	was := make(map[*Fact]bool, len(facts))
	for i, f := range given {
		was[f] = puts[i].Changed()
	}
	for i, f := range newest {
		if was[f] = more[i].Changed(); !was[f] {
			w.rep.Repeated++
		}
	}
	for i, f := range facts {
		changed[i] = was[f]
	}
	return changed, nil
}

// plainFacts writes facts that are sorted by their text, each once.
func (w *writer) plainFacts(facts []*Fact) error {
	if len(facts) == 0 {
		return nil
	}
	if err := w.keepDesk(facts); err != nil {
		return err
	}
	facts, err := w.follow(facts)
	if err != nil {
		return err
	}
	if facts, err = w.settle(facts); err != nil {
		return err
	}
	if err := w.attach(); err != nil {
		return err
	}
	before, err := w.indexed(facts)
	if err != nil {
		return err
	}
	changed, err := w.put(facts)
	if err != nil {
		return err
	}
	refs := make([]Ref, 0, 3*len(facts))
	var gone []Ref
	var tickets []ProfileKey
	written := make([]*Fact, 0, len(facts))
	for i, f := range facts {
		if !changed[i] {
			continue
		}
		w.rep.Facts++
		written = append(written, f)
		if len(w.missing) > 0 && w.missing[f.Subject.recordKey()] {
			w.rep.Waiting++
			refs = append(refs, waitingRef(f))
		}
		if t, ok := f.Data.(*Ticket); ok {
			if !t.Unsolved() {
				w.lapsed = append(w.lapsed, f.Ref())
			}
			tickets = append(tickets, f.Subject.Profile)
		}
	}
	names, err := w.names(w.s.kinds.named(written...))
	if err != nil {
		return err
	}
	for _, f := range written {
		n := len(refs)
		refs = w.s.kinds.index(refs, f, names)
		for _, ref := range before[f.Key] {
			if !slices.Contains(refs[n:], ref) {
				gone = append(gone, ref)
			}
		}
	}
	if len(gone) > 0 {
		if err := w.tx.DeleteRefs(w.ctx, gone...); err != nil {
			return err
		}
	}
	if err := w.tx.PutRefs(w.ctx, refs...); err != nil {
		return err
	}
	return w.touch(tickets)
}

// indexed returns the entries of the stored versions of facts, which a newer one may
// not have. Names are not among them: people keep using an old one. What hung on
// another subject is gone already, see follow.
func (w *writer) indexed(facts []*Fact) (map[FactKey][]Ref, error) {
	if len(w.anchors) == 0 {
		return nil, nil
	}
	var refs []FactRef
	for _, f := range facts {
		if k := w.s.kinds.Of(f.Key.Kind); k != nil && k.Index != nil && w.anchors[f.Key] == f.Subject {
			refs = append(refs, f.Ref())
		}
	}
	if len(refs) == 0 {
		return nil, nil
	}
	olds, err := w.tx.Facts(w.ctx, refs...)
	if err != nil {
		return nil, err
	}
	out := make(map[FactKey][]Ref, len(olds))
	for _, old := range olds {
		if old != nil {
			target := RefKey(old.Key.String())
			w.s.kinds.Of(old.Key.Kind).Index(old, func(kind RefKind, key string, order int64) {
				out[old.Key] = append(out[old.Key], Ref{kind, key, old.Subject, target, order})
			})
		}
	}
	return out, nil
}

// touch marks the customers of profiles for settleHolds.
func (w *writer) touch(keys []ProfileKey) error {
	if len(keys) == 0 {
		return nil
	}
	profiles, err := w.tx.Profiles(w.ctx, keys...)
	if err != nil {
		return err
	}
	for _, p := range profiles {
		if p != nil {
			w.touched[p.Customer] = true
		}
	}
	return nil
}

// anchor picks of each fact that exists once in the world the version that counts
// among those delivered, keeps others from moving it, and notes where it hung
// before. The other facts pass.
func (w *writer) anchor(facts []*Fact) ([]*Fact, error) {
	best := make(map[FactKey]*Fact)
	var keys []FactKey
	for _, f := range facts {
		if !w.s.kinds.unique(f.Key.Kind) {
			continue
		}
		have := best[f.Key]
		if have == nil {
			best[f.Key] = f
			keys = append(keys, f.Key)
			continue
		}
		won, err := w.pick(have, f, false)
		if err != nil {
			return nil, err
		}
		best[f.Key] = won
	}
	keys = recordsOf(keys, facts, best)
	if len(keys) == 0 {
		return facts, nil
	}
	found, err := w.tx.LockAnchors(w.ctx, keys...)
	if err != nil {
		return nil, err
	}
	made := make([]FactRef, 0, len(keys))
	w.anchors = map[FactKey]Subject{}
	for i, k := range keys {
		f, at := best[k], found[i]
		switch waited := at.Record != "" && at == OfRecord(k); {
		case f != nil && (waited || at == Subject{}):
			made = append(made, FactRef{f.Subject, k})
			if waited {
				w.arrived = append(w.arrived, k)
			}
		case f != nil:
			w.anchors[k] = at
		case waited || at == Subject{}:
			w.miss(k)
			if !waited {
				made = append(made, FactRef{OfRecord(k), k})
			}
		}
	}
	out := make([]*Fact, 0, len(facts))
	for _, f := range facts {
		if w.s.kinds.unique(f.Key.Kind) {
			if best[f.Key] != f {
				continue
			}
			delete(best, f.Key) // the same fact may be given twice
		}
		out = append(out, f)
	}
	return out, w.tx.PutAnchors(w.ctx, made...)
}

// follow takes care of facts that hung on another subject in an earlier
// version: the newest version decides where the fact hangs.
func (w *writer) follow(facts []*Fact) ([]*Fact, error) {
	var was []FactRef
	var moved []*Fact
	for _, f := range facts {
		if at, ok := w.anchors[f.Key]; ok && w.s.kinds.unique(f.Key.Kind) && at != f.Subject {
			was, moved = append(was, FactRef{at, f.Key}), append(moved, f)
		}
	}
	if len(moved) == 0 {
		return facts, nil
	}
	olds, err := w.tx.Facts(w.ctx, was...)
	if err != nil {
		return nil, err
	}
	stays := map[*Fact]bool{}
	var anchors []FactRef
	for i, old := range olds {
		f := moved[i]
		if old != nil {
			won, err := w.pick(old, f, true)
			if err != nil {
				return nil, err
			}
			if won == old {
				stays[f] = true
				continue
			}
			if err := w.forget(old); err != nil {
				return nil, err
			}
		}
		anchors = append(anchors, f.Ref())
	}
	out := slices.DeleteFunc(facts, func(f *Fact) bool { return stays[f] })
	return out, w.tx.PutAnchors(w.ctx, anchors...)
}

// forget removes a fact and its index entries: a newer version hangs elsewhere.
func (w *writer) forget(f *Fact) error {
	if _, ok := f.Data.(*Ticket); ok {
		w.lapsed = append(w.lapsed, f.Ref())
		if err := w.touch([]ProfileKey{f.Subject.Profile}); err != nil {
			return err
		}
	}
	names, err := w.names(w.s.kinds.named(f))
	if err != nil {
		return err
	}
	refs := w.s.kinds.index(nil, f, names)
	if f.Subject.Record != "" {
		refs = append(refs, waitingRef(f)) // if it did
	}
	if err := w.tx.DeleteRefs(w.ctx, refs...); err != nil {
		return err
	}
	return w.tx.DeleteFacts(w.ctx, f.Ref())
}

func (w *writer) names(keys []ProfileKey) (map[ProfileKey]Name, error) {
	keys = slices.DeleteFunc(keys, ProfileKey.IsZero)
	slices.SortFunc(keys, ProfileKey.Compare)
	keys = slices.Compact(keys)
	out := make(map[ProfileKey]Name, len(keys))
	keys = slices.DeleteFunc(keys, func(k ProfileKey) bool {
		p := w.seen[k]
		if p != nil {
			out[k] = p.Name
		}
		return p != nil
	})
	if len(keys) == 0 {
		return out, nil
	}
	profiles, err := w.tx.Profiles(w.ctx, keys...)
	if err != nil {
		return nil, err
	}
	for i, p := range profiles {
		if p != nil {
			out[keys[i]] = p.Name
		}
	}
	return out, nil
}

// surnameKey is the folded surname: of "Ayşe GÜL-ŞAHİN" it is "gul sahin".
func surnameKey(n Name) string {
	s := n.Family
	if s == "" {
		if parts := strings.Fields(n.Full); len(parts) > 1 {
			s = parts[len(parts)-1]
		}
	}
	return fold.Key(s)
}

// partialKey is the last three digits of an order number and a folded surname,
// by which people look for an order that they have no number of.
func partialKey(number string, n Name) string {
	surname := surnameKey(n)
	if surname == "" {
		return ""
	}
	digits := make([]byte, 0, 3)
	for i := len(number) - 1; i >= 0 && len(digits) < 3; i-- {
		if c := number[i]; c >= '0' && c <= '9' {
			digits = append(digits, c)
		}
	}
	if len(digits) < 3 {
		return ""
	}
	slices.Reverse(digits)
	return RefKey(string(digits) + " " + surname)
}

// cleanText makes text from outside storable everywhere: valid UTF-8 without
// NUL.
func cleanText(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}
