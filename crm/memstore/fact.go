package memstore

import (
	"bytes"
	"context"
	"maps"
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// A fact's value is its version, when it was recorded, and its content: when,
// where and the data (see factdata.go). Whom it is about and its key stand in
// the tree's key.

// factChunk is how many facts share their pieces of memory. Whoever keeps one
// fact keeps its chunk; whoever reads a million saves two allocations of three.
const factChunk = 16

// factPage decodes entries into a page of facts. It takes copies of a chunk of
// entries together; all texts of those facts are pieces of that one copy, or
// words.
type factPage struct {
	r     *reader
	facts []*crm.Fact
	buf   []byte
	ends  [factChunk][2]int // of each entry's key and value in buf
	n     int
	// Memory to be handed out:
	orders []orderFact
	lines  []crm.OrderLine
}

// orderFact is a fact and its order in one allocation: orders are most of what an evening
// reads.
type orderFact struct {
	crm.Fact
	crm.Order
}

// len counts what was added, decoded or not.
func (p *factPage) len() int { return len(p.facts) + p.n }

// add takes over an entry and decodes the chunk when it is full.
func (p *factPage) add(key []byte, val string) error {
	p.buf = append(p.buf, key[2:]...)
	p.ends[p.n][0] = len(p.buf)
	p.buf = append(p.buf, val...)
	p.ends[p.n][1] = len(p.buf)
	if p.n++; p.n == factChunk {
		return p.flush()
	}
	return nil
}

// flush decodes what has been added.
func (p *factPage) flush() error {
	text := string(p.buf)
	from := 0
	for i := range p.n {
		f, err := p.decode(text[from:p.ends[i][0]], text[p.ends[i][0]:p.ends[i][1]], p.n-i)
		if err != nil {
			return err
		}
		p.facts = append(p.facts, f)
		from = p.ends[i][1]
	}
	p.buf, p.n = p.buf[:0], 0
	return nil
}

// decode decodes a key without its part and a value; left is how many facts
// of the chunk are to come, with this one.
func (p *factPage) decode(key, val string, left int) (*crm.Fact, error) {
	var f crm.Fact
	var rest, kind string
	f.Subject, rest = cutSubject(key)
	kind, rest = cutText(rest)
	f.Key.Kind = crm.FactKind(kind)
	f.Key.Source, f.Key.ID = cutText(rest)
	d := decoder{s: val, words: p.r.words()}
	f.Version = d.int()
	f.Recorded = d.time()
	f.At = d.time()
	f.Place = d.word()
	n := d.byte()
	if n == formOrder {
		if len(p.orders) == 0 {
			p.orders = make([]orderFact, left)
		}
		o := &p.orders[0]
		p.orders = p.orders[1:]
		o.Fact = f
		p.order(&d, &o.Order, f.Key.ID, left)
		o.Data = &o.Order
		return &o.Fact, d.end("fact")
	}
	out, err := p.r.decodeContent(&d, n, f)
	if err == nil {
		err = d.end("fact")
	}
	return out, err
}

// factOf decodes one entry.
func (r *reader) factOf(key []byte, val string) (*crm.Fact, error) {
	p := factPage{r: r}
	if err := p.add(key, val); err != nil {
		return nil, err
	}
	if err := p.flush(); err != nil {
		return nil, err
	}
	return p.facts[0], nil
}

// Facts returns one entry per ref.
func (r *reader) Facts(ctx context.Context, refs ...crm.FactRef) ([]*crm.Fact, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]*crm.Fact, len(refs))
	var key []byte
	err := each(ctx, len(refs), func(i int) (err error) {
		key = appendFactKey(appendSubject(key[:0], refs[i].Subject), refs[i].Key)
		if val, ok := r.st.facts.get(key); ok {
			out[i], err = r.factOf(key, val)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// FactKinds returns the kinds of which there are facts.
func (r *reader) FactKinds(ctx context.Context) ([]crm.FactKind, error) {
	seen := map[string]bool{}
	err := r.scanParts(ctx, &r.st.facts, crm.AllParts(), nil, math.MaxInt, func(c *cursor) (bool, error) {
		_, rest := cutSubject(string(c.key[2:]))
		kind, _ := cutText(rest)
		seen[kind] = true
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	var out []crm.FactKind
	for _, k := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, crm.FactKind(k))
	}
	return out, nil
}

// FactsOf returns a page of the facts of some subjects.
func (r *reader) FactsOf(ctx context.Context, q crm.FactQuery) ([]*crm.Fact, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	limit := pageLimit(q.Limit)
	var after []byte
	if !q.After.IsZero() {
		after = append(appendFactKey(appendSubject(nil, q.After.Subject), q.After.Key), 0)
	}
	kinds := slices.Compact(slices.Sorted(slices.Values(q.Kinds)))
	starts := sortedKeys(len(q.Subjects), func(b []byte, i int) []byte {
		if s := q.Subjects[i]; storableSubject(s) {
			return appendSubject(b, s)
		}
		return b
	})
	page := factPage{r: r}
	c := cursor{t: &r.st.facts}
	var prefix []byte
	// read takes what starts with prefix.
	read := func() error {
		from := prefix
		if bytes.Compare(from, after) < 0 {
			if !bytes.HasPrefix(after, prefix) {
				return nil
			}
			from = after
		}
		for c.forward(from); c.ok && page.len() < limit && bytes.HasPrefix(c.key, prefix); c.step() {
			if err := page.add(c.key, c.val); err != nil {
				return err
			}
			if page.len()%256 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	}
	err := each(ctx, len(starts), func(i int) error {
		if page.len() >= limit {
			return nil
		}
		if len(kinds) == 0 {
			prefix = append(prefix[:0], starts[i]...)
			return read()
		}
		for _, k := range kinds {
			if !storable(string(k)) {
				continue
			}
			prefix = appendText(append(prefix[:0], starts[i]...), string(k))
			if err := read(); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = page.flush()
	}
	if err != nil {
		return nil, err
	}
	return page.facts, nil
}

// sortedKeys returns the keys that are not empty, sorted and each once.
func sortedKeys(n int, appendKey func(b []byte, i int) []byte) [][]byte {
	buf := make([]byte, 0, n*32)
	out := make([][]byte, 0, n)
	sorted := true
	for i := range n {
		from := len(buf)
		buf = appendKey(buf, i)
		if k := buf[from:len(buf):len(buf)]; len(k) > 0 {
			sorted = sorted && (len(out) == 0 || bytes.Compare(out[len(out)-1], k) < 0)
			out = append(out, k)
		}
	}
	if sorted {
		return out
	}
	slices.SortFunc(out, bytes.Compare)
	return slices.CompactFunc(out, bytes.Equal)
}

// ScanFacts returns a page of the facts of one kind.
func (r *reader) ScanFacts(ctx context.Context, parts crm.PartRange, kind crm.FactKind, after crm.FactRef, limit int) ([]*crm.Fact, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	parts, limit = parts.Bounds(), pageLimit(limit)
	from := appendPart(nil, parts.Lo)
	if !after.IsZero() {
		if a := append(appendFactKey(appendSubject(nil, after.Subject), after.Key), 0); bytes.Compare(a, from) > 0 {
			from = a
		}
	}
	page := factPage{r: r}
	c := cursor{t: &r.st.facts}
	c.seek(from)
	var to []byte
	for n := 0; c.ok && page.len() < limit && partOf(c.key) < parts.Hi; n++ {
		if n%1024 == 1023 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		at := subjectLen(c.key)
		switch cmp := compareKind(c.key[at:], string(kind)); {
		case cmp == 0:
			if err := page.add(c.key, c.val); err != nil {
				return nil, err
			}
			c.step()
		case cmp < 0: // on to this subject's facts of the kind
			to = appendText(append(to[:0], c.key[:at]...), string(kind))
			c.forward(to)
		default: // on to the next subject
			to = append(append(to[:0], c.key[:at]...), 0xff)
			c.forward(to)
		}
	}
	if err := page.flush(); err != nil {
		return nil, err
	}
	return page.facts, nil
}

// subjectLen is the length of the part and the subject that a key starts with.
func subjectLen(key []byte) int {
	n := 3 + bytes.IndexByte(key[3:], 0) + 1
	return n + bytes.IndexByte(key[n:], 0) + 1
}

// compareKind compares the kind that rest starts with.
func compareKind(rest []byte, kind string) int {
	n := bytes.IndexByte(rest, 0)
	switch k := rest[:n]; {
	case string(k) == kind:
		return 0
	case string(k) < kind:
		return -1
	}
	return 1
}

// PutFacts keeps the newest version of every fact.
func (t *tx) PutFacts(ctx context.Context, facts ...*crm.Fact) ([]crm.Put, error) {
	return t.putFacts(ctx, facts, false)
}

// PutNewest keeps every fact as the newest version.
func (t *tx) PutNewest(ctx context.Context, facts ...*crm.Fact) ([]crm.Put, error) {
	return t.putFacts(ctx, facts, true)
}

// putFacts is PutFacts, or with newest PutNewest. It encodes all facts first, so that it can
// meet the tree once in the order of its keys; a call that is refused has written nothing.
func (t *tx) putFacts(ctx context.Context, facts []*crm.Fact, newest bool) ([]crm.Put, error) {
	if err := t.usable(ctx); err != nil {
		return nil, err
	}
	for _, f := range facts {
		given := f
		if f.Version > crm.MaxVersion { // the service's own, one above a stored one
			c := *f
			c.Version = crm.MaxVersion
			given = &c
		}
		if err := t.kinds.Validate(given); err != nil {
			return nil, refuse("put", "fact", f.Key.String(), err)
		}
		if err := checkTimes(f.At, f.Recorded); err != nil {
			return nil, refuse("put", "fact", f.Key.String(), err)
		}
	}
	// All keys and values, sorted by key, meet what is there in one pass.
	b := t.batch(0)
	content := make([]int, len(facts)) // where in a value it starts
	parts := make([]crm.Part, len(facts))
	err := each(ctx, len(facts), func(i int) (err error) {
		f := facts[i]
		if i > 0 && f.Subject == facts[i-1].Subject {
			parts[i] = parts[i-1]
		} else {
			parts[i] = f.Subject.Part()
		}
		b.add(i, func(buf []byte) []byte { return appendFactKey(appendFlat(appendPart(buf, parts[i]), f.Subject), f.Key) },
			func(buf []byte) []byte {
				e := t.encode()
				e.int(f.Version)
				e.time(crm.Micros(f.Recorded))
				content[i] = len(e.b)
				err = encodeContent(e, f)
				return append(buf, e.b...)
			})
		if err != nil {
			err = refuse("put", "fact", f.Key.String(), err)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	t.st.words = t.store.words.list
	b.sort()
	puts := make([]crm.Put, len(facts))
	entries := b.out[:0]
	c := cursor{t: &t.st.facts}
	for i, s := range b.spans {
		e := entry{b.key(s), b.val(s)}
		var val string
		var there, again bool
		if n := len(entries); i > 0 && bytes.Equal(b.key(b.spans[i-1]), e.key) && n > 0 && bytes.Equal(entries[n-1].key, e.key) {
			val, there, again = string(entries[n-1].val), true, true
		} else if c.forward(e.key); c.ok && bytes.Equal(c.key, e.key) {
			val, there = c.val, true
		}
		puts[s.n] = crm.PutNew
		if there {
			put, err := t.compare(e.key, val, facts[s.n], string(e.val[content[s.n]:]), newest)
			if err != nil {
				return nil, err
			}
			if puts[s.n] = put; !put.Changed() {
				continue
			}
			if newest {
				e.val = t.raised(val, facts[s.n], e.val[content[s.n]:])
			}
		}
		if again {
			entries[len(entries)-1] = e
		} else {
			entries = append(entries, e)
		}
	}
	b.out = entries
	t.st.facts.putAll(&t.writer, entries)
	for i, f := range facts {
		if puts[i].Changed() {
			t.changed(parts[i], crm.ChangedFact, f.Subject, f.Key, f.Recorded)
		}
	}
	return puts, nil
}

// compare says whether a fact replaces what is stored under its key.
func (t *tx) compare(key []byte, val string, f *crm.Fact, content string, newest bool) (crm.Put, error) {
	d := decoder{s: val}
	version := d.int()
	d.time()
	switch {
	case newest && d.s != content:
		return crm.PutNew, nil
	case newest:
		return crm.PutSame, nil
	case version < f.Version:
		return crm.PutNew, nil
	case version > f.Version:
		return crm.PutOlder, nil
	case d.s == content:
		return crm.PutSame, nil
	}
	old, err := t.factOf(key, val)
	if err != nil {
		return 0, err
	}
	was, err := hashOf(old, d.s)
	if err != nil {
		return 0, err
	}
	is, err := hashOf(f, "")
	switch {
	case err != nil:
		return 0, err
	case is == was:
		return crm.PutSame, nil
	case is > was:
		return crm.PutWon, nil
	}
	return crm.PutLost, nil
}

// raised is the value of a fact under a version that is newer than the stored one.
func (t *tx) raised(stored string, f *crm.Fact, content []byte) []byte {
	d := decoder{s: stored}
	version := f.Version
	if was := d.int(); was >= version && was < math.MaxInt64 {
		version = was + 1
	}
	e := t.encode()
	e.int(version)
	e.time(crm.Micros(f.Recorded))
	return slices.Concat(e.b, content)
}

// DeleteFacts removes facts.
func (t *tx) DeleteFacts(ctx context.Context, refs ...crm.FactRef) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	return each(ctx, len(refs), func(i int) error {
		ref := refs[i]
		t.key = appendFactKey(appendSubject(t.key[:0], ref.Subject), ref.Key)
		val, ok := t.st.facts.get(t.key)
		if !ok {
			return nil
		}
		d := decoder{s: val}
		d.int()
		recorded := d.time()
		t.st.facts.remove(&t.writer, t.key)
		t.changed(ref.Subject.Part(), crm.ChangedFact, ref.Subject, ref.Key, recorded)
		return nil
	})
}
