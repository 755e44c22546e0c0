package metric

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// Words is a [Metric]: the cosine of two sets of words, which blanks separate, weighed by
// their rarity in a corpus (TF-IDF, Salton and Buckley 1988). Rare words decide; their order
// does not matter. With a nil Corpus all words weigh the same.
type Words struct{ Corpus *Corpus }

// Compare returns the cosine, from 0 to 1; two empty texts are alike.
func (m Words) Compare(a, b string) float64 { return compareWords(m.Corpus, a, b, nil) }

// SoftWords is [Words] in which a word also agrees with one that is nearly the same, and
// counts for as much as the two are alike (Soft TF-IDF: Cohen, Ravikumar and Fienberg 2003):
// typing errors, and abbreviations and initials, which are the beginning of the other or its
// consonants. Numbers and words with digits must be the same, and two words that are both
// frequent in the corpus are two words.
type SoftWords struct {
	Corpus *Corpus
	Spelling
}

// Compare returns the cosine, from 0 to 1; two empty texts are alike.
func (m SoftWords) Compare(a, b string) float64 {
	s := m.Spelling.filled()
	return compareWords(m.Corpus, a, b, &s)
}

// Spelling says which words are one in spite of their letters; the zero value is what
// everybody should use.
type Spelling struct {
	// Near is the share of letters in which a word and its misspelling agree at least; 0 means
	// 0.75, one wrong in four: in shorter words a letter makes another word.
	Near float64
	// Short is the length of an abbreviation by that of its word at most; 0 means 0.6: what is
	// longer is another word, as kara is beside karaca.
	Short float64
	// Alike is how alike a word and its abbreviation are; 0 means 0.9: less than the same
	// word, more than one with a typing error.
	Alike float64
	// Rare is the number of texts that a misspelling stands in at most; 0 means 3. One that
	// stands in more is believed if its word does Often times more often; 0 means 10.
	Rare, Often int
}

func (s Spelling) filled() Spelling {
	s.Near, s.Short, s.Alike = cmp.Or(s.Near, 0.75), cmp.Or(s.Short, 0.6), cmp.Or(s.Alike, 0.9)
	s.Rare, s.Often = cmp.Or(s.Rare, 3), cmp.Or(s.Often, 10)
	return s
}

// mostWords is the number of words of a text that are read; a value of a record has 256
// bytes and seldom more than 40.
const mostWords = 64

// word is a word of a text that is compared.
type word struct {
	text   string
	weight float64
	count  int    // of texts that have it
	marks  uint64 // the letters that it has, by their last bits
	ascii  bool
	digit  bool
	used   bool
}

// readWords appends the distinct words of a text.
func readWords(dst []word, c *Corpus, s string) []word {
next:
	for w := range strings.FieldsSeq(s) {
		if len(dst) == mostWords {
			break
		}
		for i := range dst {
			if dst[i].text == w {
				continue next
			}
		}
		x := word{text: w, count: c.Count(w), ascii: isASCII(w)}
		x.weight = c.weight(x.count)
		for i := 0; i < len(w); i++ {
			x.marks |= 1 << (w[i] & 63)
			x.digit = x.digit || w[i] >= '0' && w[i] <= '9'
		}
		dst = append(dst, x)
	}
	return dst
}

// norms gathers the squares of the weights of two texts and of what they share.
type norms struct{ both, a, b float64 }

// pair notes that two words are one, as alike as said. A word with a typing error is rare,
// whatever the word is: it weighs as the other.
func (n *norms) pair(x, y *word, alike float64) {
	w := min(x.weight, y.weight)
	x.used, y.used = true, true
	n.both += alike * w * w
	n.a += w * w
	n.b += w * w
}

func compareWords(c *Corpus, a, b string, soft *Spelling) float64 {
	if a == b {
		return 1
	}
	var roomA, roomB [16]word
	as, bs := readWords(roomA[:0], c, a), readWords(roomB[:0], c, b)
	var n norms
	for i := range as {
		for j := range bs {
			if as[i].marks == bs[j].marks && as[i].text == bs[j].text {
				n.pair(&as[i], &bs[j], 1)
				break
			}
		}
	}
	if soft != nil {
		n.pairNear(as, bs, soft)
	}
	for i := range as {
		if w := &as[i]; !w.used {
			n.a += w.weight * w.weight
		}
	}
	for i := range bs {
		if w := &bs[i]; !w.used {
			n.b += w.weight * w.weight
		}
	}
	if n.both == 0 {
		return 0
	}
	return min(n.both/math.Sqrt(n.a*n.b), 1)
}

// near is two words that are left, by their places, and how alike they are.
type near struct {
	x, y  int
	alike float64
}

// pairNear pairs the words that are left, those that are most alike first. Ties are told by
// the words, so that the texts may be exchanged.
func (n *norms) pairNear(as, bs []word, s *Spelling) {
	var room [16]near
	found := room[:0]
	for i := range as {
		if as[i].used || as[i].digit {
			continue
		}
		for j := range bs {
			if bs[j].used || bs[j].digit {
				continue
			}
			if alike := s.alike(&as[i], &bs[j]); alike > 0 {
				found = append(found, near{i, j, alike})
			}
		}
	}
	if len(found) > 1 {
		slices.SortFunc(found, func(p, q near) int {
			a, b, c, d := as[p.x].text, bs[p.y].text, as[q.x].text, bs[q.y].text
			return cmp.Or(cmp.Compare(q.alike, p.alike), cmp.Compare(min(a, b), min(c, d)), cmp.Compare(max(a, b), max(c, d)))
		})
	}
	for _, p := range found {
		if x, y := &as[p.x], &bs[p.y]; !x.used && !y.used {
			n.pair(x, y, p.alike)
		}
	}
}

// alike is how alike two different words are; 0 if they are not the same word.
func (s *Spelling) alike(x, y *word) float64 {
	if len(x.text) > len(y.text) {
		x, y = y, x
	}
	a, b := x.text, y.text
	if a[0] == b[0] && float64(len(a)) <= s.Short*float64(len(b)) && (strings.HasPrefix(b, a) || skeleton(a, b)) {
		return s.Alike
	}
	if few, many := min(x.count, y.count), max(x.count, y.count); few > s.Rare && s.Often*few > many {
		return 0
	}
	if x.ascii && y.ascii { // an error changes the length by one and the letters by two
		most := int((1 - s.Near) * float64(len(b)))
		if len(b)-len(a) > most || bits.OnesCount64(x.marks^y.marks) > 2*most {
			return 0
		}
	}
	if alike := 1 - float64(OSA(a, b))/float64(max(runes(a), runes(b))); alike >= s.Near {
		return alike
	}
	return 0
}

// skeleton reports whether a word of three letters or more is the first letter and some
// consonants of a longer one, as svcs is of services and mfg of manufacturing.
func skeleton(short, long string) bool {
	if len(short) < 3 {
		return false
	}
	at := 1
	for i := 1; i < len(short); i++ {
		if strings.IndexByte("aeiou", short[i]) >= 0 {
			return false
		}
		k := strings.IndexByte(long[at:], short[i])
		if k < 0 {
			return false
		}
		at += k + 1
	}
	return true
}
