package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"regexp"
	"slices"
)

// Some databases do not tell which rows an INSERT, UPDATE or DELETE wrote (traits.mute).
// There a statement has two texts: rows that are added or replaced under a condition
// are asked for first, which locks those that are there, and then written as the
// answer says; rows to delete are read, locked, and deleted; and what was counted up is
// read afterwards.

// resultRow is a row that a statement returns.
type resultRow interface{ Scan(dest ...any) error }

var (
	tableColumn    = regexp.MustCompile(`\bt\.(\w+)`)
	excludedColumn = regexp.MustCompile(`\bexcluded\.(\w+)`)
)

// decided reports whether a mute database is asked which rows the statement writes.
func (g *grammar) decided(o op, tab tableID) bool {
	if !g.mute {
		return false
	}
	u, _, ok := g.written(o, tab)
	return ok && (u.set == "" || u.cond != "")
}

// insert inserts n rows of all columns, treats those that are there as u says and
// returns columns of those that were written.
func (g *grammar) insert(id statementID, n int, u upsert, returning []string) string {
	t := &g.tables[id.tab]
	switch {
	case !g.mute && id.then:
		return ""
	case !g.mute:
		return g.d.insert(id.tab, n, u) + returns(returning)
	case g.decided(id.op, id.tab) && !id.then:
		return g.d.decide(id.tab, g.asked(id.tab, u), u)
	case u.cond != "":
		return g.d.insert(id.tab, n, upsert{set: u.set})
	case u.set != "" && !id.then:
		return g.d.insert(id.tab, n, u)
	case u.set != "" && len(returning) > 0:
		return g.lookup(id.tab, n, t.keyNames(), returning, "")
	}
	return ""
}

// delete deletes rows by key and returns their keys and more.
func (g *grammar) delete(id statementID, n int, returning []string) string {
	keys := g.tables[id.tab].keyNames()
	switch {
	case !g.mute && id.then:
		return ""
	case !g.mute:
		return g.remove(id.tab, n, keys) + returns(returning)
	case id.then:
		return g.remove(id.tab, n, keys)
	}
	return g.lookup(id.tab, n, keys, returning, g.d.forUpdate(id.tab))
}

// asked returns the columns that an answer depends on, those of the key first.
func (g *grammar) asked(id tableID, u upsert) []string {
	out := g.tables[id].keyNames()
	for _, m := range excludedColumn.FindAllStringSubmatch(u.cond, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// decide writes rows that the database is asked about before, counts those written and
// gives scan, if it is not nil, what a statement would return of them.
func (s *session) decide(ctx context.Context, o op, tab tableID, rows *rowset, scan func(resultRow) error) (total int, err error) {
	g := s.s.g
	u, returning, _ := g.written(o, tab)
	ask, tell := g.places(tab, g.asked(tab, u)), g.places(tab, returning)
	for left := rows.vals; len(left) > 0; {
		n := g.chunk(rows.width, left)
		some := &rowset{width: rows.width, vals: left[:n*rows.width]}
		left = left[n*rows.width:]
		written, err := s.decideSome(ctx, o, tab, some, ask)
		if err != nil {
			return total, err
		}
		for v := written.vals; len(v) > 0; v = v[rows.width:] {
			total++
			if scan != nil {
				if err := scan(pick(nil, v, tell)); err != nil {
					return total, err
				}
			}
		}
	}
	return total, nil
}

// decideTries is how often rows are asked for that were not there and are when they are
// added, because other transactions committed them meanwhile.
const decideTries = 10

// decideSome is decide for the rows of one statement. It returns those written.
func (s *session) decideSome(ctx context.Context, o op, tab tableID, rows *rowset, ask []int) (*rowset, error) {
	g, n := s.s.g, rows.len()
	var keys cells
	for v := rows.vals; len(v) > 0; v = v[rows.width:] {
		keys = pick(keys, v, ask)
	}
	for try := 1; ; try++ {
		fresh, over := newRows(rows.width, n), newRows(rows.width, 0)
		err := s.queryText(ctx, s.s.sql(o, tab, n), g.d.args(len(ask), keys), func(r resultRow) error {
			var i int
			var there, writes bool
			err := r.Scan(&i, &there, &writes)
			if err != nil || i < 1 || i > n {
				return err
			}
			v := rows.vals[(i-1)*rows.width : i*rows.width]
			switch {
			case !there:
				fresh.vals = append(fresh.vals, v...)
			case writes:
				over.vals = append(over.vals, v...)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if fresh.len() > 0 {
			_, err = s.execText(ctx, s.s.sql(opAdd, tab, n), g.d.args(fresh.width, fresh.vals))
			if err != nil && g.d.fault(err) == taken {
				if try < decideTries {
					continue // the statement left nothing; now they are there
				}
				err = fmt.Errorf("%w: %w", errAgain, err)
			}
			if err != nil {
				return nil, err
			}
		}
		if over.len() > 0 {
			if _, err := s.execText(ctx, s.s.sqlOf(statementID{o, tab, true}, n), g.d.args(over.width, over.vals)); err != nil {
				return nil, err
			}
		}
		fresh.vals = append(fresh.vals, over.vals...)
		return fresh, nil
	}
}

// places returns where columns of a table are among all of them.
func (g *grammar) places(tab tableID, names []string) []int {
	all := g.tables[tab].names()
	out := make([]int, len(names))
	for i, n := range names {
		out[i] = slices.Index(all, n)
	}
	return out
}

// cells is a row that was not read but written.
type cells []cell

// pick appends cells of a row.
func pick(to cells, from []cell, places []int) cells {
	for _, p := range places {
		to = append(to, from[p])
	}
	return to
}

// Scan copies into texts and integers of any type; what is NULL becomes zero.
func (c cells) Scan(dest ...any) error {
	if len(dest) != len(c) {
		return fmt.Errorf("a row has %d columns, %d are wanted", len(c), len(dest))
	}
	for i, d := range dest {
		switch v := reflect.ValueOf(d).Elem(); {
		case v.Kind() == reflect.String && c[i].kind == str:
			v.SetString(c[i].s)
		case v.CanInt() && c[i].kind == num:
			v.SetInt(c[i].n)
		default:
			return fmt.Errorf("column %d cannot be a %T", i+1, d)
		}
	}
	return nil
}

// sorted returns the rows in the order of their columns.
func (r *rowset) sorted() *rowset {
	order := make([][]cell, 0, r.len())
	for v := r.vals; len(v) > 0; v = v[r.width:] {
		order = append(order, v[:r.width])
	}
	slices.SortFunc(order, func(a, b []cell) int {
		return slices.CompareFunc(a, b, func(x, y cell) int { return cmp.Or(cmp.Compare(x.n, y.n), cmp.Compare(x.s, y.s)) })
	})
	out := newRows(r.width, r.len())
	for _, v := range order {
		out.vals = append(out.vals, v...)
	}
	return out
}

var _ resultRow = (*sql.Rows)(nil)
