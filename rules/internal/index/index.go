// Package index finds, of many rules, those whose facts one subject matches,
// without asking each of them.
package index

import (
	"math/bits"
	"sync"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/planes"
)

// Index finds the rules that one subject matches without asking each of
// them. For every field that conjuncts of rules compare with constants it
// knows, by value, the bitmap of the rules that the field does not rule out;
// the intersection over all fields leaves few candidates, of which only the
// other conjuncts are tested, each distinct one once. The idea is that of
// access predicates (F. Fabret et al., "Filtering algorithms and implementation
// for very fast publish/subscribe systems", SIGMOD 2001), with all conjuncts at
// once where they register a rule under one.
type Index struct {
	n      int // rules
	words  int
	fields []fieldIndex
	tags   []tagIndex
	tests  []closure.BoolFunc // what no field can decide
	todo   [][]int32          // by rule: which tests
	pool   sync.Pool          // of *Found
}

// fieldIndex returns the bitmap of the rules that the value of a field allows.
type fieldIndex func(closure.Env) []uint64

// tagIndex is that of a field of tags.
type tagIndex struct {
	offset   uintptr
	interned bool
	need     []uint64 // rules that need a tag
	byID     []*tagRules
	byName   map[string]*tagRules
}

// tagRules says which rules need a tag and which must not see it.
type tagRules struct{ wants, against ruleSet }

// ruleSet is a set of rules: a list if they are few.
type ruleSet struct {
	list []int32
	bits []uint64
}

// Found is the room of one evaluation; a pool keeps them, so that an event
// allocates nothing.
type Found struct {
	Rules []int32  // those whose facts match, in their order
	left  []uint64 // candidates
	found []uint64 // rules that need a tag and have it
	memo  []uint32 // by test: the number of the run, and the answer in the lowest bit
	run   uint32
}

const (
	// Least is how many rules a list must have to be worth an index.
	Least = 24
	// maxIndexWords bounds the bitmaps of one field; a field with more distinct
	// constants than that allows is tested rule by rule.
	maxIndexWords = 1 << 20
)

// New returns the index of rules, of which the conjuncts are given.
func New(rules [][]*ir.Term) *Index {
	x := &Index{n: len(rules), words: planes.WordsOf(len(rules)), todo: make([][]int32, len(rules))}
	b := indexBuilder{x: x, ints: map[string]*intTests{}, texts: map[*ir.Field]*textTests{}, bools: map[*ir.Field]*boolTests{}, tags: map[*ir.Field]*tagTests{}, tests: map[string]int32{}}
	for i, conjuncts := range rules {
		for _, k := range conjuncts {
			if !k.ReadsRow() && !b.take(int32(i), k) {
				b.residual(int32(i), k)
			}
		}
	}
	b.finish()
	x.pool.New = func() any {
		return &Found{left: make([]uint64, x.words), found: make([]uint64, x.words), memo: make([]uint32, len(x.tests))}
	}
	return x
}

// Run returns the rules whose facts match, until Free takes them back.
func (x *Index) Run(e closure.Env) *Found {
	s := x.pool.Get().(*Found)
	left := s.left
	planes.Fill(left, x.n)
	for _, f := range x.fields {
		mask := f(e)[:len(left)]
		for i := range left {
			left[i] &= mask[i]
		}
	}
	for i := range x.tags {
		x.tags[i].narrow(left, s.found, e)
	}
	s.run += 2
	if s.run == 0 { // once in two thousand million runs
		clear(s.memo)
		s.run = 2
	}
	found := s.Rules[:0]
	for w, word := range left {
		for ; word != 0; word &= word - 1 {
			i := w<<6 | bits.TrailingZeros64(word)
			if x.pass(s, i, e) {
				found = append(found, int32(i))
			}
		}
	}
	s.Rules = found
	return s
}

// Free takes back what Run returned.
func (x *Index) Free(s *Found) { x.pool.Put(s) }

// pass makes the tests of a rule that no field has decided.
func (x *Index) pass(s *Found, rule int, e closure.Env) bool {
	for _, t := range x.todo[rule] {
		m := s.memo[t]
		if m&^1 != s.run {
			m = s.run
			if x.tests[t](e) {
				m |= 1
			}
			s.memo[t] = m
		}
		if m&1 == 0 {
			return false
		}
	}
	return true
}

// narrow takes out the rules that a tag of the subject speaks against and those that need
// one that is not there.
func (x *tagIndex) narrow(left, found []uint64, e closure.Env) {
	clear(found)
	at := unsafe.Add(e.Facts, x.offset)
	see := func(t *tagRules) {
		if t != nil {
			t.wants.addTo(found)
			t.against.takeFrom(left)
		}
	}
	if x.interned {
		s := (*ir.TagBits)(at)
		for low := s.Low; low != 0; low &= low - 1 {
			if id := bits.TrailingZeros64(low); id < len(x.byID) {
				see(x.byID[id])
			}
		}
		for _, id := range s.More {
			if int(id) < len(x.byID) {
				see(x.byID[id])
			}
		}
	} else {
		for _, tag := range *(*[]string)(at) {
			see(x.byName[tag])
		}
	}
	need := x.need[:len(left)]
	found = found[:len(left)]
	for i := range left {
		left[i] &= found[i] | ^need[i]
	}
}

func (r *ruleSet) addTo(w []uint64) {
	for _, i := range r.list {
		w[i>>6] |= 1 << (i & 63)
	}
	for i, x := range r.bits {
		w[i] |= x
	}
}

func (r *ruleSet) takeFrom(w []uint64) {
	for _, i := range r.list {
		w[i>>6] &^= 1 << (i & 63)
	}
	for i, x := range r.bits {
		w[i] &^= x
	}
}
