package crm

import (
	"cmp"
	"iter"
	"reflect"
	"slices"
)

// Batch is what a source delivers: profiles and facts in any order, repeated
// or not. Facts about an address, such as consents, stand among the facts.
type Batch struct {
	Profiles []*Profile
	Facts    []*Fact
}

// Len returns the number of records.
func (b Batch) Len() int { return len(b.Profiles) + len(b.Facts) }

// divide separates what chunks of other parts must have been written for: orders
// that are also found by their recipient's name, tickets, what hangs on records, and facts that the
// batch delivers for several subjects, of which the newest counts; and every
// delivery of what it delivers repeatedly and at least once without a version, or
// in any version if inOrder is set. Written last, in one order, they come out the
// same however the rest was written.
func (b Batch) divide(kinds *Kinds, inOrder bool) (first, last Batch) {
	at := map[FactKey]Subject{}
	several := map[FactKey]bool{}
	for _, f := range b.Facts {
		if f == nil || !kinds.unique(f.Key.Kind) {
			continue
		}
		if s, twice := at[f.Key]; twice && s != f.Subject {
			several[f.Key] = true
		}
		at[f.Key] = f.Subject
	}
	repeated := b.repeated(inOrder)
	first = Batch{slices.Grow([]*Profile(nil), len(b.Profiles)), make([]*Fact, 0, len(b.Facts))}
	for _, p := range b.Profiles {
		to := &first
		if p != nil && len(repeated) > 0 && repeated[p.ProfileKey] > 1 {
			to = &last
		}
		to.Profiles = append(to.Profiles, p)
	}
	for _, f := range b.Facts {
		to := &first
		if f != nil {
			if len(repeated) > 0 && repeated[f.Ref()] > 1 {
				to = &last
			}
			if f.Key.Kind == KindTicket || several[f.Key] || f.Subject.Record != "" || kinds.namesOther(f) {
				to = &last
			}
		}
		to.Facts = append(to.Facts, f)
	}
	return first, last
}

// namesOther reports whether a fact is found by the name of another profile than
// its own.
func (s *Kinds) namesOther(f *Fact) (other bool) {
	k := s.Of(f.Key.Kind)
	if k == nil || k.Names == nil || reflect.TypeOf(f.Data) != k.typ || reflect.ValueOf(f.Data).IsNil() { // not valid
		return false
	}
	k.Names(f, func(_ string, who ProfileKey) { other = other || who != f.Subject.Profile })
	return other
}

// repeated counts the deliveries by profile key and fact ref: of those that the
// batch delivers at least once without a version, or of all if every is set.
func (b Batch) repeated(every bool) map[any]int {
	var n map[any]int
	count := func(key any) {
		if n == nil {
			n = map[any]int{}
		}
		n[key]++
	}
	for _, p := range b.Profiles {
		if p != nil && (every || p.unversioned()) {
			count(p.ProfileKey)
		}
	}
	for _, f := range b.Facts {
		if f != nil && (every || f.Version == 0) {
			count(f.Ref())
		}
	}
	if len(n) == 0 || every {
		return n
	}
	for _, p := range b.Profiles {
		if p != nil && !p.unversioned() && n[p.ProfileKey] > 0 {
			n[p.ProfileKey]++
		}
	}
	for _, f := range b.Facts {
		if f != nil && f.Version != 0 && n[f.Ref()] > 0 {
			n[f.Ref()]++
		}
	}
	return n
}

// together cuts a batch into pieces of at most n records that each hold every
// delivery of their keys, in the order in which they were delivered: a piece has
// more than n where one key alone has. Of what comes without a version the last
// delivery counts, which only a piece that holds all of them can tell from what is
// stored.
func (b Batch) together(kinds *Kinds, n int) iter.Seq[Batch] {
	return func(yield func(Batch) bool) {
		if b.Len() <= n {
			if b.Len() > 0 {
				yield(b)
			}
			return
		}
		type group struct {
			part Part
			Batch
		}
		var groups []*group
		known := map[any]*group{}
		of := func(key any, part Part) *group {
			g := known[key]
			if g == nil {
				g = &group{part: part}
				groups = append(groups, g)
				known[key] = g
			}
			return g
		}
		for _, p := range b.Profiles {
			g := &group{}
			if p != nil {
				g = of(p.ProfileKey, p.Part())
			} else {
				groups = append(groups, g)
			}
			g.Profiles = append(g.Profiles, p)
		}
		for _, f := range b.Facts {
			g := &group{}
			switch {
			case f == nil:
				groups = append(groups, g)
			case kinds.unique(f.Key.Kind): // one fact, whatever its subject
				g = of(f.Key, f.Subject.Part())
			default:
				g = of(f.Ref(), f.Subject.Part())
			}
			g.Facts = append(g.Facts, f)
		}
		slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(a.part, b.part) })
		var c Batch
		for _, g := range groups {
			if c.Len() > 0 && c.Len()+g.Len() > n {
				if !yield(c) {
					return
				}
				c = Batch{}
			}
			c.Profiles, c.Facts = append(c.Profiles, g.Profiles...), append(c.Facts, g.Facts...)
		}
		yield(c)
	}
}

