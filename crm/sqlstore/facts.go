package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// factKey returns the key of a fact as its table has it.
func factKey(tab tableID, part crm.Part, ref crm.FactRef) []any {
	kind, a, b := ref.Subject.Flat()
	if tab == tabFacts {
		return []any{int64(part), kind, seek(a), seek(b), seek(string(ref.Key.Kind)), seek(ref.Key.Source), seek(ref.Key.ID)}
	}
	return []any{int64(part), kind, seek(a), seek(b), seek(ref.Key.Source), seek(ref.Key.ID)}
}

// Facts implements crm.Reader.
func (r *reader) Facts(ctx context.Context, refs ...crm.FactRef) ([]*crm.Fact, error) {
	found := make(map[crm.FactRef]*crm.Fact, len(refs))
	for _, tab := range r.s.g.facts {
		rows := newRows(r.s.g.tables[tab].keys, 0)
		for _, ref := range refs {
			if r.s.g.factTable(ref.Key.Kind) == tab {
				rows.add(factKey(tab, ref.Subject.Part(), ref)...)
			}
		}
		err := r.each(ctx, opGet, tab, rows, func(rows resultRow) error {
			f, err := r.s.g.scanFact(tab, rows)
			if err == nil {
				found[f.Ref()] = f
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	out := make([]*crm.Fact, len(refs))
	for i, ref := range refs {
		if out[i] = found[ref]; out[i] == nil && r.absent != nil {
			r.absent[ref] = struct{}{}
		}
	}
	return out, nil
}

// Kinds implements crm.Reader.
func (r *reader) Kinds() *crm.Kinds { return r.s.g.kinds }

// FactKinds implements crm.Reader. Kinds that have a table of their own are
// always named.
func (r *reader) FactKinds(ctx context.Context) ([]crm.FactKind, error) {
	var out []crm.FactKind
	for _, tab := range r.s.g.facts {
		if kind := r.s.g.tables[tab].kindName(); kind != "" {
			out = append(out, kind)
		}
	}
	err := r.query(ctx, opAll, tabFacts, 1, nil, func(rows resultRow) error {
		var kind crm.FactKind
		err := rows.Scan(&kind)
		out = append(out, kind)
		return err
	})
	slices.Sort(out)
	return slices.Compact(out), err
}

func (g *grammar) scanFact(tab tableID, rows resultRow) (*crm.Fact, error) {
	var kind, a, b string
	var at, recorded int64
	var data sql.RawBytes
	f := new(crm.Fact)
	into := []any{&kind, &a, &b, &f.Key.Source, &f.Key.ID, &at, &f.Version, &recorded, &f.Place, &data}
	if f.Key.Kind = g.tables[tab].kindName(); f.Key.Kind == "" {
		into = append(into, &f.Key.Kind)
	}
	err := rows.Scan(into...)
	if err != nil {
		return nil, err
	}
	f.Subject, f.At, f.Recorded = crm.SubjectOf(kind, a, b), fromMicros(at), fromMicros(recorded)
	f.Data, err = g.kinds.Decode(f.Key.Kind, data)
	return f, err
}

// FactsOf implements crm.Reader. Each table gives its first page; the pages
// are merged.
func (r *reader) FactsOf(ctx context.Context, q crm.FactQuery) ([]*crm.Fact, error) {
	limit := int(page(q.Limit))
	subjects := slices.Clone(q.Subjects)
	slices.SortFunc(subjects, compareSubjects)
	subjects = slices.Compact(subjects)
	var out []*crm.Fact
	if !q.After.IsZero() {
		i, at := slices.BinarySearchFunc(subjects, q.After.Subject, compareSubjects)
		subjects = subjects[i:]
		if at {
			var err error
			if out, err = r.factsAfter(ctx, q, limit); err != nil {
				return nil, err
			}
			subjects = subjects[1:]
		}
	}
	// Subjects in pieces: those of a full page need not be asked for further.
	for len(subjects) > 0 && len(out) < limit {
		n := r.s.g.d.most(min(len(subjects), 256))
		rows := newRows(4, n)
		for _, s := range subjects[:n] {
			kind, a, b := s.Flat()
			rows.add(int64(s.Part()), kind, seek(a), seek(b))
		}
		subjects = subjects[n:]
		var found []*crm.Fact
		for _, tab := range r.s.g.tablesOf(q.Kinds) {
			tail := factTail{limit: limit - len(out), kinds: r.s.g.kindsIn(tab, q.Kinds)}
			more, err := r.factsOf(ctx, tab, rows, tail)
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
		}
		sortFacts(found)
		out = append(out, found[:min(len(found), limit-len(out))]...)
	}
	return out, nil
}

func compareSubjects(a, b crm.Subject) int {
	if p, q := a.Part(), b.Part(); p != q {
		return int(p) - int(q)
	}
	return a.Compare(b)
}

func sortFacts(facts []*crm.Fact) {
	type keyed struct {
		part crm.Part
		f    *crm.Fact
	}
	list := make([]keyed, len(facts))
	for i, f := range facts {
		list[i] = keyed{f.Subject.Part(), f}
	}
	slices.SortFunc(list, func(a, b keyed) int {
		if a.part != b.part {
			return int(a.part) - int(b.part)
		}
		if c := a.f.Subject.Compare(b.f.Subject); c != 0 {
			return c
		}
		return a.f.Key.Compare(b.f.Key)
	})
	for i := range list {
		facts[i] = list[i].f
	}
}

// tablesOf returns the tables that keep the kinds; none given means all.
func (g *grammar) tablesOf(kinds []crm.FactKind) []tableID {
	if len(kinds) == 0 {
		return g.facts
	}
	var out []tableID
	for _, k := range kinds {
		if t := g.factTable(k); !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// kindsIn returns which of the kinds the table of many kinds must be asked for.
func (g *grammar) kindsIn(tab tableID, kinds []crm.FactKind) []crm.FactKind {
	if tab != tabFacts {
		return nil
	}
	var out []crm.FactKind
	for _, k := range kinds {
		if g.factTable(k) == tabFacts && !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// factTail bounds a page of facts.
type factTail struct {
	limit int
	kinds []crm.FactKind
}

func (r *reader) factsOf(ctx context.Context, tab tableID, subjects *rowset, tail factTail) ([]*crm.Fact, error) {
	var out []*crm.Fact
	scan := func(rows resultRow) error {
		f, err := r.s.g.scanFact(tab, rows)
		out = append(out, f)
		return err
	}
	if len(tail.kinds) == 0 {
		err := r.each(ctx, opOf, tab, subjects, scan, int64(tail.limit))
		return out, err
	}
	rows := newRows(5, subjects.len()*len(tail.kinds))
	for v := subjects.vals; len(v) > 0; v = v[4:] {
		for _, k := range tail.kinds {
			rows.vals = append(rows.vals, v[:4]...)
			rows.add(seek(string(k)))
		}
	}
	err := r.each(ctx, opOfKind, tab, rows, scan, int64(tail.limit))
	return out, err
}

// factsAfter returns the rest of the subject in the middle of which the page
// before ended.
func (r *reader) factsAfter(ctx context.Context, q crm.FactQuery, limit int) ([]*crm.Fact, error) {
	s := q.After.Subject
	subjectKind, a, b := s.Flat()
	subject := []any{int64(s.Part()), subjectKind, seek(a), seek(b)}
	after := q.After.Key
	var out []*crm.Fact
	for _, tab := range r.s.g.tablesOf(q.Kinds) {
		args := subject[:4:4]
		switch k := r.s.g.tables[tab].kindName(); {
		case k == "":
			args = append(args, seek(string(after.Kind)), seek(after.Source), seek(after.ID))
		case k < after.Kind:
			continue
		case k == after.Kind:
			args = append(args, seek(after.Source), seek(after.ID))
		default:
			args = append(args, "", "")
		}
		kinds := r.s.g.kindsIn(tab, q.Kinds)
		for {
			// Of the table of many kinds a page may hold kinds that nobody
			// asked for; then the next one is needed.
			n, kept := 0, 0
			var last *crm.Fact
			err := r.query(ctx, opOfAfter, tab, 1, append(args[:len(args):len(args)], int64(limit)), func(rows resultRow) error {
				f, err := r.s.g.scanFact(tab, rows)
				if err != nil {
					return err
				}
				n++
				last = f
				if len(kinds) == 0 || slices.Contains(kinds, f.Key.Kind) {
					kept++
					out = append(out, f)
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
			if n < limit || kept >= limit {
				break
			}
			args = append(subject[:4:4], seek(string(last.Key.Kind)), last.Key.Source, last.Key.ID)
			if tab != tabFacts {
				break
			}
		}
	}
	sortFacts(out)
	return out[:min(len(out), limit)], nil
}

// ScanFacts implements crm.Reader.
func (r *reader) ScanFacts(ctx context.Context, parts crm.PartRange, kind crm.FactKind, after crm.FactRef, limit int) ([]*crm.Fact, error) {
	parts = parts.Bounds()
	tab := r.s.g.factTable(kind)
	keys := r.s.g.tables[tab].keys
	args := make([]any, 0, keys+3)
	if p := after.Subject.Part(); !after.IsZero() && p >= parts.Lo {
		args = append(args, factKey(tab, p, after)...)
	} else {
		args = append(args, int64(parts.Lo))
		for range keys - 1 {
			args = append(args, "")
		}
	}
	args = append(args, int64(parts.Hi), page(limit))
	if tab == tabFacts {
		args = append(args, seek(string(kind)))
	}
	var out []*crm.Fact
	err := r.query(ctx, opScan, tab, 1, args, func(rows resultRow) error {
		f, err := r.s.g.scanFact(tab, rows)
		out = append(out, f)
		return err
	})
	return out, err
}

// factRow is a fact on its way into its table.
type factRow struct {
	ref  *crm.FactRef // large: rows are sorted
	part crm.Part
	tab  tableID
	at   int // its place in the call
}

func (a factRow) compare(b factRow) int {
	if a.tab != b.tab {
		return int(a.tab) - int(b.tab)
	}
	if a.part != b.part {
		return int(a.part) - int(b.part)
	}
	if c := a.ref.Subject.Compare(b.ref.Subject); c != 0 {
		return c
	}
	return a.ref.Key.Compare(b.ref.Key)
}

// PutFacts implements crm.Tx.
func (t *tx) PutFacts(ctx context.Context, facts ...*crm.Fact) ([]crm.Put, error) {
	return t.putAll(ctx, facts, opNewer)
}

// PutNewest implements crm.Tx.
func (t *tx) PutNewest(ctx context.Context, facts ...*crm.Fact) ([]crm.Put, error) {
	return t.putAll(ctx, facts, opNewest)
}

// putAll writes facts by opNewer or opNewest.
func (t *tx) putAll(ctx context.Context, facts []*crm.Fact, o op) ([]crm.Put, error) {
	rows := make([]factRow, len(facts))
	refs := make([]crm.FactRef, len(facts))
	parts := make([]crm.Part, len(facts))
	for i, f := range facts {
		if err := t.s.g.checkFact(f); err != nil {
			return nil, err
		}
		if i > 0 && f.Subject == facts[i-1].Subject {
			parts[i] = parts[i-1]
		} else {
			parts[i] = f.Subject.Part()
		}
		refs[i] = f.Ref()
		rows[i] = factRow{&refs[i], parts[i], t.s.g.factTable(f.Key.Kind), i}
	}
	slices.SortFunc(rows, func(a, b factRow) int { return cmp.Or(a.compare(b), a.at-b.at) })
	puts := make([]crm.Put, len(facts))
	for len(rows) > 0 {
		// A fact that is there twice waits for the next round, so that each
		// statement meets it once and they count in the order given.
		round, later := rows, []factRow(nil)
		again := func(i int) bool { return i > 0 && rows[i].tab == rows[i-1].tab && *rows[i].ref == *rows[i-1].ref }
		for i := range rows {
			if again(i) {
				round = nil
				break
			}
		}
		if round == nil {
			for i, r := range rows {
				if again(i) {
					later = append(later, r)
				} else {
					round = append(round, r)
				}
			}
		}
		for len(round) > 0 {
			n := 1
			for n < len(round) && round[n].tab == round[0].tab {
				n++
			}
			fresh, known, err := t.divide(ctx, round[:n])
			if err != nil {
				return nil, err
			}
			if err := t.putFacts(ctx, fresh, facts, puts, opAdd); err != nil {
				return nil, err
			}
			if err := t.putFacts(ctx, known, facts, puts, o); err != nil {
				return nil, err
			}
			round = round[n:]
		}
		rows = later
	}
	t.changes = slices.Grow(t.changes, len(facts))
	for i, f := range facts {
		if puts[i].Changed() {
			t.changed(crm.ChangedFact, parts[i], f.Subject, f.Key)
		}
	}
	return puts, nil
}

// putFacts writes facts of one table, sorted by key, each once. Those of opAdd
// are known to be new, which spares the database to compare and to answer.
func (t *tx) putFacts(ctx context.Context, list []factRow, facts []*crm.Fact, puts []crm.Put, o op) error {
	if len(list) == 0 {
		return nil
	}
	tab := list[0].tab
	fresh := o == opAdd
	rows := t.s.rows(len(t.s.g.tables[tab].cols), len(list))
	defer t.s.free(rows)
	hashes := make([]int64, len(list))
	for i, r := range list {
		f := facts[r.at]
		data, err := crm.EncodeFactData(f.Data)
		if err != nil {
			return &crm.Error{Op: "encode", Entity: string(f.Key.Kind), ID: f.Key.String(), Kind: crm.ErrInvalid, Err: err}
		}
		kind, a, b := f.Subject.Flat()
		if tab == tabFacts {
			rows.add(int64(r.part), kind, a, b, string(f.Key.Kind), f.Key.Source, f.Key.ID)
		} else {
			rows.add(int64(r.part), kind, a, b, f.Key.Source, f.Key.ID)
		}
		hashes[i] = crm.FactHash(f, data)
		rows.add(micros(f.At), f.Version, hashes[i], micros(f.Recorded), f.Place, jsonText(data))
		rows.addPlain(t.s.g.tables[tab].kind, f.Data)
	}
	if fresh && t.conn != nil && len(list) >= manyRows {
		if _, err := t.exec(ctx, opAdd, tab, rows); err != nil {
			return t.doom(err)
		}
		for _, r := range list {
			puts[r.at] = crm.PutNew
		}
		return nil
	}
	if fresh {
		n, err := t.exec(ctx, t.faster(opAdd, tab), tab, rows)
		switch {
		case err != nil:
			return t.doom(err)
		case n == len(list):
			for _, r := range list {
				puts[r.at] = crm.PutNew
			}
			return nil
		case t.own:
			return t.doom(errAgain) // somebody else was faster; run again, we see
		}
		return t.doom(conflict("put", string(list[0].ref.Key.Kind), list[0].ref.Key.String()))
	}
	if err := t.putOver(ctx, o, list, rows, puts, crm.PutNew); err != nil || o == opNewest {
		return err
	}
	return t.classify(ctx, list, hashes, rows, facts, puts)
}

// putOver writes rows by a statement that answers with those that were written,
// which become as told.
func (t *tx) putOver(ctx context.Context, o op, list []factRow, rows *rowset, puts []crm.Put, become crm.Put) error {
	tab := list[0].tab
	next := 0
	return t.each(ctx, o, tab, rows, func(rows resultRow) error {
		ref, part, err := t.s.g.scanFactKey(tab, rows)
		if err != nil {
			return err
		}
		want := factRow{ref: &ref, part: part, tab: tab}
		// They come back in the order given, save where a database thinks
		// otherwise.
		if next >= len(list) || *list[next].ref != ref {
			next, _ = slices.BinarySearchFunc(list, want, factRow.compare)
		}
		if next < len(list) && *list[next].ref == ref {
			puts[list[next].at] = become
		}
		next++
		return nil
	})
}

// classify says of the facts that are not newer than their rows what the rows
// are, and writes those that win a tie. The rows are locked: PostgreSQL locks
// what ON CONFLICT meets, also where it changes nothing.
func (t *tx) classify(ctx context.Context, list []factRow, hashes []int64, rows *rowset, facts []*crm.Fact, puts []crm.Put) error {
	tab := list[0].tab
	keys := newRows(t.s.g.tables[tab].keys, 0)
	for _, r := range list {
		if puts[r.at] == crm.PutSame {
			keys.add(factKey(tab, r.part, *r.ref)...)
		}
	}
	if keys.len() == 0 {
		return nil
	}
	type stored struct{ version, hash int64 }
	there := make(map[crm.FactRef]stored, keys.len())
	err := t.each(ctx, opVersions, tab, keys, func(rows resultRow) error {
		var s stored
		ref, _, err := t.s.g.scanFactKey(tab, rows, &s.version, &s.hash)
		there[ref] = s
		return err
	})
	if err != nil {
		return err
	}
	var ties []factRow
	again := newRows(rows.width, 0)
	for i, r := range list {
		if puts[r.at] != crm.PutSame {
			continue
		}
		switch s, v := there[*r.ref], facts[r.at].Version; {
		case s.version > v:
			puts[r.at] = crm.PutOlder
		case s.hash > hashes[i]:
			puts[r.at] = crm.PutLost
		case s.hash < hashes[i]:
			ties = append(ties, r)
			again.vals = append(again.vals, rows.vals[i*rows.width:(i+1)*rows.width]...)
		}
	}
	if len(ties) == 0 {
		return nil
	}
	return t.putOver(ctx, opTied, ties, again, puts, crm.PutWon)
}

func (g *grammar) scanFactKey(tab tableID, rows resultRow, more ...any) (ref crm.FactRef, part crm.Part, err error) {
	var kind, a, b string
	var p int64
	into := []any{&p, &kind, &a, &b, &ref.Key.Source, &ref.Key.ID}
	if ref.Key.Kind = g.tables[tab].kindName(); ref.Key.Kind == "" {
		into = append(into, &ref.Key.Kind)
	}
	err = rows.Scan(append(into, more...)...)
	ref.Subject = crm.SubjectOf(kind, a, b)
	return ref, crm.Part(p), err
}

// addPlain adds the columns that hosts want to query.
func (r *rowset) addPlain(k *crm.Kind, data crm.FactData) {
	if k == nil {
		return
	}
	for i := range k.Columns {
		if c := &k.Columns[i]; c.Text != nil {
			r.vals = append(r.vals, cell{s: clean(c.Text(data)), kind: str})
		} else {
			r.vals = append(r.vals, cell{n: c.Int(data), kind: num})
		}
	}
}

// DeleteFacts implements crm.Tx.
func (t *tx) DeleteFacts(ctx context.Context, refs ...crm.FactRef) error {
	list := make([]factRow, len(refs))
	for i, ref := range refs {
		list[i] = factRow{&refs[i], ref.Subject.Part(), t.s.g.factTable(ref.Key.Kind), i}
	}
	slices.SortFunc(list, factRow.compare)
	// Given twice, a row would come back twice where the database is asked for it before.
	list = slices.CompactFunc(list, func(a, b factRow) bool { return a.tab == b.tab && *a.ref == *b.ref })
	for len(list) > 0 {
		tab, n := list[0].tab, 1
		for n < len(list) && list[n].tab == tab {
			n++
		}
		rows := newRows(t.s.g.tables[tab].keys, n)
		for _, r := range list[:n] {
			rows.add(factKey(tab, r.part, *r.ref)...)
		}
		var gone []crm.FactRef
		err := t.each(ctx, opDelete, tab, rows, func(rows resultRow) error {
			ref, _, err := t.s.g.scanFactKey(tab, rows)
			gone = append(gone, ref)
			return err
		})
		if err != nil {
			return err
		}
		slices.SortFunc(gone, crm.FactRef.Compare)
		for _, ref := range gone {
			t.changed(crm.ChangedFact, ref.Subject.Part(), ref.Subject, ref.Key)
		}
		list = list[n:]
	}
	return nil
}
