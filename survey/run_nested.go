package survey

import (
	"slices"
	"strings"
)

// repeats tells the questions that hold panels or rows.
func (q *Question) repeats() bool {
	return q.Repeat != nil && q.Repeat.tree != nil || q.Matrix != nil && q.Matrix.tree != nil || q.rules.fields != nil
}

// inner is the tree of the questions inside a question.
func (q *Question) inner() *tree {
	switch {
	case q.Repeat != nil:
		return q.Repeat.tree
	case q.Matrix != nil:
		return q.Matrix.tree
	}
	return q.rules.fields
}

// fixedRows tells a table whose rows are its author's.
func (q *Question) fixedRows() bool { return q.Type == "matrixdropdown" }

// build makes the panels or rows that a question has at first.
func (s *Session) build(n *live) {
	if !n.q.repeats() {
		return
	}
	s.rebuild(n)
	if n.q.Repeat == nil && n.q.Type != "matrixdynamic" || len(n.kids) > 0 && !isEmpty(n.value()) {
		return
	}
	want := n.q.count()
	if ru := n.q.rules; !isEmpty(ru.defaultRow) && want > 0 {
		rows := make([]any, want)
		for i := range rows {
			rows[i] = normalValue(ru.defaultRow, 0)
		}
		s.assign(n, rows, false)
		s.rebuild(n)
		return
	}
	s.grow(n, want)
	if n.q.Repeat != nil && want > 0 && n.sc.values[n.q.Key()] == nil {
		n.changedInside(nil) // SurveyJS stores empty panels, but not empty rows
	}
}

// count is how many panels or rows there are at first.
func (q *Question) count() int {
	if q.Repeat != nil {
		return q.Repeat.Count
	}
	if q.Matrix != nil {
		return q.Matrix.RowCount
	}
	return 0
}

// bounds are the least and greatest number of panels or rows.
func (q *Question) bounds() (lo, hi int) {
	if q.Repeat != nil {
		return q.Repeat.Min, q.Repeat.Max
	}
	return q.Matrix.MinRows, q.Matrix.MaxRows
}

// rebuild makes the panels or rows follow the value of their question.
func (s *Session) rebuild(n *live) {
	if !n.q.repeats() {
		return
	}
	switch v := n.value().(type) {
	case []any:
		if n.q.fixedRows() || n.q.rules.fields != nil {
			return
		}
		_, hi := n.q.bounds()
		v = v[:min(len(v), hi)]
		n.kids = n.kids[:min(len(n.kids), len(v))]
		for i, it := range v {
			values, ok := it.(map[string]any)
			if !ok {
				values = map[string]any{}
			}
			if i < len(n.kids) {
				s.replace(n.kids[i], values)
			} else {
				s.append(n, Choice{}, values)
			}
		}
	case map[string]any:
		s.rebuildFixed(n, v)
	case nil:
		if n.q.fixedRows() || n.q.rules.fields != nil {
			s.rebuildFixed(n, nil)
			return
		}
		lo, _ := n.q.bounds()
		if n.q.Repeat != nil {
			lo = n.q.Repeat.Count
		}
		n.kids = n.kids[:min(len(n.kids), lo)]
		for _, k := range n.kids {
			s.replace(k, map[string]any{})
		}
		if len(n.kids) < lo && !s.loading {
			s.grow(n, lo)
		}
	}
}

// rebuildFixed is rebuild of a table with rows of its author, or of a multiple text.
func (s *Session) rebuildFixed(n *live, v map[string]any) {
	rows := []Choice{{}}
	if n.q.fixedRows() {
		rows = n.q.Matrix.Rows
	} else if n.q.rules.fields == nil {
		return
	}
	for i, row := range rows {
		values := v
		if n.q.fixedRows() {
			values, _ = v[row.Key()].(map[string]any)
		}
		if values == nil {
			values = map[string]any{}
		}
		if i < len(n.kids) {
			s.replace(n.kids[i], values)
		} else {
			s.append(n, row, values)
		}
	}
}

// append adds a panel or row with its values and the defaults of its questions.
func (s *Session) append(n *live, row Choice, values map[string]any) *scope {
	k := s.newScope(n.q.inner(), n, len(n.kids), values)
	k.row = row
	n.kids = append(n.kids, k)
	for i := range k.nodes {
		if c := &k.nodes[i]; c.q != nil && s.spend() {
			s.load(c)
		}
	}
	if !s.loading { // else all conditions are to run yet
		for i := range k.nodes {
			s.runOwn(&k.nodes[i])
		}
	}
	return k
}

// replace gives a panel or row other values.
func (s *Session) replace(k *scope, values map[string]any) {
	k.values, k.touched = values, s.settling
	for i := range k.nodes {
		if c := &k.nodes[i]; c.q != nil && c.q.repeats() {
			s.rebuild(c)
		}
	}
}

// rebuildIf follows the value of a question that was set itself.
func (s *Session) rebuildIf(n *live) {
	if n.q.repeats() {
		s.rebuild(n)
	}
}

