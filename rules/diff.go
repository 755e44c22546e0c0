package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// RuleChange is what became of one rule from one set to another.
type RuleChange struct {
	// Rule is the name in both sets; a rule that was renamed is one removed and one added.
	Rule   string
	Kind   string        // "added", "removed" or "changed"
	Fields []FieldChange // of a changed rule, sorted by field
	// SameMeaning says that the rule matches the same facts as before, whatever
	// was written differently.
	SameMeaning bool
	// Repeats says that ids change: who had it already may get it again.
	Repeats bool
}

const (
	changeAdded   = "added"
	changeRemoved = "removed"
	changeEdited  = "changed"
)

// FieldChange is a field of a rule before and after, as JSON; "" is none.
// The field "meaning" is the condition with everything put in: it stands alone
// when a condition or parameter changed that the rule uses.
type FieldChange struct {
	// Field is the key as files have it.
	Field, Old, New string
}

// String puts the change in words, a line per field.
func (c RuleChange) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", c.Kind, c.Rule)
	if c.Kind == changeEdited && c.SameMeaning {
		b.WriteString(" (matches as before)")
	}
	if c.Repeats {
		b.WriteString(" (who had it may get it again)")
	}
	for _, f := range c.Fields {
		fmt.Fprintf(&b, "\n  %s: %s -> %s", f.Field, orNone(f.Old), orNone(f.New))
	}
	return b.String()
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// Diff compares two sets of rules over the same facts, rule by rule, sorted by
// name. What the difference means for a population is another question: who
// gains and who loses.
func Diff[F any](before, after *Set[F]) []RuleChange {
	var out []RuleChange
	for _, c := range before.rules {
		if after.byName[c.rule.Name] == nil {
			out = append(out, RuleChange{Rule: c.rule.Name, Kind: changeRemoved})
		}
	}
	for _, c := range after.rules {
		old := before.byName[c.rule.Name]
		if old == nil {
			out = append(out, RuleChange{Rule: c.rule.Name, Kind: changeAdded})
			continue
		}
		if d, changed := diffRule(old, c); changed {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b RuleChange) int { return strings.Compare(a.Rule, b.Rule) })
	return out
}

// diffRule compares two rules of one name. The fields are compared as a file has them; the
// condition and the guards, with what they name put in, only if their own texts are equal,
// or a changed condition would be told twice.
func diffRule(a, b *compiled) (RuleChange, bool) {
	d := RuleChange{Rule: a.rule.Name, Kind: changeEdited, SameMeaning: a.meaning() == b.meaning()}
	was, is := fieldsOf(a.rule), fieldsOf(b.rule)
	names := map[string]bool{}
	for n := range was {
		names[n] = true
	}
	for n := range is {
		names[n] = true
	}
	delete(names, "version") // follows from the rest, or is the author's own
	for n := range names {
		if was[n] != is[n] {
			d.Fields = append(d.Fields, FieldChange{n, was[n], is[n]})
		}
	}
	slices.SortFunc(d.Fields, func(a, b FieldChange) int { return strings.Compare(a.Field, b.Field) })
	if !d.SameMeaning && was["when"] == is["when"] && was["unless"] == is["unless"] {
		d.Fields = append(d.Fields, FieldChange{"meaning", a.whole(), b.whole()})
	}
	if old, now := a.explainTexts(), b.explainTexts(); old != now && was["guard"] == is["guard"] && was["cancel_on"] == is["cancel_on"] {
		d.Fields = append(d.Fields, FieldChange{"guards", old, now})
	}
	d.Repeats = a.rule.Once != b.rule.Once || slices.ContainsFunc(b.rule.Then, func(x Action) bool {
		return !slices.ContainsFunc(a.rule.Then, func(y Action) bool { return x.key() == y.key() })
	}) || b.rule.Once == oncePerVersion && a.rule.Version != b.rule.Version
	return d, len(d.Fields) > 0 || d.Repeats
}

// meaning is the same for conditions that are known to match the same facts.
func (c *compiled) meaning() string {
	var parts []string
	for _, k := range ir.Flat(c.Simple, ir.OpAnd) {
		parts = append(parts, k.Canonical())
	}
	slices.Sort(parts)
	r := c.rule
	return fmt.Sprint(r.On, r.Each, r.From, r.To, r.Disabled, parts)
}

// explainTexts spells guard and cancel_on with everything put in.
func (c *compiled) explainTexts() string {
	var parts []string
	if c.GuardTerm != nil {
		parts = append(parts, c.guardText.String())
	}
	for _, k := range c.CancelOn {
		parts = append(parts, "cancel if "+k.Text.String())
	}
	return strings.Join(parts, "; ")
}

// fieldsOf returns the fields of a rule as JSON texts, by the names of files.
func fieldsOf(r *Rule) map[string]string {
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false) // people read it
	if err := enc.Encode(r); err != nil {
		return nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data.Bytes(), &raw); err != nil {
		return nil
	}
	out := make(map[string]string, len(raw))
	for k, v := range raw {
		out[k] = string(v)
	}
	return out
}

// whole spells the condition with everything put in.
func (c *compiled) whole() string {
	if c.unless == nil {
		return c.when.String()
	}
	return ir.Both(c.when, ir.Not(c.unless)).String()
}
