package world

import (
	"iter"
	"math/rand/v2"

	"github.com/vefacrm/vefa/internal/households"
)

const (
	// blockSize is how many persons live in a block. Families do not reach across blocks, so
	// that a person is known without all the persons before.
	blockSize = 16
	// keptBlocks are of 32,768 persons and take 7 MB.
	keptBlocks = 2048
	// youngest is the last year of birth of a customer.
	youngest = 2012
)

// block is the families of blockSize persons. Those of the last one who do not fit live
// elsewhere and are no customers.
type block struct {
	number int
	people [blockSize]households.Person // PhoneOf and EmailOf by the place in the block
	head   [blockSize]int               // the place of the first of the household
	kin    []households.Kin             // by the place
}

// block returns the block in which a person lives. Those that were asked for last are kept: a
// day asks for the people of the days before.
func (w *World) block(person int) *block {
	n := person / blockSize
	kept := &w.blocks[n%keptBlocks]
	if b := kept.Load(); b != nil && b.number == n {
		return b
	}
	seed := w.random(streamHousehold, uint64(n), 0)
	t := families{words: w.words, r: rand.New(rand.NewPCG(seed.next(), seed.next()))}
	b := &block{number: n}
	for first := 0; first < blockSize; {
		h := households.Make(t.r, t, t.Family(), youngest)
		size := min(len(h.Members), blockSize-first)
		here := func(i int) bool { return i < size && n*blockSize+first+i < w.people }
		for i := range size {
			p := h.Members[i]
			for _, of := range []*int{&p.PhoneOf, &p.EmailOf} {
				if *of < 0 {
					*of = i
				}
				*of += first
			}
			b.people[first+i], b.head[first+i] = p, first
		}
		for _, k := range h.Kin {
			if here(k.A) && here(k.B) {
				b.kin = append(b.kin, households.Kin{Relation: k.Relation, A: first + k.A, B: first + k.B})
			}
		}
		first += size
	}
	kept.Store(b)
	return b
}

// partner returns another person of the household, or false: of a couple each other, of a child
// a parent.
func (w *World) partner(person int) (other int, ok bool) {
	b := w.block(person)
	at := person % blockSize
	for _, k := range b.kin {
		switch at {
		case k.A:
			return person - at + k.B, true
		case k.B:
			return person - at + k.A, true
		}
	}
	return 0, false
}

// Kin yields the pairs of persons who belong together by their numbers, as Truth has them: the
// hard cases, who must not become one person.
func (w *World) Kin() iter.Seq[households.Kin] {
	return func(yield func(households.Kin) bool) {
		for first := 0; first < w.people; first += blockSize {
			for _, k := range w.block(first).kin {
				if !yield(households.Kin{Relation: k.Relation, A: first + k.A, B: first + k.B}) {
					return
				}
			}
		}
	}
}

// families is the town of package households: it draws the names of a block; phones and addresses are of the world's own.
type families struct {
	words *words
	r     *rand.Rand
}

func (t families) draw(list []word, zipf table) string { return list[zipf[t.r.Uint64()>>50]][asIs] }

func (t families) Given(woman bool) string {
	if woman {
		return t.draw(t.words.female, t.words.femaleZipf)
	}
	return t.draw(t.words.male, t.words.maleZipf)
}

func (t families) Family() string                   { return t.draw(t.words.last, t.words.lastZipf) }
func (t families) Phones() (phone, second string)   { return "", "" }
func (t families) Email(string, string, int) string { return "" }
