package importer

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// undated is the time of what has none: before everything.
const undated = math.MinInt64

// record is one version of a profile or a fact and when it became known.
type record struct {
	at      int64 // Unix microseconds
	next    int32 // index of the next version of the same; -1 for the last
	profile *crm.Profile
	fact    *crm.Fact
}

func (r *record) compare(o *record) int {
	if c := cmp.Compare(r.at, o.at); c != 0 {
		return c
	}
	switch {
	case r.profile != nil && o.profile != nil:
		return cmp.Or(r.profile.Compare(o.profile.ProfileKey), cmp.Compare(r.profile.SourceVersion, o.profile.SourceVersion))
	case r.profile != nil:
		return -1
	case o.profile != nil:
		return 1
	}
	return cmp.Or(r.fact.Subject.Compare(o.fact.Subject), r.fact.Key.Compare(o.fact.Key), cmp.Compare(r.fact.Version, o.fact.Version))
}

func (r *record) hash() int64 {
	data, err := crm.EncodeFactData(r.fact.Data)
	if err != nil {
		return 0
	}
	return crm.FactHash(r.fact, data)
}

// timeline is every record, by time.
type timeline []record

func (l *timeline) addProfile(at int64, p *crm.Profile) { *l = append(*l, record{at: at, profile: p}) }

func (l *timeline) addFact(at time.Time, f *crm.Fact) {
	*l = append(*l, record{at: at.UnixMicro(), fact: f})
}

// settle sorts the records and links the versions of each. Of two facts that
// are one version of one, the kernel's choice is kept: the larger hash.
func (l *timeline) settle() {
	slices.SortStableFunc(*l, func(a, b record) int {
		if c := a.compare(&b); c != 0 || a.fact == nil {
			return c
		}
		return cmp.Compare(b.hash(), a.hash())
	})
	*l = slices.CompactFunc(*l, func(a, b record) bool { return a.compare(&b) == 0 })
	t := *l
	last := make(map[crm.FactRef]int32, len(t))
	for i := range t {
		t[i].next = -1
		var key crm.FactRef
		if r := &t[i]; r.profile != nil {
			key.Subject.Profile = r.profile.ProfileKey
		} else {
			key = r.fact.Ref()
		}
		if before, ok := last[key]; ok {
			t[before].next = int32(i)
		}
		last[key] = int32(i)
	}
}

// span returns the first and the last time of the dated records.
func (l timeline) span() (first, last time.Time) {
	i, _ := slices.BinarySearchFunc(l, int64(undated)+1, func(r record, at int64) int { return cmp.Compare(r.at, at) })
	if i == len(l) {
		return time.Time{}, time.Time{}
	}
	return time.UnixMicro(l[i].at).UTC(), time.UnixMicro(l[len(l)-1].at).UTC()
}

// upTo returns the number of records at or before a time.
func (l timeline) upTo(at int64) int {
	i, _ := slices.BinarySearchFunc(l, at, func(r record, at int64) int {
		if r.at <= at {
			return -1
		}
		return 1
	})
	return i
}

// addTo appends a copy of a record to a batch.
func (r *record) addTo(b *crm.Batch) {
	if r.profile != nil {
		b.Profiles = append(b.Profiles, r.profile.Clone())
		return
	}
	f := *r.fact
	switch d := f.Data.(type) {
	case *crm.Order:
		c := *d
		c.Lines = slices.Clone(d.Lines)
		f.Data = &c
	case *crm.Visit:
		c := *d
		f.Data = &c
	case *crm.Ticket:
		c := *d
		c.Log, c.Related = slices.Clone(d.Log), slices.Clone(d.Related)
		f.Data = &c
	case *crm.Consent:
		c := *d
		f.Data = &c
	}
	b.Facts = append(b.Facts, &f)
}
