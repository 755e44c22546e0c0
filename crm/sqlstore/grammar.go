package sqlstore

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

// grammar writes statements for one dialect, schema and tenant. A statement
// that works on many rows takes them as a source named v with the columns c1,
// c2, …: on SQLite a VALUES list, on PostgreSQL one array per column, so that
// there the text does not depend on the number of rows.
type grammar struct {
	dialect Dialect
	before  string // what stands before a table's name
	tenant  string // quoted
	kinds   *crm.Kinds
	tables  []table
	ofKind  map[crm.FactKind]tableID // of those that have a table of their own
	facts   []tableID                // the tables of facts, in the order in which they are written
}

func newGrammar(d Dialect, cfg Config) *grammar {
	g := &grammar{dialect: d, tenant: "'" + cfg.Tenant + "'", kinds: cfg.kinds, tables: schema(cfg.kinds), ofKind: map[crm.FactKind]tableID{}}
	for i := range g.tables {
		id := tableID(i)
		if k := g.tables[i].kind; k != nil {
			g.ofKind[k.Name] = id
		}
		if isFacts(id) {
			g.facts = append(g.facts, id)
		}
	}
	if d == Postgres {
		g.before = `"` + cfg.Schema + `".`
	}
	g.before += `"` + cfg.Prefix
	return g
}

// factTable returns the table that keeps a kind of fact.
func (g *grammar) factTable(k crm.FactKind) tableID {
	if id, ok := g.ofKind[k]; ok {
		return id
	}
	return tabFacts
}

// table returns the qualified name of a table.
func (g *grammar) table(id tableID) string { return g.before + g.tables[id].name + `"` }

func param(n int) string { return "$" + strconv.Itoa(n) }

// values returns n rows of parameters; second, if not empty, is what stands
// after the first column of each.
func values(width, n int, second string) string {
	var b strings.Builder
	b.Grow(n * width * 6)
	for i, p := 0, 1; i < n; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for j := range width {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(p))
			if j == 0 && second != "" {
				b.WriteByte(',')
				b.WriteString(second)
			}
			p++
		}
		b.WriteByte(')')
	}
	return b.String()
}

func columns(width int) string {
	var b strings.Builder
	for j := range width {
		if j > 0 {
			b.WriteByte(',')
		}
		b.WriteString("c" + strconv.Itoa(j+1))
	}
	return b.String()
}

// rows returns the source v: what to write before the statement and what to
// name in FROM.
func (g *grammar) rows(types []colType, n int) (with, from string) {
	if g.dialect == SQLite {
		return "WITH v(" + columns(len(types)) + ") AS (VALUES " + values(len(types), n, "") + ") ", "v"
	}
	arrays := make([]string, len(types))
	for i, t := range types {
		cast := "::text[]"
		switch t {
		case small:
			cast = "::smallint[]"
		case big:
			cast = "::bigint[]"
		}
		arrays[i] = param(i+1) + "::text" + cast
	}
	return "", "unnest(" + strings.Join(arrays, ",") + ") AS v(" + columns(len(types)) + ")"
}

// rowParams is how many parameters rows takes for n rows.
func (g *grammar) rowParams(width, n int) int {
	if g.dialect == SQLite {
		return width * n
	}
	return width
}

// match compares columns of t with the first columns of v.
func (g *grammar) match(names []string) string {
	terms := []string{"t.tenant = " + g.tenant}
	for i, n := range names {
		terms = append(terms, "t."+n+" = v.c"+strconv.Itoa(i+1))
	}
	return strings.Join(terms, " AND ")
}

func list(prefix string, names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + n
	}
	return strings.Join(out, ", ")
}

// key is the primary key of the table with the tenant in its place.
func (g *grammar) key(id tableID) []string {
	t := &g.tables[id]
	return append([]string{"part", "tenant"}, t.keyNames()[1:]...)
}

