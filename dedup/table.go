package dedup

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// MaxValue is the number of bytes of a value that are read; the rest of a longer
// one is cut off at a character. It bounds what one hostile field can cost.
const MaxValue = 256

// table holds records as rows of value numbers, one dictionary per field.
type table struct {
	plan  *plan
	ids   texts      // by row
	pages [][]uint32 // rows, pageRows to a page
	dicts []dict

	promises map[string]uint32   // numbers of the sources that have every entity once
	sources  []uint32            // by row: number of such a source, or 0
	copies   map[uint32][]string // by row: ids of further records that say the same, in rising order

	ignored int // identifiers that blank made unknown

	hashes  []uint32 // scratch: of a record's values
	touched uint32   // see touch.go
}

// dict numbers the distinct values of a field from 1; 0 is unknown.
type dict struct {
	names
	keys     [][]uint32          // by way to cut, by value: block key
	sketches []uint64            // by value, if some metric makes them; 0 for several elements
	elements map[uint32][]uint32 // values of a set that have several
	holders  []uint32            // identifiers: records per element
	ignored  []bool              // identifiers: held by too many
	shift    []float32           // bits of the frequency adjustment, by value
	common   []float32           // of a whole: log2 of the frequency of each value, no more than seldom where it is unlisted
}

// newTable returns a table whose dictionaries know the empty value as number 0.
func newTable(p *plan) *table {
	t := &table{plan: p, dicts: make([]dict, len(p.schema.Fields)), hashes: make([]uint32, len(p.schema.Fields))}
	for f := range t.dicts {
		d := &t.dicts[f]
		d.keys = make([][]uint32, len(p.specs[f]))
		d.push("", 0, p, f, false)
	}
	return t
}

// push gives a value the next number. A guest, of a question, is copied and forgotten when
// the question is answered.
func (d *dict) push(v string, h uint32, p *plan, f int, guest bool) uint32 {
	id := uint32(d.len())
	if guest {
		d.guests = append(d.guests, strings.Clone(v))
	} else {
		d.add(v)
	}
	if p.schema.Fields[f].Identifier {
		d.holders = append(d.holders, 0)
		d.ignored = append(d.ignored, false)
	}
	if id != 0 && !guest {
		d.enter(id, h)
	}
	return id
}

// derive makes the keys and sketches of the values that are new. It comes once after many
// values, so that they are given room once.
func (t *table) derive() {
	for f := range t.dicts {
		d := &t.dicts[f]
		for s, cut := range t.plan.specs[f] {
			keys := room(d.keys[s], d.len())
			for id := len(keys); id < d.len(); id++ {
				keys = append(keys, cutKey(d.text(uint32(id)), cut))
			}
			d.keys[s] = keys
		}
		s := t.plan.sketchers[f]
		if s == nil {
			continue
		}
		set := t.plan.schema.Fields[f].Set
		d.sketches = room(d.sketches, d.len())
		for id := len(d.sketches); id < d.len(); id++ {
			sketch := uint64(0)
			if v := d.text(uint32(id)); v != "" && !(set && strings.Contains(v, Sep)) {
				sketch = s.Sketch(v)
			}
			d.sketches = append(d.sketches, sketch)
		}
	}
}

// room makes room for n elements in an empty slice.
func room[T any](s []T, n int) []T {
	if cap(s) == 0 {
		return make([]T, 0, n)
	}
	return s
}

// cut is what a key sees of a value.
func (q Part) cut(v string) string {
	if q.First {
		v, _, _ = strings.Cut(v, " ")
	}
	if q.Prefix > 0 {
		n := 0
		for i := range v {
			if n == q.Prefix {
				return v[:i]
			}
			n++
		}
	}
	return v
}

// cutKey is the blocking key of a value; 0 means that there is none, so that a hash of 0
// becomes 1.
func cutKey(v string, cut Part) uint32 {
	h := uint32(hashString(cut.cut(v)) >> 32)
	if h == 0 {
		h = 1
	}
	return h
}

// numbers writes the numbers of a record's values into row, one for each field. A guest's
// value that is new is numbered until the guest leaves, see [Index.with].
func (t *table) numbers(row []uint32, values []string, guest bool) {
	for f, v := range values {
		if v != "" {
			t.hashes[f] = hash(shorten(v))
		}
	}
	t.touchValues(values)
	for f, v := range values {
		row[f] = 0
		if v != "" {
			row[f] = t.intern(f, shorten(v), t.hashes[f], guest)
		}
	}
}

