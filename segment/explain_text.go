package segment

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// phrases are the words of an explanation in one language.
type phrases struct {
	in, out                string // with customer, segment and version
	unknown, dead, live    string
	yes, no, above         string
	tag, leaf, segment     string // with the name
	everyone, nobody       string
	all, any, atLeast      string // atLeast with the number, and how many hold
	except, odd, not       string
	red, since, by, ignore string
	date                   string
}

var english = phrases{
	in: "%s is in %s (version %d)", out: "%s is not in %s (version %d)",
	unknown: "unknown customer", dead: "not in the live population", live: "in the live population",
	yes: "yes", no: "no", above: " (see above)",
	tag: "tag %s", leaf: "leaf %s", segment: "segment %s", everyone: "everyone", nobody: "nobody",
	all: "all of", any: "any of", atLeast: "at least %d of (holds for %d)",
	except: "in the first and in none of the others", odd: "an odd number of", not: "not",
	red: "tag %s is red", since: " since %s", by: " by %s", ignore: ", ignored by this segment",
	date: time.DateOnly,
}

var turkish = phrases{
	in: "%s, %s segmentinde (sürüm %d)", out: "%s, %s segmentinde değil (sürüm %d)",
	unknown: "bilinmeyen müşteri", dead: "etkin müşteriler arasında değil", live: "etkin müşteriler arasında",
	yes: "evet", no: "hayır", above: " (yukarıda)",
	tag: "etiket %s", leaf: "küme %s", segment: "segment %s", everyone: "herkes", nobody: "hiç kimse",
	all: "hepsi", any: "en az biri", atLeast: "en az %d tanesi (%d tanesi tutuyor)",
	except: "birincisinde olup ötekilerin hiçbirinde olmayan", odd: "tek sayıda", not: "değil",
	red: "%s etiketi kırmızı", since: ", %s tarihinden beri", by: ", %s tarafından", ignore: ", bu segment dikkate almıyor",
	date: "02.01.2006",
}

// phrasesOf returns the texts of a language: English for those that are not known.
func phrasesOf(lang string) *phrases {
	if lang == "tr" || strings.HasPrefix(lang, "tr-") {
		return &turkish
	}
	return &english
}

// text returns the sentence for a red tag.
func (r PolarityRule) text(p *phrases) string {
	var b strings.Builder
	fmt.Fprintf(&b, p.red, r.Tag)
	if !r.From.IsZero() {
		fmt.Fprintf(&b, p.since, r.From.UTC().Format(p.date))
	}
	if r.Owner != "" {
		fmt.Fprintf(&b, p.by, r.Owner)
	}
	if r.Reason != "" {
		fmt.Fprintf(&b, " (%s)", r.Reason)
	}
	return b.String()
}

// String returns the whole explanation in English: see Text.
func (e Explanation) String() string { return e.Text("en") }

// Text returns the whole explanation for people, in Turkish ("tr") or else English:
// one reason per line; a star marks what decides.
func (e Explanation) Text(lang string) string {
	p := phrasesOf(lang)
	var b strings.Builder
	head := p.out
	if e.In {
		head = p.in
	}
	fmt.Fprintf(&b, head+"\n", e.Customer, e.Segment, e.Version)
	switch {
	case !e.Known:
		b.WriteString("* " + p.unknown + "\n")
	case !e.Live:
		b.WriteString("* " + p.dead + "\n")
	default:
		b.WriteString("  " + p.live + "\n")
	}
	e.Tree.write(&b, p, 0)
	for _, r := range e.Red {
		if slices.Contains(e.Ignored, r.Tag) {
			b.WriteString("  " + r.text(p) + p.ignore + "\n")
		} else {
			b.WriteString("* " + r.text(p) + "\n")
		}
	}
	return b.String()
}

// write writes a reason and those below it, one to a line. The indent is bounded; see
// maxIndent.
func (r Reason) write(b *strings.Builder, p *phrases, depth int) {
	mark, answer := " ", p.no
	if r.Decides {
		mark = "*"
	}
	if r.Holds {
		answer = p.yes
	}
	fmt.Fprintf(b, "%s %s%s: %s", mark, strings.Repeat("  ", min(depth, maxIndent)), r.words(p), answer)
	if r.Shown {
		b.WriteString(p.above)
	}
	b.WriteByte('\n')
	for _, k := range r.Children {
		k.write(b, p, depth+1)
	}
}

// words says what a node asks.
func (r Reason) words(p *phrases) string {
	name := strings.TrimPrefix(r.Label, r.op.String()+" ")
	switch r.op {
	case isTag:
		return fmt.Sprintf(p.tag, name)
	case isLeaf:
		return fmt.Sprintf(p.leaf, name)
	case isSegment:
		return fmt.Sprintf(p.segment, name)
	case isAll:
		if len(r.Children) == 0 {
			return p.everyone
		}
		return p.all
	case isAny:
		if len(r.Children) == 0 {
			return p.nobody
		}
		return p.any
	case isAtLeast:
		held := 0
		for _, k := range r.Children {
			if k.Holds {
				held++
			}
		}
		return fmt.Sprintf(p.atLeast, r.least, held)
	case isExcept:
		return p.except
	case isXor:
		return p.odd
	case isNot:
		return p.not
	}
	return r.Label
}
