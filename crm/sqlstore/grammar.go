package sqlstore

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

// grammar writes statements for one dialect and schema. A statement that works on
// many rows takes them as a source named v with the columns c1, c2, …. The tenant
// is a parameter of every statement.
type grammar struct {
	traits
	d       dialect
	dialect Dialect
	before  string // what stands before a table's name
	prefix  string // what stands before that of an index
	kinds   *crm.Kinds
	tables  []table
	ofKind  map[crm.FactKind]tableID // of those that have a table of their own
	facts   []tableID                // the tables of facts, in the order in which they are written
}

func newGrammar(d Dialect, cfg Config) *grammar {
	g := &grammar{dialect: d, kinds: cfg.kinds, tables: schema(cfg.kinds), ofKind: map[crm.FactKind]tableID{}}
	g.d = d.speaker(g)
	g.traits = g.d.traits()
	for i := range g.tables {
		id := tableID(i)
		if k := g.tables[i].kind; k != nil {
			g.ofKind[k.Name] = id
		}
		if isFacts(id) {
			g.facts = append(g.facts, id)
		}
	}
	if cfg.Schema != "" {
		g.before = g.quote + cfg.Schema + g.quote + "."
	}
	g.before, g.prefix = g.before+g.quote+cfg.Prefix, cfg.Prefix
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
func (g *grammar) table(id tableID) string { return g.named(g.tables[id].name) }

func (g *grammar) named(table string) string { return g.before + table + g.quote }

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
		b.WriteString(columnOf(j))
	}
	return b.String()
}

// columnOf names the i-th column of v, from 0.
func columnOf(i int) string { return "c" + strconv.Itoa(i+1) }

// match compares columns of t with the first columns of v.
func (g *grammar) match(names []string) string {
	terms := []string{"t.tenant = " + tenantMark}
	for i, n := range names {
		terms = append(terms, "t."+n+" = v."+columnOf(i))
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

func returns(columns []string) string {
	if len(columns) == 0 {
		return ""
	}
	return " RETURNING " + list("", columns)
}

// replaceAll is the SET list that takes every column but the key from the row
// that could not be inserted.
func (g *grammar) replaceAll(id tableID) string {
	t := &g.tables[id]
	var set []string
	for _, n := range t.names()[t.keys:] {
		set = append(set, n+" = excluded."+n)
	}
	return strings.Join(set, ", ")
}

// lookup selects the rows of t that match v by the columns by.
func (g *grammar) lookup(id tableID, n int, by, out []string, tail string) string {
	return g.lookupBy(id, "", n, by, out, tail)
}

// lookupBy is lookup by another index than the key.
func (g *grammar) lookupBy(id tableID, index string, n int, by, out []string, tail string) string {
	with, from := g.d.rows(g.tables[id].typesOf(by), n)
	return with + g.d.seek(from, id, index, out, g.match(by), tail)
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

// remove deletes the rows that match v by the columns by.
func (g *grammar) remove(id tableID, n int, by []string) string {
	return g.d.remove(id, g.tables[id].typesOf(by), n, g.match(by), by)
}

// scan selects a page of rows after a key: $1, $2, … are the key columns, then
// the part to stop before, then the limit.
func (g *grammar) scan(id tableID, out []string, where string) string {
	keys := g.tables[id].keyNames()
	bounds := []string{g.d.bound(1), tenantMark}
	for i := range keys[1:] {
		bounds = append(bounds, g.d.bound(i+2))
	}
	n := len(keys)
	key := g.key(id)
	for i, k := range key {
		key[i] = "t." + k
	}
	return "SELECT " + list("t.", out) + " FROM " + g.table(id) + " AS t WHERE " + g.d.aside("t.tenant") + " = " + tenantMark +
		" AND " + g.d.beyond(key, ">", bounds) + " AND t.part < " + g.d.bound(n+1) + where +
		" ORDER BY " + strings.Join(key, ", ") + " LIMIT " + g.d.bound(n+2)
}

// chunk returns how many of the rows the next statement takes.
func (g *grammar) chunk(width int, vals []cell) int {
	n := g.d.most(len(vals) / width)
	if g.maxBytes == 0 {
		return n
	}
	size := 0
	for i, v := range vals[:n*width] {
		if size += len(v.s) + 8; size > g.maxBytes {
			return max(1, i/width)
		}
	}
	return n
}
