package activity

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vefacrm/vefa/segment"
)

// condition is a question about one kind of activity.
type condition struct {
	Kind     string // e.g. "purchase"
	Min, Max int    // how many, both included; Max of Unbounded: no upper bound
	From, To int    // days ago, both included: From >= To >= 0
	// Weeks, if positive, counts weeks instead: Min or more of the last Weeks
	// spans of seven days, the first of which ends today, must have some
	// activity. From and To are zero then.
	Weeks int
}

// unbounded is a condition.Max without bound.
const unbounded = math.MaxInt

const (
	maxDays  = 36_600 // a hundred years
	maxCount = 1_000_000
	maxKind  = 100
)

// parseCondition reads a condition in the syntax that Supply tells. A text that cannot be
// read is a *segment.InvalidError that names the column, from 1, in characters.
func parseCondition(text string) (condition, error) {
	p := conditionParser{text: text}
	c, msg := p.parse()
	if msg != "" {
		return condition{}, &segment.InvalidError{Field: fmt.Sprintf("condition %q", shorten(text)), Msg: fmt.Sprintf("column %d: %s", utf8.RuneCountInString(text[:p.start])+1, msg)}
	}
	return c, nil
}

// shorten keeps hostile text from filling a log.
func shorten(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

type conditionParser struct {
	text      string
	at, start int // end and beginning of the last word
}

func (p *conditionParser) word() string {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
	p.start = p.at
	for p.at < len(p.text) && p.text[p.at] != ' ' {
		p.at++
	}
	return p.text[p.start:p.at]
}

func (p *conditionParser) number(most int) (int, string) {
	return parseNumber(p.word(), most)
}

func parseNumber(s string, most int) (int, string) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > most || s != strconv.Itoa(n) {
		return 0, fmt.Sprintf("expected a number from 0 to %d", most)
	}
	return n, ""
}

func (p *conditionParser) parse() (c condition, msg string) {
	c.Kind = p.word()
	if msg := checkKind(c.Kind); msg != "" {
		return c, msg
	}
	relation := p.word()
	if relation == "in" {
		return p.weeks(c)
	}
	if relation != ">=" && relation != "<=" && relation != "=" {
		return c, `expected >=, <=, = or "in"`
	}
	n, msg := p.number(maxCount)
	if msg != "" {
		return c, msg
	}
	c.Min, c.Max = n, n
	switch relation {
	case ">=":
		c.Max = unbounded
	case "<=":
		c.Min = 0
	}
	if p.word() != "in" {
		return c, `expected "in"`
	}
	from, to, span := strings.Cut(p.word(), "..")
	if c.From, msg = days(from); msg != "" {
		return c, msg
	}
	if span {
		if c.To, msg = days(to); msg != "" {
			return c, msg
		}
		if c.To > c.From {
			return c, "the earlier day, which is more days ago, comes first"
		}
	}
	return c, p.end()
}

func (p *conditionParser) weeks(c condition) (_ condition, msg string) {
	if c.Min, msg = p.number(maxDays / 7); msg != "" {
		return c, msg
	}
	if p.word() != "of" {
		return c, `expected "of"`
	}
	if c.Weeks, msg = p.number(maxDays / 7); msg != "" {
		return c, msg
	}
	if c.Weeks < 1 || c.Min < 1 || c.Min > c.Weeks {
		return c, "needs from 1 to all of at least one week"
	}
	if p.word() != "weeks" {
		return c, `expected "weeks"`
	}
	c.Max = unbounded
	return c, p.end()
}

func (p *conditionParser) end() string {
	if p.word() != "" {
		return "expected the end"
	}
	return ""
}

func days(s string) (int, string) {
	digits, ok := strings.CutSuffix(s, "d")
	n, msg := parseNumber(digits, maxDays)
	if !ok || msg != "" {
		return 0, fmt.Sprintf("expected days such as 90d, at most %dd", maxDays)
	}
	return n, ""
}

func checkKind(kind string) string {
	if kind == "" || len(kind) > maxKind {
		return fmt.Sprintf("expected a kind of activity of at most %d bytes", maxKind)
	}
	for _, r := range kind {
		if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.", r) {
			return "a kind of activity is one word of letters, digits, -, _ and ."
		}
	}
	return ""
}

// String returns the canonical text, which parseCondition reads back.
func (c condition) String() string {
	if c.Weeks > 0 {
		return fmt.Sprintf("%s in %d of %d weeks", c.Kind, c.Min, c.Weeks)
	}
	relation, n := "=", c.Min
	switch {
	case c.Max == unbounded:
		relation = ">="
	case c.Min != c.Max:
		relation, n = "<=", c.Max
	}
	span := strconv.Itoa(c.From) + "d"
	if c.To > 0 {
		span += ".." + strconv.Itoa(c.To) + "d"
	}
	return fmt.Sprintf("%s %s %d in %s", c.Kind, relation, n, span)
}
