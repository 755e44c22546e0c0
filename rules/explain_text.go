package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// phrases are the texts of an explanation in one language.
type phrases struct {
	fires, not           string // with the rule's name
	yes, no, because     string
	and, or, negated     string
	row, unless, nothing string
	disabled, dates      string
	instead              string // with the other rule's name
	is, null             string

	guard, cancel                  string // headings of what Recheck would say
	flips, flipsOff, would, insert string
	record, stopped, due           string
	states                         map[string]string
	date                           string
	truth                          map[string]string
}

var english = phrases{
	fires: "Rule %s fires.", not: "Rule %s does not fire", yes: "yes", no: "no ", because: ": ",
	and: "all of:", or: "any of:", negated: "not:", row: "row %d (%s)", unless: "unless:",
	nothing: "there is no row", disabled: "the rule is disabled", dates: "the rule is not in effect on this day",
	instead: "rule %s of the same group comes first",
	is:      "%s is %s", null: "null",
	guard: "guard, when due:", cancel: "cancelled if %s:",
	flips: "It would fire if:", flipsOff: "It would not fire if:", would: "%s were %s instead of %s", insert: " and ",
	record: "On record:", stopped: "stopped by %s", due: "due",
	states: map[string]string{"planned": "waiting", "sent": "sent", "done": "done", "withheld": "withheld", "heldout": "held out",
		"cancelled": "cancelled", "failed": "failed", "unknown": "unknown"},
	date: "2006-01-02", truth: map[string]string{"true": "true", "false": "false"},
}

var turkish = phrases{
	fires: "%s kuralı çalışır.", not: "%s kuralı çalışmaz", yes: "evet ", no: "hayır", because: ": ",
	and: "hepsi:", or: "en az biri:", negated: "şu olmamalı:", row: "%d. satır (%s)", unless: "istisna:",
	nothing: "uygun satır yok", disabled: "kural kapalı", dates: "kural bu tarihte yürürlükte değil",
	instead: "aynı gruptan %s kuralı önce gelir",
	is:      "%s = %s", null: "boş",
	guard: "zamanı geldiğinde aranan koşul:", cancel: "şu olursa iptal edilir (%s):",
	flips: "Şöyle olsaydı çalışırdı:", flipsOff: "Şöyle olsaydı çalışmazdı:", would: "%s %s olsaydı (şimdi %s)", insert: " ve ",
	record: "Kayıtta:", stopped: "engelleyen: %s", due: "zamanı",
	states: map[string]string{"planned": "bekliyor", "sent": "gönderildi", "done": "yapıldı", "withheld": "tutuldu", "heldout": "kontrol grubunda",
		"cancelled": "iptal edildi", "failed": "başarısız", "unknown": "belirsiz"},
	date: "02.01.2006", truth: map[string]string{"true": "doğru", "false": "yanlış"},
}

// phrasesOf returns the texts of a language: English for those that are not known, so that
// a locale of a browser can be passed on as it is.
func phrasesOf(lang string) *phrases {
	if lang == "tr" || strings.HasPrefix(lang, "tr-") {
		return &turkish
	}
	return &english
}

// String returns the explanation in English.
func (x *Explanation) String() string { return x.Text("en") }

// Text returns the explanation for people, in Turkish ("tr") or else English:
// the outcome and what is missing in the first line, then every part of the
// condition with what it read, what guards say, and what became of the rule's
// actions if Past is filled.
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
		if !k.Pass {
			continue
		}
		if k.Guard != nil {
			b.WriteString(indent + p.guard + "\n")
			k.Guard.write(&b, p, indent+"  ")
		}
		for _, c := range k.CancelOn {
			fmt.Fprintf(&b, indent+p.cancel+"\n", c.Name)
			c.write(&b, p, indent+"  ")
		}
	}
	x.writePast(&b, p)
	return b.String()
}