// chunks cuts a batch into pieces of at most n records, in the order of their
// parts and a profile before its facts. It cuts between parts, unless a part has
// more than n, so that pieces written at once are not in each other's way.
func (b Batch) chunks(n int) iter.Seq[Batch] {
	return func(yield func(Batch) bool) {
		if b.Len() <= n {
			if b.Len() > 0 {
				yield(b)
			}
			return
		}
		type item struct {
			part    Part
			profile *Profile
			fact    *Fact
		}
		items := make([]item, 0, b.Len())
		for _, p := range b.Profiles {
			var part Part
			if p != nil {
				part = p.Part()
			}
			items = append(items, item{part, p, nil})
		}
		for _, f := range b.Facts {
			var part Part
			if f != nil {
				part = f.Subject.Part()
			}
			items = append(items, item{part, nil, f})
		}
		profiles := len(b.Profiles)
		order := make([]int, len(items))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(items[i].part, items[j].part) })
		for len(order) > 0 {
			end := min(n, len(order))
			if end < len(order) {
				part := items[order[end]].part
				cut := end
				for cut > 0 && items[order[cut-1]].part == part {
					cut--
				}
				if cut > 0 {
					end = cut
				}
			}
			piece := order[:end]
			order = order[end:]
			var c Batch
			for _, i := range piece {
				if i < profiles {
					c.Profiles = append(c.Profiles, items[i].profile)
				} else {
					c.Facts = append(c.Facts, items[i].fact)
				}
			}
			if !yield(c) {
				return
			}
		}
	}
}

// halve cuts a batch of two records or more into smaller ones, between keys
// unless it has only one.
func (b Batch) halve(kinds *Kinds) []Batch {
	n := b.Len() / 2
	if pieces := slices.Collect(b.together(kinds, n)); len(pieces) > 1 {
		return pieces
	}
	p := min(n, len(b.Profiles))
	f := n - p
	return []Batch{{b.Profiles[:p], b.Facts[:f]}, {b.Profiles[p:], b.Facts[f:]}}
}

// reject reports the only record of a batch.
func (b Batch) reject(err error) Rejected {
	if len(b.Profiles) > 0 {
		if p := b.Profiles[0]; p != nil {
			return Rejected{"profile", p.ProfileKey.String(), err}
		}
		return Rejected{"profile", "", err}
	}
	if f := b.Facts[0]; f != nil {
		return Rejected{string(f.Key.Kind), f.Key.String(), err}
	}
	return Rejected{"fact", "", err}
}

// entity names what the batch holds, in an error about it.
func (b Batch) entity() string {
	switch {
	case len(b.Profiles) > 0:
		return "profile"
	case len(b.Facts) == 1 && b.Facts[0] != nil:
		return string(b.Facts[0].Key.Kind)
	}
	return "fact"
}

// Rejected is a record of a batch that was not accepted, and why. The rest of
// its batch is.
type Rejected struct {
	// Entity is "profile" or the kind of the fact; or "contact": the profile is
	// accepted without that one of its contacts, which Err names.
	Entity string
	ID     string
	// Err names every fault. It is ErrExists where the version was there with other content.
	Err error
}

// ImportReport says what became of a batch.
type ImportReport struct {
	Profiles int // new or newer
	// Facts counts as Profiles does.
	Facts    int
	Repeated int // old or equal versions, which change nothing
	// Older is how many of those are older than what is stored.
	Older int
	// Rejected are the records that were left out, in the order of the batch.
	Rejected []Rejected
	// Waiting is how many of Facts hang on a record that is not there yet, and
	// Attached how many that waited before do not any more. Service.Waiting lists
	// those that do.
	Waiting, Attached int
	// Conflicting are records with the version of another one that says
	// something else, which their source should not have sent: whatever is
	// stored, one of the two is lost. Config.Conflicts says which. Deliveries
	// without a version cannot conflict: the later one stays.
	Conflicting []Conflict
}

// Conflict is a delivered record whose version was there with other content.
type Conflict struct {
	Entity  string // "profile" or the kind of the fact
	ID      string
	Version int64 // of a profile its SourceVersion
	Stored  bool  // whether the delivered one is now stored
}

// Add sums reports.
func (r *ImportReport) Add(o ImportReport) {
	r.Profiles += o.Profiles
	r.Facts += o.Facts
	r.Repeated += o.Repeated
	r.Older += o.Older
	r.Waiting += o.Waiting
	r.Attached += o.Attached
	r.Rejected = append(r.Rejected, o.Rejected...)
	r.Conflicting = append(r.Conflicting, o.Conflicting...)
}