// insert inserts n rows of all columns. What follows ON CONFLICT (key) DO is
// given, and what to return.
func (g *grammar) insert(id tableID, n int, conflict string, returning ...string) string {
	t := &g.tables[id]
	names := t.names()
	verb := "INSERT INTO "
	if g.dialect == SQLite && conflict == keepThere {
		// Nothing else can fail row by row, and FAIL spares SQLite the copy of
		// every page that ABORT needs to take the statement back.
		verb = "INSERT OR FAIL INTO "
	}
	q := verb + g.table(id) + " AS t (part, tenant, " + list("", names[1:]) + ") "
	if g.dialect == SQLite {
		q += "VALUES " + values(len(names), n, g.tenant)
	} else {
		_, from := g.rows(t.typesOf(names), n)
		c := strings.Split(columns(len(names)), ",")
		q += "SELECT c1, " + g.tenant + ", " + strings.Join(c[1:], ", ") + " FROM " + from
	}
	q += " ON CONFLICT (" + strings.Join(g.key(id), ", ") + ") DO " + conflict
	if len(returning) > 0 {
		q += " RETURNING " + list("", returning)
	}
	return q
}

// replaceAll is the SET list that takes every column but the key from the row
// that could not be inserted.
func (g *grammar) replaceAll(id tableID) string {
	t := &g.tables[id]
	var set []string
	for _, n := range t.names()[t.keys:] {
		set = append(set, n+" = excluded."+n)
	}
	return "UPDATE SET " + strings.Join(set, ", ")
}

// lookup selects the rows of t that match v by the columns by. Each row of v
// leads into the index by itself: a join that the planner may turn around reads
// the whole table as long as it believes that the table is small.
func (g *grammar) lookup(id tableID, n int, by, out []string, tail string) string {
	return g.lookupBy(id, "", n, by, out, tail)
}

// lookupBy is lookup by another index than the key. SQLite, which knows nothing
// of the rows before ANALYZE, must be told.
func (g *grammar) lookupBy(id tableID, index string, n int, by, out []string, tail string) string {
	with, from := g.rows(g.tables[id].typesOf(by), n)
	return with + g.seek(from, id, index, out, g.match(by), tail)
}

