package metric

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Corpus counts in how many texts each word occurs, so that metrics can let rare words
// weigh more than common ones. The zero value is empty; words are what blanks separate.
// It may be read by many goroutines once nothing is added any more. As JSON it holds words
// as hashes only, which keeps them out of sight but is no anonymisation.
type Corpus struct {
	texts  int
	rest   uint32 // texts that have a word which is not listed, at most
	counts map[uint64]uint32
}

// Add counts the words of a text, each once. It must not be called after Freeze.
func (c *Corpus) Add(text string) {
	if text == "" {
		return
	}
	if c.counts == nil {
		c.counts = map[uint64]uint32{}
	}
	c.texts++
	var room [32]uint64
	seen := room[:0]
	for w := range strings.FieldsSeq(text) {
		if h := wordHash(w); !slices.Contains(seen, h) {
			seen = append(seen, h)
			c.counts[h]++
		}
	}
}

// Freeze ends the counting: it forgets the words of a single text and, beyond most words,
// the rarest ones. What is forgotten weighs as much as a word that was never seen, so that
// a text weighs the same whether it was counted or not.
func (c *Corpus) Freeze(most int) {
	type entry struct {
		h uint64
		n uint32
	}
	kept := make([]entry, 0, len(c.counts))
	for h, n := range c.counts {
		if n > 1 {
			kept = append(kept, entry{h, n})
		}
	}
	slices.SortFunc(kept, func(a, b entry) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.h, b.h)) })
	c.rest = 1
	if len(kept) > most {
		c.rest = kept[most].n
		kept = kept[:most]
	}
	c.counts = make(map[uint64]uint32, len(kept))
	for _, e := range kept {
		c.counts[e.h] = e.n
	}
}

// Texts is the number of texts counted, without empty ones.
func (c *Corpus) Texts() int { return c.texts }

// Count is the number of texts that have a word; for a word that is not listed it is that of
// the rarest words, 1 unless there were too many.
func (c *Corpus) Count(word string) int {
	if c == nil {
		return 1
	}
	if n, ok := c.counts[wordHash(word)]; ok {
		return int(n)
	}
	return int(max(c.rest, 1))
}

// Weight is the inverse document frequency of a word: log2 of 1 + texts / those that have
// it, and 1 in an empty corpus.
func (c *Corpus) Weight(word string) float64 { return c.weight(c.Count(word)) }

func (c *Corpus) weight(count int) float64 {
	if c == nil || c.texts == 0 {
		return 1
	}
	return math.Log2(1 + float64(c.texts)/float64(count))
}

type corpusFile struct {
	Texts int               `json:"texts"`
	Rest  uint32            `json:"rest"`
	Words map[string]uint32 `json:"words,omitempty"`
}

// MarshalJSON writes the counts; the same corpus gives the same bytes.
func (c *Corpus) MarshalJSON() ([]byte, error) {
	out := corpusFile{Texts: c.texts, Rest: c.rest, Words: make(map[string]uint32, len(c.counts))}
	for h, n := range c.counts {
		out.Words[strconv.FormatUint(h, 36)] = n
	}
	return json.Marshal(out)
}

var errCorpus = errors.New("metric: bad corpus")

// UnmarshalJSON reads what MarshalJSON wrote, and refuses counts that cannot be.
func (c *Corpus) UnmarshalJSON(data []byte) error {
	var in corpusFile
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("%w: %w", errCorpus, err)
	}
	if in.Texts < 0 || int64(in.Rest) > max(int64(in.Texts), 1) {
		return fmt.Errorf("%w: %d texts, rest %d", errCorpus, in.Texts, in.Rest)
	}
	*c = Corpus{texts: in.Texts, rest: in.Rest, counts: make(map[uint64]uint32, len(in.Words))}
	for name, n := range in.Words {
		h, err := strconv.ParseUint(name, 36, 64)
		if err != nil || n == 0 || int64(n) > int64(in.Texts) {
			return fmt.Errorf("%w: word %q in %d of %d texts", errCorpus, name, n, in.Texts)
		}
		c.counts[h] = n
	}
	return nil
}

// Sum is a hash of the counts: two corpora that weigh all words alike have one.
func (c *Corpus) Sum() uint64 {
	sum := uint64(c.texts)<<32 ^ uint64(c.rest)
	for h, n := range c.counts { // a sum, as maps have no order
		x := (h ^ uint64(n)<<40) * 0x9e3779b97f4a7c15
		sum += x ^ x>>29
	}
	return sum
}

// wordHash is FNV-1a with its bits mixed, the same in every process, as a corpus is kept.
func wordHash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	return h ^ h>>27
}
