package metric

import (
	"math"
	"math/bits"
	"strings"
)

// Words is a [Metric]: the cosine of two sets of words, which blanks separate, weighed by
// their rarity in a corpus (TF-IDF, Salton and Buckley 1988). Rare words decide; their order
// does not matter. With a nil Corpus all words weigh the same.
type Words struct{ Corpus *Corpus }

// Compare returns the cosine, from 0 to 1; two empty texts are alike.
func (m Words) Compare(a, b string) float64 { return compareWords(m.Corpus, a, b, false) }

// SoftWords is [Words] in which a word also agrees with one that is nearly the same, and
// counts for as much as the two are alike (Soft TF-IDF: Cohen, Ravikumar and Fienberg 2003):
// typing errors, and abbreviations and initials, which are the beginning of the other or its
// consonants. Numbers and words with digits must be the same, and two words that are both
// frequent in the corpus are two words.
type SoftWords struct{ Corpus *Corpus }

// Compare returns the cosine, from 0 to 1; two empty texts are alike.
func (m SoftWords) Compare(a, b string) float64 { return compareWords(m.Corpus, a, b, true) }

const (
	// mostWords is the number of words of a text that are read; a value of a record has 256
	// bytes and seldom more than 40.
	mostWords = 64
	// nearWord is the share of letters in which two words must agree at least if one is a
	// typing error of the other: one wrong in four. In shorter words a letter makes another.
	nearWord = 0.75
	// shortened is how alike a word and its abbreviation are: less than the same word, more
	// than one with a typing error.
	shortened = 0.9
	// shortest is the length of an abbreviation by that of its word at most: what is longer
	// is another word, as kara is beside karaca.
	shortest = 0.6
	// misspelt is the number of texts that a typing error stands in at most, and often the
	// number of times that its word is more frequent if it stands in more. Two words that
	// several texts have are two words, however alike.
	misspelt, often = 3, 10
)

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

func compareWords(c *Corpus, a, b string, soft bool) float64 {
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
	if soft {
		n.pairNear(as, bs)
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

// pairNear pairs the words that are left, those that are most alike first.
func (n *norms) pairNear(as, bs []word) {
	for {
		best, x, y := 0.0, -1, -1
		for i := range as {
			if as[i].used || as[i].digit {
				continue
			}
			for j := range bs {
				if bs[j].used || bs[j].digit {
					continue
				}
				if s := nearness(&as[i], &bs[j]); s > best {
					best, x, y = s, i, j
				}
			}
		}
		if x < 0 {
			return
		}
		n.pair(&as[x], &bs[y], best)
	}
}

// nearness is how alike two different words are; 0 if they are not the same word.
func nearness(x, y *word) float64 {
	if len(x.text) > len(y.text) || len(x.text) == len(y.text) && x.text > y.text {
		x, y = y, x
	}
	a, b := x.text, y.text
	if a[0] == b[0] && float64(len(a)) <= shortest*float64(len(b)) && (strings.HasPrefix(b, a) || skeleton(a, b)) {
		return shortened
	}
	if few, many := min(x.count, y.count), max(x.count, y.count); few > misspelt && often*few > many {
		return 0
	}
	if x.ascii && y.ascii { // an error changes the length by one and the letters by two
		most := int((1 - nearWord) * float64(len(b)))
		if len(b)-len(a) > most || bits.OnesCount64(x.marks^y.marks) > 2*most {
			return 0
		}
	}
	if s := 1 - float64(OSA(a, b))/float64(runes(b)); s >= nearWord {
		return s
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