// grow changes how many panels or rows there are.
func (s *Session) grow(n *live, want int) {
	lo, hi := n.q.bounds()
	want = min(max(want, lo), hi)
	for len(n.kids) < want && s.spend() {
		s.append(n, Choice{}, map[string]any{})
	}
	if len(n.kids) > want {
		n.kids = n.kids[:want]
	}
}

// collect makes the value of a question of its panels or rows.
func (n *live) collect() {
	key := n.q.Key()
	switch {
	case n.q.rules.fields != nil:
		if v := n.kids[0].values; isEmpty(v) {
			delete(n.sc.values, key)
		} else {
			n.sc.values[key] = v
		}
	case n.q.fixedRows():
		v := map[string]any{}
		for _, k := range n.kids {
			if len(k.values) > 0 {
				v[k.row.Key()] = k.values
			}
		}
		if isEmpty(v) {
			delete(n.sc.values, key)
			return
		}
		n.sc.values[key] = v
	default:
		v := make([]any, len(n.kids))
		all := true
		for i, k := range n.kids {
			v[i] = k.values
			all = all && isEmpty(k.values)
		}
		if len(v) == 0 || all && n.q.Repeat == nil {
			delete(n.sc.values, key)
			return
		}
		n.sc.values[key] = v
	}
}

// collectOne is collect where only one panel or row has changed. It is false where the value has
// to be made anew.
func (n *live) collectOne(k *scope) bool {
	if isEmpty(k.values) {
		return false
	}
	switch v := n.sc.values[n.q.Key()].(type) {
	case map[string]any:
		if !n.q.fixedRows() {
			return false
		}
		v[k.row.Key()] = k.values
		return true
	case []any:
		if len(v) != len(n.kids) || k.index >= len(v) || n.kids[k.index] != k {
			return false
		}
		v[k.index] = k.values
		return true
	}
	return false
}

// runNested runs the conditions of panels, rows and fields, and how many there are.
func (s *Session) runNested(n *live) {
	if !n.q.repeats() {
		return
	}
	if x := n.q.rules.countExpr; x != nil {
		s.setCount(n, getNumber(s.eval(x, n.sc)))
	}
	for _, k := range n.kids {
		k.hidden = false
		if x := n.q.rules.rowsVisibleIf; x != nil {
			k.hidden = !loosely(s.eval(x, k))
		}
		if x := n.q.rules.templateIf; x != nil {
			k.hidden = !loosely(s.eval(x, k))
		}
		for i := range k.nodes {
			if k.nodes[i].el.parent == nil {
				s.runElement(&k.nodes[i])
			}
		}
	}
}

// setCount makes the number of panels or rows that of a value, where it is one.
func (s *Session) setCount(n *live, f float64) {
	if !(f >= 0 && f <= 1000) || int(f) == len(n.kids) || !n.q.repeats() {
		return
	}
	old := normalValue(n.value(), 0)
	list, _ := n.value().([]any)
	s.grow(n, int(f))
	if n.q.Repeat != nil || len(n.kids) < len(list) { // empty rows are no answer yet
		n.changedInside(old)
	}
}

// runRows decides which rows and columns of a matrix show.
func (s *Session) runRows(n *live) {
	m := n.q.Matrix
	if m == nil || n.q.Type != "matrix" {
		return
	}
	run := func(list []Choice, all *expression, old []bool) []bool {
		if all == nil && !slices.ContainsFunc(list, func(c Choice) bool { return c.visibleIf != nil }) {
			return nil
		}
		out := make([]bool, len(list))
		for i, c := range list {
			x := c.visibleIf
			if x == nil {
				x = all
			}
			out[i] = x == nil || loosely(s.evalItem(x, n.sc, c))
		}
		return out
	}
	n.rows = run(m.Rows, n.q.rules.rowsVisibleIf, n.rows)
	n.columns = run(m.Columns, n.q.rules.columnsVisibleIf, n.columns)
}

// visibleRows says of each row whether it shows.
func (n *live) visibleRows() []bool {
	if n.rows != nil {
		return n.rows
	}
	out := make([]bool, 0, len(n.q.Matrix.Rows))
	if n.q.repeats() {
		for _, k := range n.kids {
			out = append(out, !k.hidden)
		}
		return out
	}
	for range n.q.Matrix.Rows {
		out = append(out, true)
	}
	return out
}

// evalItem evaluates the condition of a choice, row or column, which {item} names.
func (s *Session) evalItem(x *expression, sc *scope, c Choice) any {
	e := s.evaluation(sc)
	e.extra = map[string]any{"item": c.Value, "choice": c.Value}
	for _, name := range x.names {
		if _, member, ok := strings.Cut(name, "."); ok && name[0] == '$' {
			if v, ok := c.extra[member]; ok {
				e.extra[name] = v
			}
		}
	}
	return x.root.eval(e)
}