// intern returns the number of v, whose hash is h, in field f.
func (t *table) intern(f int, v string, h uint32, guest bool) uint32 {
	d := &t.dicts[f]
	if id := d.lookup(v, h); id != 0 {
		return id
	}
	if t.plan.schema.Fields[f].Set && strings.Contains(v, Sep) {
		var ids []uint32
		for e := range strings.SplitSeq(v, Sep) {
			if e != "" {
				ids = append(ids, t.intern(f, e, hash(e), guest))
			}
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if len(ids) < 2 {
			if len(ids) == 0 {
				return 0
			}
			return ids[0]
		}
		id := d.push(v, h, t.plan, f, guest)
		if d.elements == nil {
			d.elements = map[uint32][]uint32{}
		}
		d.elements[id] = ids
		return id
	}
	return d.push(v, h, t.plan, f, guest)
}

// shorten cuts what is beyond MaxValue, at a character.
func shorten(v string) string {
	if len(v) <= MaxValue {
		return v
	}
	n := MaxValue
	for n > 0 && !utf8.RuneStart(v[n]) {
		n--
	}
	return v[:n]
}

// parts returns the elements of a value of a set; buf saves the allocation for single ones.
func (d *dict) parts(id uint32, buf *[1]uint32) []uint32 {
	if id == 0 {
		return nil
	}
	if len(d.elements) > 0 {
		if many, ok := d.elements[id]; ok {
			return many
		}
	}
	buf[0] = id
	return buf[:]
}

// pageRows is the number of rows that are allocated at a time.
const pageRows = 4096

// row is the numbers of a record's values, which the caller may change but not append to.
func (t *table) row(i uint32) []uint32 {
	n := len(t.dicts)
	at := int(i%pageRows) * n
	return t.pages[i/pageRows][at : at+n : at+n]
}

// extend makes room for one more row and returns its number.
func (t *table) extend() uint32 {
	i := uint32(t.len())
	t.ids.add("")
	if int(i/pageRows) == len(t.pages) {
		t.pages = append(t.pages, make([]uint32, pageRows*len(t.dicts)))
	}
	return i
}

// len is the number of rows.
func (t *table) len() int { return t.ids.len() }

// id is the id of a row; it is good for ever.
func (t *table) id(i uint32) string { return t.ids.text(i) }

// name gives a row an id.
func (t *table) name(i uint32, id string) { t.ids.set(i, id) }

// source notes where a record comes from.
func (t *table) source(i uint32, name string) {
	if t.promises == nil {
		return
	}
	n, ok := t.promises[name]
	if _, all := t.promises[EverySource]; all && !ok && name != "" {
		n = uint32(len(t.promises) + 1)
		t.promises[strings.Clone(name)] = n
	}
	for int(i) >= len(t.sources) {
		t.sources = append(t.sources, 0)
	}
	t.sources[i] = n
}

// promised reports whether a source has every entity once.
func (t *table) promised(name string) bool {
	if t.promises == nil {
		return false
	}
	_, ok := t.promises[name]
	_, all := t.promises[EverySource]
	return ok || all && name != ""
}

// rivals reports whether two records come from one source that has every entity once.
func (t *table) rivals(i, j uint32) bool {
	return t.sources != nil && t.sources[i] != 0 && t.sources[i] == t.sources[j]
}

// pairs is the number of pairs of records that may be one entity.
func (t *table) pairs() float64 {
	sources := map[uint32]float64{}
	for _, s := range t.sources {
		if s != 0 {
			sources[s]++
		}
	}
	n := float64(t.len())
	out := n * (n - 1) / 2
	for _, n := range sources { // whole numbers: their order does not matter
		out -= n * (n - 1) / 2
	}
	return out
}

// add appends a record.
func (t *table) add(r Record, row int) error {
	if err := checkID(r.ID); err != nil {
		return &RecordError{ID: r.ID, Row: row, Err: err}
	}
	if len(r.Values) != len(t.dicts) {
		return &RecordError{ID: r.ID, Row: row, Err: errValues}
	}
	if t.len() == maxRecords || t.ids.full() {
		return &RecordError{ID: r.ID, Row: row, Err: ErrFull}
	}
	i := t.extend()
	t.name(i, r.ID)
	t.source(i, r.Source)
	for f := range t.dicts {
		if t.dicts[f].full() {
			return &RecordError{ID: r.ID, Row: row, Err: ErrFull}
		}
	}
	t.numbers(t.row(i), r.Values, false)
	return nil
}

// blank makes identifiers that say nothing unknown in the rows, once and for all, so
// that a batch need not look them up for every pair.
func (t *table) blank() {
	for _, f := range t.plan.identifiers {
		d := &t.dicts[f]
		some := false
		for _, x := range d.ignored {
			if x {
				some = true
				t.ignored++
			}
		}
		ignored := d.ignored
		d.ignored = nil
		if !some {
			continue
		}
		for id, parts := range d.elements {
			parts = slices.DeleteFunc(parts, func(e uint32) bool { return ignored[e] })
			d.elements[id] = parts
		}
		for i := range t.len() {
			v := &t.row(uint32(i))[f]
			if parts, many := d.elements[*v]; many {
				switch len(parts) {
				case 0:
					*v = 0
				case 1:
					*v = parts[0]
				}
			} else if ignored[*v] {
				*v = 0
			}
		}
	}
}

// sort orders the rows by id, in place.
func (t *table) sort() error {
	type entry struct {
		head uint64
		row  uint32
	}
	sorted := true
	for i := 1; i < t.len() && sorted; i++ {
		sorted = t.id(uint32(i-1)) < t.id(uint32(i))
	}
	if sorted {
		return nil
	}
	order := make([]entry, t.len())
	for i := range order {
		order[i] = entry{head(t.id(uint32(i))), uint32(i)}
	}
	slices.SortFunc(order, func(a, b entry) int {
		if c := cmp.Compare(a.head, b.head); c != 0 {
			return c
		}
		return cmp.Compare(t.id(a.row), t.id(b.row))
	})
	for i := 1; i < len(order); i++ {
		if a, b := order[i-1].row, order[i].row; order[i-1].head == order[i].head && t.id(a) == t.id(b) {
			return &RecordError{ID: t.id(a), Row: int(max(a, b)) + 1, Err: ErrDuplicateID}
		}
	}
	held := make([]uint32, len(t.dicts))
	for i := range order { // cycle by cycle
		if order[i].row == uint32(i) {
			continue
		}
		id, source := t.ids.at[i], uint32(0)
		if t.sources != nil {
			source = t.sources[i]
		}
		copy(held, t.row(uint32(i)))
		at := uint32(i)
		for {
			from := order[at].row
			order[at].row = at
			if from == uint32(i) {
				t.ids.at[at] = id
				if t.sources != nil {
					t.sources[at] = source
				}
				copy(t.row(at), held)
				break
			}
			t.ids.at[at] = t.ids.at[from]
			if t.sources != nil {
				t.sources[at] = t.sources[from]
			}
			copy(t.row(at), t.row(from))
			at = from
		}
	}
	return nil
}

// find returns the row of an id, once they are sorted.
func (t *table) find(id string) (uint32, bool) {
	i, ok := sort.Find(t.len(), func(i int) int { return cmp.Compare(id, t.id(uint32(i))) })
	return uint32(i), ok
}

// mostID is the number of bytes that an id may have.
const mostID = 1<<16 - 1

// checkID refuses ids that no index could keep.
func checkID(id string) error {
	switch {
	case id == "":
		return ErrNoID
	case len(id) > mostID:
		return errLongID
	}
	return nil
}

// head is the first eight bytes of s in an order that agrees with that of strings.
func head(s string) (h uint64) {
	for i := range 8 {
		h <<= 8
		if i < len(s) {
			h |= uint64(s[i])
		}
	}
	return h
}

// count fills in who holds which identifier and which of them say nothing.
func (t *table) count() {
	for _, f := range t.plan.identifiers {
		d := &t.dicts[f]
		clear(d.holders)
		clear(d.ignored)
		var buf [1]uint32
		for i := range t.len() {
			for _, e := range d.parts(t.row(uint32(i))[f], &buf) {
				d.holders[e]++
			}
		}
		// distinct holders, in order of records, for the elements that many hold
		h := t.plan.holder[f]
		names := map[uint32][]uint32{}
		for i := range t.len() {
			row := t.row(uint32(i))
			for _, e := range d.parts(row[f], &buf) {
				if d.holders[e] <= maxHolders {
					continue
				}
				if d.holders[e] > maxShared {
					d.ignored[e] = true
					continue
				}
				if h >= 0 && row[h] != 0 {
					names[e] = append(names[e], t.holderKey(h, row[h]))
				}
			}
		}
		for e, keys := range names {
			d.ignored[e] = distinct(keys) > int(maxHolders)
		}
	}
}

// holderKey tells holders apart by the first three characters of the holder
// field, so that typing errors further on make no new holder.
func (t *table) holderKey(f int, id uint32) uint32 {
	return cutKey(t.dicts[f].text(id), Part{Prefix: 3})
}

// distinct counts different keys, and sorts them.
func distinct(keys []uint32) int {
	slices.Sort(keys)
	return len(slices.Compact(keys))
}

// maxRecords is the number of records that a table can hold.
const maxRecords = 1<<31 - 1

// maxHolders is the number of differently named holders an identifier may
// have. Two surnames in a household and a wrong one or two are common; six are
// a counter's placeholder, a switchboard or a relay.
var maxHolders uint32 = 5

// maxShared is the number of records an identifier may have at all.
const maxShared = 1000

func mix(x uint64) uint64 { // splitmix64
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hashString is FNV-1a with its bits mixed: it is the same in every process, as models
// hold it.
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}