// writePast says what became of the rule's actions; effects of other causes are left out.
func (x *Explanation) writePast(b *strings.Builder, p *phrases) {
	head := p.record + "\n"
	for _, e := range x.Past {
		if e.Cause != CausePrefix+x.Rule {
			continue
		}
		action, _, _ := strings.Cut(e.Occurrence, "@")
		fmt.Fprintf(b, "%s  %s: %s", head, action, p.states[string(e.State)])
		head = ""
		if e.State == crm.Planned {
			b.WriteString(", " + p.due + " " + e.Due.Format(p.date))
		} else {
			b.WriteString(" " + e.Changed.Format(p.date))
		}
		var stopped []string
		for _, r := range e.Reasons {
			by := r.Guard
			if r.Note != "" {
				by += " (" + r.Note + ")"
			}
			if !r.Pass {
				stopped = append(stopped, by)
			}
		}
		if len(stopped) > 0 {
			fmt.Fprintf(b, "; "+p.stopped, strings.Join(stopped, ", "))
		}
		b.WriteByte('\n')
	}
}

// FlipText puts flips in words, in Turkish ("tr") or else English: one per
// line below a heading. It is empty if there are none.
func (x *Explanation) FlipText(lang string) string {
	p := phrasesOf(lang)
	flips := x.Flips()
	if len(flips) == 0 {
		return ""
	}
	var b strings.Builder
	if x.passes() {
		b.WriteString(p.flipsOff)
	} else {
		b.WriteString(p.flips)
	}
	b.WriteByte('\n')
	for _, f := range flips {
		b.WriteString("  ")
		if f.Row >= 0 {
			head, _, _ := strings.Cut(p.row, " (")
			fmt.Fprintf(&b, head+": ", f.Row+1)
		}
		for i, c := range f.Changes {
			if i > 0 {
				b.WriteString(p.insert)
			}
			fmt.Fprintf(&b, p.would, c.Text, p.value(c.To), p.value(c.Value))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// value translates the values that are words and writes times as people do.
func (p *phrases) value(v string) string {
	if v == "null" {
		return p.null
	}
	if t, ok := p.truth[v]; ok {
		return t
	}
	if t, err := time.Parse(time.RFC3339, v); err == nil { // in the zone of the moment
		return t.Format(p.date + " 15:04")
	}
	if t, err := time.Parse(time.DateOnly, v); err == nil {
		return t.Format(p.date)
	}
	return v
}

// reasons lists what keeps the rule from firing: what blocks it, then the leaves of the
// case that is nearest to passing.
func (x *Explanation) reasons(p *phrases) []string {
	var out []string
	for _, why := range x.Blocked {
		switch why {
		case blockedDisabled:
			out = append(out, p.disabled)
		case blockedGroup:
			out = append(out, fmt.Sprintf(p.instead, x.Instead))
		default:
			out = append(out, p.dates)
		}
	}
	if len(x.Cases) == 0 {
		return append(out, p.nothing)
	}
	for _, s := range x.missing() {
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

// outcome is yes or no in one width, so that the lines below each other align.
func (p *phrases) outcome(pass bool) string {
	if pass {
		return p.yes
	}
	return p.no
}

// values lists what a leaf read. A leaf that is one loop gives its count alone, as its
// text says already what was counted.
func (s *Step) values(p *phrases) string {
	parts := make([]string, 0, len(s.Values))
	for _, v := range s.Values {
		value := p.value(v.Value)
		if v.Text == s.Text { // any(…): its own rows
			parts = append(parts, value)
		} else {
			parts = append(parts, fmt.Sprintf(p.is, v.Text, value))
		}
	}
	return strings.Join(parts, ", ")
}

// write writes a step and those below it, one to a line.
func (s *Step) write(b *strings.Builder, p *phrases, indent string) {
	b.WriteString(indent + p.outcome(s.Pass) + " ")
	switch s.Op {
	case stepAnd:
		b.WriteString(p.and)
	case stepOr:
		b.WriteString(p.or)
	case stepNot:
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
