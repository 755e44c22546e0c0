package rules

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Finding is something that Lint thinks worth a look. A rule with findings is
// valid and is evaluated.
type Finding struct {
	Rule string
	Kind FindingKind
	Msg  string
}

func (f Finding) String() string { return fmt.Sprintf("%s: %s: %s", f.Rule, f.Kind, f.Msg) }

// FindingKind names a kind of finding.
type FindingKind string

// The kinds of findings.
const (
	LintUnknownTag  FindingKind = "unknown tag"  // not in the list given to Lint
	LintAlwaysTrue  FindingKind = "always true"  // the condition holds for everybody
	LintAlwaysFalse FindingKind = "always false" // it can hold for nobody: parts contradict
	LintDuplicate   FindingKind = "duplicate"    // another rule does the same under the same condition
	LintNoEffect    FindingKind = "no effect"    // sets a tag that its condition demands, or the like
)

// Lint looks for mistakes that compile: unknown tags (if knownTags is not nil),
// conditions that always or never hold by themselves, and rules that do the
// same as another. Findings are in the order of the set.
func (s *Set[F]) Lint(knownTags []string) []Finding {
	var out []Finding
	first := map[string]string{}
	for _, c := range s.rules {
		r := c.rule
		add := func(kind FindingKind, format string, args ...any) {
			out = append(out, Finding{r.Name, kind, fmt.Sprintf(format, args...)})
		}
		if knownTags != nil {
			for _, tag := range c.tags() {
				if !slices.Contains(knownTags, tag) {
					add(LintUnknownTag, "%q%s", tag, didYouMean(tag, knownTags))
				}
			}
		}
		if c.simple.isConst() {
			if c.simple.num != 0 {
				add(LintAlwaysTrue, "%s", c.when)
			} else {
				add(LintAlwaysFalse, "%s", c.when)
			}
		}
		for i := range r.Then {
			if a := &r.Then[i]; c.demands(a) {
				add(LintNoEffect, "then[%d]: the condition holds only for those whom %s %q changes nothing for", i, a.Kind, a.Name)
			}
		}
		same := c.fingerprint()
		if c.simple.isConst() {
			continue // said already
		}
		if other, ok := first[same]; ok {
			add(LintDuplicate, "the same condition and actions as %s", other)
		} else {
			first[same] = r.Name
		}
	}
	return out
}

// tags returns every tag that a rule tests, sets, clears or hangs on, sorted.
func (c *compiled) tags() []string {
	tags := slices.Clone(c.rule.Tags)
	for i := range c.rule.Then {
		if a := &c.rule.Then[i]; a.Kind == DoTag || a.Kind == DoUntag {
			tags = append(tags, a.Name)
		}
	}
	for _, t := range []*term{c.when, c.unless} {
		t.walk(func(k *term) {
			if k.op == opHas {
				tags = append(tags, k.str)
			}
		})
	}
	slices.SortFunc(tags, cmp.Compare[string])
	return slices.Compact(tags)
}

// demands reports whether an immediate tag action can change nothing.
func (c *compiled) demands(a *Action) bool {
	if a.After != "" || a.For != "" || a.Kind != DoTag && a.Kind != DoUntag {
		return false
	}
	for _, k := range flat(c.simple, opAnd) {
		set := k.op == opHas && k.str == a.Name && k.kids[0].base == ofFacts
		clear := k.op == opNot && k.kids[0].op == opHas && k.kids[0].str == a.Name && k.kids[0].kids[0].base == ofFacts
		if a.Kind == DoTag && set || a.Kind == DoUntag && clear {
			return true
		}
	}
	return false
}

// fingerprint is the same for rules that fire alike and do the same.
func (c *compiled) fingerprint() string {
	r := c.rule
	var conjuncts []string
	for _, k := range flat(c.simple, opAnd) {
		conjuncts = append(conjuncts, k.canonical())
	}
	slices.Sort(conjuncts)
	data, err := json.Marshal([]any{r.On, r.Each, r.Once, r.From, r.To, r.Disabled, r.Then, r.Guard, r.CancelOn, conjuncts})
	if err != nil { // there is nothing in it that JSON lacks
		return r.Name
	}
	return string(data)
}
