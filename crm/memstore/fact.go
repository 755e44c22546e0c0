package memstore

import (
	"bytes"
	"context"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// A fact's value is its version, when it was recorded, and its content: when,
// where and the data (see factdata.go). Whom it is about and its key stand in
// the tree's key.

// factOf decodes an entry. Everything in it is one copy of the entry's bytes,
// or words.
func (r *reader) factOf(key []byte, val string) (*crm.Fact, error) {
	n := len(key) - 2
	buf := make([]byte, 0, 256)
	buf = append(append(buf, key[2:]...), val...)
	s := string(buf)
	var f crm.Fact
	var rest string
	f.Subject, rest = cutSubject(s[:n])
	var kind string
	kind, rest = cutText(rest)
	f.Key.Kind = crm.FactKind(kind)
	f.Key.Source, f.Key.ID = cutText(rest)
	d := decoder{s: s[n:], words: r.words()}
	f.Version = d.int()
	f.Recorded = d.time()
	return decodeContent(&d, &f)
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
	var out []*crm.Fact
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
		for c.forward(from); c.ok && len(out) < limit && bytes.HasPrefix(c.key, prefix); c.step() {
			f, err := r.factOf(c.key, c.val)
			if err != nil {
				return err
			}
			if out == nil {
				out = make([]*crm.Fact, 0, room(limit))
			}
			out = append(out, f)
			if len(out)%256 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	}
	err := each(ctx, len(starts), func(i int) error {
		if len(out) >= limit {
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
	if err != nil {
		return nil, err
	}
	return out, nil
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
	var out []*crm.Fact
	c := cursor{t: &r.st.facts}
	c.seek(from)
	var to []byte
	for n := 0; c.ok && len(out) < limit && partOf(c.key) < parts.Hi; n++ {
		if n%1024 == 1023 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		at := subjectLen(c.key)
		switch cmp := compareKind(c.key[at:], string(kind)); {
		case cmp == 0:
			f, err := r.factOf(c.key, c.val)
			if err != nil {
				return nil, err
			}
			if out == nil {
				out = make([]*crm.Fact, 0, room(limit))
			}
			out = append(out, f)
			c.step()
		case cmp < 0: // on to this subject's facts of the kind
			to = appendText(append(to[:0], c.key[:at]...), string(kind))
			c.forward(to)
		default: // on to the next subject
			to = append(append(to[:0], c.key[:at]...), 0xff)
			c.forward(to)
		}
	}
	return out, nil
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
func (t *tx) PutFacts(ctx context.Context, facts ...*crm.Fact) ([]bool, error) {
	if err := t.usable(ctx); err != nil {
		return nil, err
	}
	for _, f := range facts {
		if err := f.Validate(); err != nil {
			return nil, refuse("put", "fact", f.Key.String(), err)
		}
		if err := checkTimes(f.At, f.Recorded); err != nil {
			return nil, refuse("put", "fact", f.Key.String(), err)
		}
	}
	changed := make([]bool, len(facts))
	return changed, each(ctx, len(facts), func(i int) (err error) {
		changed[i], err = t.putFact(facts[i])
		return err
	})
}

func (t *tx) putFact(f *crm.Fact) (bool, error) {
	part := f.Subject.Part()
	t.key = appendFactKey(appendFlat(appendPart(t.key[:0], part), f.Subject), f.Key)
	e := t.encode()
	e.int(f.Version)
	e.time(crm.Micros(f.Recorded))
	content := len(e.b)
	if err := encodeContent(e, f); err != nil {
		return false, refuse("put", "fact", f.Key.String(), err)
	}
	if val, ok := t.st.facts.get(t.key); ok {
		d := decoder{s: val, words: t.store.words.list}
		version := d.int()
		d.time()
		if version > f.Version || version == f.Version && d.s == string(e.b[content:]) {
			return false, nil
		}
		if version == f.Version {
			t.st.words = t.store.words.list
			old, err := t.factOf(t.key, val)
			if err != nil {
				return false, err
			}
			was, err := hashOf(old, d.s)
			if err != nil {
				return false, err
			}
			is, err := hashOf(f, "")
			if err != nil {
				return false, err
			}
			if is <= was {
				return false, nil
			}
		}
	}
	t.keep(&t.st.facts, t.key)
	t.changed(part, crm.ChangedFact, f.Subject, f.Key, f.Recorded)
	return true, nil
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
		t.st.facts.remove(t.owner, t.key)
		t.changed(ref.Subject.Part(), crm.ChangedFact, ref.Subject, ref.Key, recorded)
		return nil
	})
}
