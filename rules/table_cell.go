package rules

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// tableColumn is an input of a table with the finitely many kinds of values that
// the cells of the table tell apart: its atoms.
type tableColumn struct {
	input    *Column
	expr     string  // as it stands in a condition
	kind     ir.Kind // Bool, Int, Float, String, day or Tags
	folded   bool
	scale    uint8 // of Int
	nullable bool
	least    int64 // of Int and day
	most     int64

	cells []*tableCell
	cuts  []number // of Int, Float and day, sorted
	words []string // of String: the texts told apart; of Tags: the tags
	open  bool     // of String: others exist
	atoms int
}

// number is a value of an Int, Float or day column.
type number struct {
	n int64
	f float64
}

func (a number) compare(b number) int { return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.f, b.f)) }

// tableCell is what one row asks of one column.
type tableCell struct {
	any   bool
	not   bool
	null  bool
	spans []cellSpan
	words []string
}

// cellSpan is a range of numbers; an end of a nil pointer is open for ever.
type cellSpan struct {
	lo, hi         *number
	loOpen, hiOpen bool
	other          bool // one of the two sides of a !=, which takes NaN as well
}

// readCell parses a cell of a column.
func (c *compiler) readCell(col *tableColumn, text string) (*tableCell, string) {
	rest := strings.TrimSpace(text)
	out := &tableCell{}
	if rest == "" || rest == "-" {
		out.any = true
		return out, ""
	}
	if after, ok := strings.CutPrefix(rest, "not "); ok {
		out.not = true
		rest = strings.TrimSpace(after)
	}
	items, msg := splitCell(rest)
	if msg != "" {
		return nil, msg
	}
	for _, item := range items {
		if item.text == "nil" && !item.quoted {
			if !col.nullable {
				return nil, fmt.Sprintf("%s can never be nil", col.expr)
			}
			out.null = true
			continue
		}
		if msg := c.readItem(col, out, item); msg != "" {
			return nil, msg
		}
	}
	return out, ""
}

type cellItem struct {
	text   string
	quoted bool
}

// splitCell cuts a cell at its commas.
func splitCell(text string) ([]cellItem, string) {
	var out []cellItem
	for {
		text = strings.TrimSpace(text)
		if text == "" {
			return nil, "a value is missing"
		}
		var item cellItem
		if text[0] == '"' {
			quoted, err := strconv.QuotedPrefix(text)
			if err != nil {
				return nil, "a quote is not closed"
			}
			item.quoted = true
			item.text, _ = strconv.Unquote(quoted)
			if text = strings.TrimSpace(text[len(quoted):]); text != "" && text[0] != ',' {
				return nil, "a comma is missing after " + quoted
			}
		} else {
			i := strings.IndexByte(text, ',')
			if i < 0 {
				i = len(text)
			}
			item.text, text = strings.TrimSpace(text[:i]), text[i:]
			if item.text == "" {
				return nil, "a value is missing"
			}
		}
		out = append(out, item)
		if text == "" {
			return out, ""
		}
		text = text[1:]
	}
}

func (c *compiler) readItem(col *tableColumn, out *tableCell, item cellItem) string {
	switch col.kind {
	case ir.String, ir.Tags:
		if !item.quoted && strings.ContainsAny(item.text[:1], "<>=!") {
			return fmt.Sprintf("%s is of kind %s: only values can be compared", col.expr, col.kind)
		}
		word := item.text
		if col.folded {
			word = fold.Key(word)
		}
		if col.kind == ir.Tags {
			word = fold.Compose(word)
		}
		if vs := col.input.Values; len(vs) > 0 && !slices.Contains(vs, item.text) {
			return fmt.Sprintf("%q is none of the values of %s%s", item.text, col.expr, didYouMean(item.text, vs))
		}
		out.words = append(out.words, word)
		return ""
	case ir.Bool:
		if item.quoted || item.text != "true" && item.text != "false" {
			return fmt.Sprintf("%s is true or false, not %q", col.expr, item.text)
		}
		out.words = append(out.words, item.text)
		return ""
	}
	if item.quoted {
		return fmt.Sprintf("%s is of kind %s, not a text", col.expr, col.kind)
	}
	if lo, hi, ok := strings.Cut(item.text, ".."); ok {
		a, msg := c.operand(col, lo)
		if msg != "" {
			return msg
		}
		b, msg := c.operand(col, hi)
		if msg != "" {
			return msg
		}
		if a.compare(b) > 0 {
			return fmt.Sprintf("the range %s is empty", item.text)
		}
		out.spans = append(out.spans, cellSpan{lo: &a, hi: &b})
		return ""
	}
	for _, o := range []string{">=", "<=", "!=", "==", ">", "<", ""} {
		after, ok := strings.CutPrefix(item.text, o)
		if !ok {
			continue
		}
		n, msg := c.operand(col, after)
		if msg != "" {
			return msg
		}
		switch o {
		case ">=", ">":
			out.spans = append(out.spans, cellSpan{lo: &n, loOpen: o == ">"})
		case "<=", "<":
			out.spans = append(out.spans, cellSpan{hi: &n, hiOpen: o == "<"})
		case "!=":
			out.spans = append(out.spans, cellSpan{lo: &n, loOpen: true, other: true}, cellSpan{hi: &n, hiOpen: true, other: true})
		default:
			out.spans = append(out.spans, cellSpan{lo: &n, hi: &n})
		}
		break
	}
	return ""
}

