package survey

import (
	"math"
	"strings"
)

// inArray is what the functions over rows are asked for: sumInArray({rows}, 'column',
// 'condition') and its kin.
type inArray struct {
	rows   []any
	column string
	give   string // the column whose value is returned
	when   exprNode
}

// readInArray reads the arguments. The third is the name of another column, if it is a text
// that does not look like a condition, or the condition.
func readInArray(e *evaluation, args []any, nodes []exprNode) (inArray, bool) {
	var in inArray
	if len(args) < 2 || len(args) > 4 || !truthy(args[0]) {
		return in, false
	}
	switch t := args[0].(type) {
	case []any:
		in.rows = t
	case map[string]any:
		for _, k := range keys(t) {
			in.rows = append(in.rows, t[k])
		}
	}
	name, ok := args[1].(string)
	if !ok {
		return in, false
	}
	in.column, in.give = name, name
	at := 2
	if len(args) > 2 {
		if _, isConst := nodes[2].(*constNode); isConst {
			if s, ok := args[2].(string); ok && !strings.ContainsAny(s, "{}><=!") {
				in.give, at = s, 3
			}
		}
	}
	if at < len(args) {
		if src, ok := args[at].(string); ok {
			if src != "" {
				if x, err := compileExpr(src, Limits{}.withDefaults().Expression); err == nil {
					in.when = x.root
				} else {
					in.when = null // never holds
				}
			}
		} else if !isNull(nodes[at]) {
			in.when = nodes[at]
		}
	}
	return in, true
}

// each goes through the rows that have a value in the column and for which the condition holds.
func (in *inArray) each(e *evaluation, fn func(row map[string]any, v any)) {
	for _, r := range in.rows {
		row, ok := plain(r).(map[string]any)
		if !ok || isEmpty(plain(row[in.column])) {
			continue
		}
		if in.when != nil {
			inner := *e
			inner.item = row
			if !loosely(in.when.eval(&inner)) {
				continue
			}
		}
		fn(row, plain(row[in.column]))
	}
}

// number is a value as a number, or nothing for a text that is none.
func number(v any) any {
	if s, ok := v.(string); ok {
		if f, ok := numberText(s); ok {
			return f
		}
		return nil
	}
	return v
}

func fnSumInArray(e *evaluation, args []any, nodes []exprNode) any {
	in, ok := readInArray(e, args, nodes)
	var sum any = 0.0
	if ok {
		in.each(e, func(_ map[string]any, v any) {
			if n := number(v); n != nil {
				sum = corrected(sum, n, plus(sum, n))
			}
		})
	}
	return sum
}

func fnCountInArray(e *evaluation, args []any, nodes []exprNode) any {
	in, ok := readInArray(e, args, nodes)
	n := 0.0
	if ok {
		in.each(e, func(map[string]any, any) { n++ })
	}
	return n
}

func fnAvgInArray(e *evaluation, args []any, nodes []exprNode) any {
	n := fnCountInArray(e, args, nodes).(float64)
	if n == 0 {
		return 0.0
	}
	return toNumber(fnSumInArray(e, args, nodes)) / n
}

func fnMinInArray(e *evaluation, args []any, nodes []exprNode) any {
	return bestInArray(e, args, nodes, func(v, best any) bool { return lessPlain(v, best) })
}

func fnMaxInArray(e *evaluation, args []any, nodes []exprNode) any {
	return bestInArray(e, args, nodes, func(v, best any) bool { return lessPlain(best, v) })
}

// bestInArray gives the best value, or another column's value in its row.
func bestInArray(e *evaluation, args []any, nodes []exprNode, better func(v, best any) bool) any {
	in, ok := readInArray(e, args, nodes)
	if !ok {
		return nil
	}
	var best any
	var row map[string]any
	in.each(e, func(r map[string]any, v any) {
		n := number(v)
		if f, isNumber := n.(float64); n == nil || isNumber && math.IsNaN(f) {
			return
		}
		if best == nil || better(n, best) {
			best, row = n, r
		}
	})
	if in.give != in.column && row != nil {
		return plain(row[in.give])
	}
	return best
}