// find finds a question by a path such as orders[0].quantity, matrix.row.column or name.field.
func (s *Session) find(name string) *live {
	p := newPath(name)
	return s.follow(&p)
}

// follow is find of a path that is cut already.
func (s *Session) follow(p *path) *live {
	if n := s.root.named(p.full); n != nil {
		return n
	}
	sc := s.root
	for i := 0; i < len(p.parts); i++ {
		n := sc.named(p.parts[i].name)
		for j := i + 1; n == nil && j < len(p.parts) && !p.parts[j-1].indexed; j++ { // a name with dots
			rest := p.from(i)
			if n = sc.named(rest.joined(j - i + 1)); n != nil {
				i = j
			}
		}
		if n == nil || i == len(p.parts)-1 && !p.parts[i].indexed {
			return n
		}
		if !n.q.repeats() {
			return nil
		}
		switch {
		case p.parts[i].indexed:
			if at := p.parts[i].index; at < 0 || at >= len(n.kids) {
				return nil
			}
			sc = n.kids[p.parts[i].index]
		case n.q.fixedRows():
			i++
			if i >= len(p.parts) {
				return nil
			}
			name := p.parts[i].name
			at, ok := n.q.rules.rowAt[name]
			if !ok {
				at = slices.IndexFunc(n.kids, func(k *scope) bool { return strings.EqualFold(k.row.Key(), name) })
			}
			if at < 0 || at >= len(n.kids) {
				return nil
			}
			sc = n.kids[at]
		case n.q.rules.fields != nil && len(n.kids) > 0:
			sc = n.kids[0]
		default:
			return nil
		}
	}
	return nil
}

// Add adds a panel or row to the question of a path, such as "orders" or
// "people[0].jobs". It reports whether there may be another.
func (s *Session) Add(path string) bool {
	s.work, s.evals = 0, 0
	n := s.find(path)
	if n == nil || n.q.Repeat == nil && n.q.Type != "matrixdynamic" || !n.q.repeats() || n.isReadOnly() || !n.mayAdd() {
		return false
	}
	old := normalValue(n.value(), 0)
	values := map[string]any{}
	ru := n.q.rules
	if v, ok := normalValue(ru.defaultRow, 0).(map[string]any); ok {
		values = v
	}
	if ru.copyLast && len(n.kids) > 0 {
		if v, ok := normalValue(n.kids[len(n.kids)-1].values, 0).(map[string]any); ok {
			values = v
		}
	}
	s.append(n, Choice{}, values)
	n.changedInside(old)
	return true
}

// mayAdd tells whether there may be another panel or row.
func (n *live) mayAdd() bool {
	_, hi := n.q.bounds()
	can := n.q.Matrix != nil && n.q.Matrix.CanAdd || n.q.Repeat != nil && n.q.Repeat.CanAdd
	return can && len(n.kids) < hi
}

// mayRemove tells whether there may be one less.
func (n *live) mayRemove() bool {
	lo, _ := n.q.bounds()
	can := n.q.Matrix != nil && n.q.Matrix.CanRemove || n.q.Repeat != nil && n.q.Repeat.CanRemove
	return can && len(n.kids) > lo
}

// Remove removes the panel or row i, from 0, of the question of a path. It
// reports whether there was one that may go.
func (s *Session) Remove(path string, i int) bool {
	s.work, s.evals = 0, 0
	n := s.find(path)
	if n == nil || n.q.Repeat == nil && n.q.Type != "matrixdynamic" || i < 0 || i >= len(n.kids) || n.isReadOnly() || !n.mayRemove() {
		return false
	}
	old := normalValue(n.value(), 0)
	n.kids = slices.Delete(n.kids, i, i+1)
	for j, k := range n.kids {
		k.index = j
	}
	n.changedInside(old)
	return true
}

// total is the total of a column of a table.
func (s *Session) total(n *live, column string) any {
	var cell *Question
	for name, q := range n.q.Matrix.tree.names {
		if strings.EqualFold(name, column) {
			cell = q
		}
	}
	if cell == nil {
		return nil
	}
	ru := cell.rules
	if ru.totalExpr != nil {
		return answerOf(s.eval(ru.totalExpr, n.sc))
	}
	var values []any
	for _, k := range n.visibleKids() {
		if v := plain(k.values[cell.Name]); !isEmpty(v) {
			values = append(values, v)
		}
	}
	e := s.evaluation(n.sc)
	switch ru.total {
	case "sum":
		return fnSum(e, values)
	case "avg":
		return fnAvg(e, values)
	case "min":
		return fnMin(e, values)
	case "max":
		return fnMax(e, values)
	case "count":
		return float64(len(values))
	}
	return nil
}

// rounded is the value of an expression question with its precision.
func (s *Session) rounded(ru *questionRules, v any) any {
	f, ok := v.(float64)
	if !ok {
		return v
	}
	if f > maxFloat {
		return nil
	}
	if ru.precision >= 0 {
		return toFixed(f, ru.precision)
	}
	return v
}