// seek selects from t, for each row of a source, what fits.
func (g *grammar) seek(source string, id tableID, index string, out []string, fits, tail string) string {
	if g.dialect == SQLite {
		return "SELECT " + list("t.", out) + " FROM " + source + " CROSS JOIN " + g.table(id) + " AS t" + g.indexedBy(index) + " ON " + fits + tail
	}
	all := union(out, g.tables[id].keyNames())
	return "SELECT " + list("t.", out) + " FROM " + source + " CROSS JOIN LATERAL (SELECT " + list("t.", all) + " FROM " + g.table(id) +
		" AS t WHERE " + fits + " LIMIT ALL) AS t" + tail
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func (g *grammar) indexedBy(index string) string {
	if index == "" || g.dialect != SQLite {
		return ""
	}
	return " INDEXED BY " + g.before + index + `"`
}

// forUpdate locks the rows read, in the order of the key.
func (g *grammar) forUpdate(id tableID) string {
	if g.dialect == SQLite {
		return ""
	}
	return " ORDER BY " + list("t.", g.tables[id].keyNames()) + " FOR UPDATE OF t"
}

// update sets columns of the rows whose key is in v, which are there. The set
// columns follow the key columns in v. On PostgreSQL it is an insert that always
// meets its row, because that one surely goes by the key (see lookup).
func (g *grammar) update(id tableID, n int, set []string) string {
	t := &g.tables[id]
	keys := t.keyNames()
	if g.dialect == Postgres {
		return g.upsert(id, n, set)
	}
	with, from := g.rows(t.typesOf(append(keys[:len(keys):len(keys)], set...)), n)
	terms := make([]string, len(set))
	for i, s := range set {
		terms[i] = s + " = v.c" + strconv.Itoa(len(keys)+i+1)
	}
	return with + "UPDATE " + g.table(id) + " AS t SET " + strings.Join(terms, ", ") + " FROM " + from + " WHERE " + g.match(keys)
}

// add inserts rows on PostgreSQL without ON CONFLICT, which makes it do every
// row twice. Rows that are there are left out, if they may be there; one that
// somebody else adds at the same moment is an error.
func (g *grammar) add(id tableID, n int, mayBeThere bool, returning ...string) string {
	t := &g.tables[id]
	names := t.names()
	_, from := g.rows(t.typesOf(names), n)
	c := strings.Split(columns(len(names)), ",")
	q := "INSERT INTO " + g.table(id) + " AS t (part, tenant, " + list("", names[1:]) + ") SELECT v.c1, " + g.tenant + ", " + list("v.", c[1:]) + " FROM " + from
	if mayBeThere {
		q += " LEFT JOIN LATERAL (SELECT 1 AS there FROM " + g.table(id) + " AS t WHERE " + g.match(t.keyNames()) + " LIMIT 1) AS x ON true WHERE x.there IS NULL"
	}
	if len(returning) > 0 {
		q += " RETURNING " + list("", returning)
	}
	return q
}

func (g *grammar) upsert(id tableID, n int, set []string) string {
	t := &g.tables[id]
	given := append(t.keyNames(), set...)
	_, from := g.rows(t.typesOf(given), n)
	var cells, change []string
	for _, c := range t.cols {
		switch i := slices.Index(given, c.name); {
		case i >= 0:
			cells = append(cells, "c"+strconv.Itoa(i+1))
		case c.typ == text:
			cells = append(cells, "''")
		default:
			cells = append(cells, "0")
		}
	}
	for _, s := range set {
		change = append(change, s+" = excluded."+s)
	}
	return "INSERT INTO " + g.table(id) + " AS t (part, tenant, " + list("", t.names()[1:]) + ") SELECT c1, " + g.tenant + ", " +
		strings.Join(cells[1:], ", ") + " FROM " + from + " ON CONFLICT (" + strings.Join(g.key(id), ", ") + ") DO UPDATE SET " + strings.Join(change, ", ")
}

// remove deletes the rows that match v by the columns by.
func (g *grammar) remove(id tableID, n int, by []string, returning ...string) string {
	with, from := g.rows(g.tables[id].typesOf(by), n)
	var q string
	if g.dialect == SQLite {
		q = with + "DELETE FROM " + g.table(id) + " AS t WHERE t.tenant = " + g.tenant + " AND (" + list("t.", by) + ") IN (SELECT " + columns(len(by)) + " FROM v)"
	} else {
		q = "DELETE FROM " + g.table(id) + " AS t USING " + from + " WHERE " + g.match(by)
	}
	if len(returning) > 0 {
		q += " RETURNING " + list("", returning)
	}
	return q
}

// scan selects a page of rows after a key: $1, $2, … are the key columns, then
// the part to stop before, then the limit.
func (g *grammar) scan(id tableID, out []string, where string) string {
	keys := g.tables[id].keyNames()
	bounds := []string{g.bound(1), g.tenant}
	for i := range keys[1:] {
		bounds = append(bounds, g.bound(i+2))
	}
	n := len(keys)
	return "SELECT " + list("t.", out) + " FROM " + g.table(id) + " AS t WHERE " + g.aside("t.tenant") + " = " + g.tenant +
		" AND (" + list("t.", g.key(id)) + ") > (" + strings.Join(bounds, ", ") + ") AND t.part < " + g.bound(n+1) + where +
		" ORDER BY " + list("t.", g.key(id)) + " LIMIT " + g.bound(n+2)
}

// aside keeps a column that is a constant from the planner of SQLite, which
// would else sort what the key has in order.
func (g *grammar) aside(column string) string {
	if g.dialect == SQLite {
		return "+" + column
	}
	return column
}

// bound is a parameter that bounds a range or a page. SQLite would plan such a
// statement anew for each value that is bound, which costs more than running it.
func (g *grammar) bound(n int) string {
	if g.dialect == SQLite {
		return "+" + param(n)
	}
	return param(n)
}

// finish turns the text into the form that the dialect's drivers bind alike.
// On SQLite $N is bound by number by some drivers and by appearance by others:
// parameters that appear once and in order become plain question marks, else
// they are numbered with ?N.
func (g *grammar) finish(q string) string {
	if g.dialect != SQLite {
		return q
	}
	var b strings.Builder
	b.Grow(len(q))
	plain, next := true, 1
	for pass := range 2 {
		b.Reset()
		for i := 0; i < len(q); i++ {
			if q[i] != '$' {
				b.WriteByte(q[i])
				continue
			}
			j := i + 1
			for j < len(q) && q[j] >= '0' && q[j] <= '9' {
				j++
			}
			if pass == 0 {
				n, _ := strconv.Atoi(q[i+1 : j])
				plain = plain && n == next
				next++
			}
			b.WriteByte('?')
			if pass == 1 {
				b.WriteString(q[i+1 : j])
			}
			i = j - 1
		}
		if plain {
			break
		}
	}
	return b.String()
}
