package rules

import (
	"fmt"
	"strings"
)

// phrases are the texts of an explanation in one language.
type phrases struct {
	fires, not           string // with the rule's name
	yes, no, because     string
	and, or, negated     string
	row, unless, nothing string
	disabled, dates      string
	is, null             string
}

func phrasesOf(lang string) phrases {
	if lang == "tr" || strings.HasPrefix(lang, "tr-") {
		return phrases{
			fires: "%s kuralı çalışır.", not: "%s kuralı çalışmaz", yes: "evet ", no: "hayır", because: ": ",
			and: "hepsi:", or: "en az biri:", negated: "şu olmamalı:", row: "%d. satır (%s)", unless: "istisna:",
			nothing: "uygun satır yok", disabled: "kural kapalı", dates: "kural bu tarihte yürürlükte değil",
			is: "%s = %s", null: "boş",
		}
	}
	return phrases{
		fires: "Rule %s fires.", not: "Rule %s does not fire", yes: "yes", no: "no ", because: ": ",
		and: "all of:", or: "any of:", negated: "not:", row: "row %d (%s)", unless: "unless:",
		nothing: "there is no row", disabled: "the rule is disabled", dates: "the rule is not in effect on this day",
		is: "%s is %s", null: "null",
	}
}

// String returns the explanation in English.
func (x *Explanation) String() string { return x.Text("en") }

// Text returns the explanation for people, in Turkish ("tr") or else English:
// the outcome and what is missing in the first line, then every part of the
// condition with what it read.
func (x *Explanation) Text(lang string) string {
	p := phrasesOf(lang)
	var b strings.Builder
	if x.Fires {
		fmt.Fprintf(&b, p.fires, x.Rule)
	} else {
		fmt.Fprintf(&b, p.not, x.Rule)
		b.WriteString(p.because + strings.Join(x.reasons(p), ", ") + ".")
	}
	b.WriteByte('\n')
	for i := range x.Cases {
		k := &x.Cases[i]
		indent := "  "
		if k.Row >= 0 {
			fmt.Fprintf(&b, "%s"+p.row+"\n", indent, k.Row+1, strings.TrimSpace(p.outcome(k.Pass)))
			indent += "  "
		}
		k.When.write(&b, p, indent)
		if k.Unless != nil {
			b.WriteString(indent + p.unless + "\n")
			k.Unless.write(&b, p, indent+"  ")
		}
	}
	return b.String()
}

func (x *Explanation) reasons(p phrases) []string {
	var out []string
	for _, why := range x.Blocked {
		if why == BlockedDisabled {
			out = append(out, p.disabled)
		} else {
			out = append(out, p.dates)
		}
	}
	if len(x.Cases) == 0 {
		return append(out, p.nothing)
	}
	for _, s := range x.Missing() {
		text := s.Text
		if s.Pass {
			text = p.negated + " " + text
		}
		if values := s.values(p); values != "" {
			text += " (" + values + ")"
		}
		out = append(out, text)
	}
	return out
}

func (p phrases) outcome(pass bool) string {
	if pass {
		return p.yes
	}
	return p.no
}

func (s *Step) values(p phrases) string {
	parts := make([]string, 0, len(s.Values))
	for _, v := range s.Values {
		value := v.Value
		if value == "null" {
			value = p.null
		}
		if v.Text == s.Text { // any(…): its own rows
			parts = append(parts, value)
		} else {
			parts = append(parts, fmt.Sprintf(p.is, v.Text, value))
		}
	}
	return strings.Join(parts, ", ")
}

func (s *Step) write(b *strings.Builder, p phrases, indent string) {
	b.WriteString(indent + p.outcome(s.Pass) + " ")
	switch s.Op {
	case StepAnd:
		b.WriteString(p.and)
	case StepOr:
		b.WriteString(p.or)
	case StepNot:
		b.WriteString(p.negated)
	default:
		b.WriteString(s.Text)
		if values := s.values(p); values != "" {
			b.WriteString(" (" + values + ")")
		}
	}
	b.WriteByte('\n')
	for _, k := range s.Steps {
		k.write(b, p, indent+"  ")
	}
}