// operand reads a number, a date or the name of a parameter.
func (c *compiler) operand(col *tableColumn, text string) (number, string) {
	text = strings.TrimSpace(text)
	if p := c.front.parameters[text]; p != nil {
		c.front.constantOf(p, nil)
		c.front.use(text)
		switch {
		case p.term == nil:
			return number{}, fmt.Sprintf("parameter %s is faulty: %s", text, p.faults[0].msg)
		case col.scale > 0:
			if c, ok := rescale(p.term, col.scale); ok {
				return number{n: c.Num}, ""
			}
		case p.term.Kind == col.kind:
			return number{n: p.term.Num, f: p.term.Flo}, ""
		case p.term.Kind == ir.Int && col.kind == ir.Float:
			return number{f: float64(p.term.Num)}, ""
		}
		return number{}, fmt.Sprintf("parameter %s is of kind %s, %s of kind %s", text, p.term.Kind, col.expr, col.kind)
	}
	switch col.kind {
	case ir.Int:
		if col.scale > 0 {
			if n, ok := parseDecimal(strings.ReplaceAll(text, "_", ""), col.scale); ok {
				return number{n: n}, ""
			}
			return number{}, fmt.Sprintf("%q is no number with %d digits behind the point", text, col.scale)
		}
		if n, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64); err == nil {
			return number{n: n}, ""
		}
		return number{}, fmt.Sprintf("%q is no integer", text)
	case ir.Float:
		if f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return number{f: f}, ""
		}
		return number{}, fmt.Sprintf("%q is no number", text)
	}
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return number{}, fmt.Sprintf("%q is no date: write year-month-day, as in 2025-01-31", text)
	}
	return number{n: ir.FloorDiv(d.Unix(), 86400)}, ""
}

// spell writes the number as a constant of the language.
func (col *tableColumn) spell(n number) string {
	t := &ir.Term{Op: ir.OpConst, Kind: col.kind, Num: n.n, Flo: n.f, Scale: col.scale}
	return t.String()
}

// condition spells the cell in the rule language; "" means anything.
func (col *tableColumn) condition(x *tableCell) string {
	if x.any {
		return ""
	}
	var parts []string
	if x.null {
		parts = append(parts, col.expr+" == nil")
	}
	quoted := make([]string, len(x.words))
	for i, w := range x.words {
		quoted[i] = strconv.Quote(w)
	}
	switch {
	case col.kind == ir.Tags:
		for _, w := range quoted {
			parts = append(parts, w+" in "+col.expr)
		}
	case col.kind == ir.Bool:
		for _, w := range x.words {
			parts = append(parts, col.expr+" == "+w)
		}
	case len(quoted) == 1:
		parts = append(parts, col.expr+" == "+quoted[0])
	case len(quoted) > 1:
		parts = append(parts, col.expr+" in ["+strings.Join(quoted, ", ")+"]")
	}
	for _, s := range x.spans {
		switch {
		case s.other && s.lo != nil:
			parts = append(parts, col.expr+" != "+col.spell(*s.lo))
		case s.other: // the other side of it
		case s.lo != nil && s.hi != nil && *s.lo == *s.hi:
			parts = append(parts, col.expr+" == "+col.spell(*s.lo))
		case s.lo != nil && s.hi != nil:
			parts = append(parts, fmt.Sprintf("(%s >= %s and %s <= %s)", col.expr, col.spell(*s.lo), col.expr, col.spell(*s.hi)))
		case s.lo != nil && s.loOpen:
			parts = append(parts, col.expr+" > "+col.spell(*s.lo))
		case s.lo != nil:
			parts = append(parts, col.expr+" >= "+col.spell(*s.lo))
		case s.hiOpen:
			parts = append(parts, col.expr+" < "+col.spell(*s.hi))
		default:
			parts = append(parts, col.expr+" <= "+col.spell(*s.hi))
		}
	}
	text := strings.Join(parts, " or ")
	switch {
	case x.not:
		return "not (" + text + ")"
	case len(parts) > 1:
		return "(" + text + ")"
	}
	return text
}
