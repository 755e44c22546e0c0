package rules

import (
	"math"
	"unicode"

	"github.com/expr-lang/expr/ast"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// overRows finds max, min and avg that go over rows, as in max(Purchases, .Amount).
// expr's parser knows conditions on a row in functions of its own only; it gets one
// of the same length, map, and the names of those that were meant stay in over, by
// offset, so that every position stays what it was.
func (f *frontEnd) overRows(text string) (parsed string, over map[int]string) {
	runes := []rune(text)
	word := func(i int) (string, int) {
		j := i
		for j < len(runes) && (unicode.IsLetter(runes[j]) || unicode.IsDigit(runes[j]) || runes[j] == '_') {
			j++
		}
		return string(runes[i:j]), j
	}
	space := func(i int) int {
		for i < len(runes) && unicode.IsSpace(runes[i]) {
			i++
		}
		return i
	}
	var quote rune
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; {
		case quote != 0:
			if c == '\\' && quote != '`' {
				i++
			} else if c == quote {
				quote = 0
			}
			continue
		case c == '"' || c == '\'' || c == '`':
			quote = c
			continue
		case !unicode.IsLetter(c) && c != '_':
			continue
		}
		name, end := word(i)
		start := i
		i = max(i, end-1)
		if name != ir.PickLeast && name != ir.PickMost && name != "avg" || start > 0 && (runes[start-1] == '.' || unicode.IsDigit(runes[start-1])) {
			continue
		}
		open := space(end)
		if open >= len(runes) || runes[open] != '(' {
			continue
		}
		arg := space(open + 1)
		if name == "avg" || f.startsRows(runes, arg, word) {
			if over == nil {
				over = map[int]string{}
			}
			over[start] = name
			copy(runes[start:], []rune("map"))
		}
	}
	if over == nil {
		return text, nil
	}
	return string(runes), over
}

// startsRows reports whether rows stand at i: the name of a field of rows, of the
// facts or of a row, or filter.
func (f *frontEnd) startsRows(runes []rune, i int, word func(int) (string, int)) bool {
	of := []*ir.RowType{f.schema.Root}
	if i < len(runes) && runes[i] == '.' {
		i++
		of = nil
		for _, r := range f.schema.Root.Order {
			if r.Row != nil {
				of = append(of, r.Row)
			}
		}
	}
	if i >= len(runes) {
		return false
	}
	name, _ := word(i)
	if name == "filter" {
		return true
	}
	for _, t := range of {
		if r := t.Fields[name]; r != nil && r.Kind == ir.Rows {
			return true
		}
	}
	return false
}

// aggregate lowers max, min and avg over rows; without rows they are null.
func (l *lowerer) aggregate(n ast.Node, name string, args []ast.Node) *ir.Term {
	rows, filter, ok := l.rows(args[0])
	if !ok {
		return nil
	}
	v := l.inside(args[1], rows)
	if v == nil {
		return nil
	}
	if v.Kind != ir.Int && v.Kind != ir.Float {
		return l.fault(v.At, "%s needs numbers, not values of kind %s", name, v.Kind)
	}
	if name != "avg" {
		return loopCost(&ir.Term{Op: ir.OpPick, Kind: v.Kind, Str: name, At: at(n), Field: rows.Field, Base: rows.Base, Kids: []*ir.Term{filter, v}, Nullable: true, Scale: ir.ScaleOf(v)})
	}
	value := toFloat(v)
	sum := loopCost(&ir.Term{Op: ir.OpSum, Kind: ir.Float, At: at(n), Field: rows.Field, Base: rows.Base, Kids: []*ir.Term{filter, value}})
	counted := filter
	if v.Nullable {
		counted = ir.Both(filter, ir.Not(&ir.Term{Op: ir.OpIsNull, Kind: ir.Bool, Kids: []*ir.Term{v}, At: v.At, Cost: v.Cost + 1}))
	}
	if counted == nil {
		counted = ir.BoolTerm(true, at(n))
	}
	count := toFloat(loopCost(&ir.Term{Op: ir.OpCount, Kind: ir.Int, At: at(n), Field: rows.Field, Base: rows.Base, Kids: []*ir.Term{counted}}))
	return &ir.Term{Op: ir.OpDiv, Kind: ir.Float, Kids: []*ir.Term{sum, count}, At: at(n), Nullable: true, Cost: ir.AddCost(sum.Cost, count.Cost) + 1}
}

// nth lowers first(Rows, n).Field and last(Rows, n).Field, null where there are not
// so many rows.
func (l *lowerer) nth(n ast.Node, name string, args []ast.Node, field *ast.StringNode) *ir.Term {
	usage := functions[name].usage
	if len(args) < 1 || len(args) > 2 {
		return l.fault(at(n), "%s has %d arguments: use %s", name, len(args), usage)
	}
	rows, filter, ok := l.rows(args[0])
	if !ok {
		return nil
	}
	which := int64(1)
	if len(args) == 2 {
		c, ok := args[1].(*ast.IntegerNode)
		if !ok || c.Value < 1 || int64(c.Value) > math.MaxInt32 {
			return l.fault(at(args[1]), "%s needs a number from 1: %s", name, usage)
		}
		which = int64(c.Value)
	}
	v := l.rowField(rows.Field.Row, ir.OfItem, field)
	if v == nil {
		return nil
	}
	if v.Kind == ir.Time {
		v = ir.ToDay(v)
	}
	if !ir.Scalar(v.Kind) {
		return l.fault(at(field), "%s cannot give a value of kind %s", name, v.Kind)
	}
	return loopCost(&ir.Term{Op: ir.OpPick, Kind: v.Kind, Str: name, Num: which, At: at(n), Field: rows.Field, Base: rows.Base, Kids: []*ir.Term{filter, v}, Nullable: true, Scale: ir.ScaleOf(v)})
}

// tagPrefix lowers any(Tags, # startsWith "vip-") and none of the same.
func (l *lowerer) tagPrefix(n ast.Node, name string, args []ast.Node) (t *ir.Term, is bool) {
	id, ok := args[0].(*ast.IdentifierNode)
	if !ok {
		return nil, false
	}
	f := l.front.schema.Root.Fields[id.Value]
	if f == nil || f.Kind != ir.Tags {
		return nil, false
	}
	const usage = `rows are needed here, not a value of kind tags: of tags only their beginning can be asked for: any(Tags, # startsWith "vip-")`
	p, ok := args[1].(*ast.PredicateNode)
	if !ok || name != "any" && name != "none" {
		return l.fault(at(n), usage), true
	}
	b, ok := p.Node.(*ast.BinaryNode)
	if !ok || b.Operator != "startsWith" {
		return l.fault(at(n), usage), true
	}
	item, ok := b.Left.(*ast.PointerNode)
	text, is := b.Right.(*ast.StringNode)
	if !ok || !is || item.Name != "" || text.Value == "" {
		return l.fault(at(n), usage), true
	}
	l.front.rows[f] = true
	t = &ir.Term{Op: ir.OpHasPrefix, Kind: ir.Bool, Kids: []*ir.Term{ir.FieldTerm(f, ir.OfFacts, at(id))}, Str: fold.Compose(text.Value), Names: l.front.schema.Tags, At: at(n), Cost: ir.AddCost(int64(4*f.Max), 1)}
	if name == "none" {
		t = ir.Not(t)
	}
	return t, true
}
