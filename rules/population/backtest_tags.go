package population

import (
	"slices"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/planes"
)

// overlay is the tags that a backtest has given and taken, on top of those of
// the facts.
type overlay struct {
	schema *ir.Layout
	field  *ir.Field
	words  int
	tags   map[uint32]*tagState
}

// tagState is one tag of the overlay. A subject in neither bitmap has the tag
// if his facts say so.
type tagState struct {
	on, off []uint64
	last    map[int32]int // of tags that expire: the batch that set it last
}

// state returns what rules did to a tag, from nothing on.
func (o *overlay) state(tag uint32) *tagState {
	s := o.tags[tag]
	if s == nil {
		s = &tagState{on: make([]uint64, o.words), off: make([]uint64, o.words), last: map[int32]int{}}
		o.tags[tag] = s
	}
	return s
}

// set notes the last word of rules about a subject's tag; it goes before what the facts
// say.
func (s *tagState) set(subject int, on bool) {
	w, bit := subject>>6, uint64(1)<<(subject&63)
	if on {
		s.on[w] |= bit
		s.off[w] &^= bit
	} else {
		s.off[w] |= bit
		s.on[w] &^= bit
	}
}

// apply returns who of a block has the tag; word is where the block begins.
func (s *tagState) apply(out []uint64, rows *tagRows, word int) []uint64 {
	on, off := s.on[word:word+len(out)], s.off[word:word+len(out)]
	switch {
	case rows == nil:
		clear(out)
	case rows.bits != nil:
		copy(out, rows.bits)
	default:
		clear(out)
		for _, r := range rows.list {
			planes.SetBit(out, int(r))
		}
	}
	for i := range out {
		out[i] = (out[i] | on[i]) &^ off[i]
	}
	return out
}

// adjust gives the facts of one subject the tags that he has by now. What the
// facts refer to is not changed.
func (o *overlay) adjust(facts unsafe.Pointer, subject int) {
	if o == nil || o.field == nil {
		return
	}
	at := unsafe.Add(facts, o.field.Offset)
	if o.field.Interned {
		set := (*ir.TagBits)(at).Clone()
		for id, s := range o.tags {
			switch {
			case planes.BitAt(s.on, subject):
				set.Put(id)
			case planes.BitAt(s.off, subject):
				set.Take(id)
			}
		}
		*(*ir.TagBits)(at) = set
		return
	}
	list := slices.Clone(*(*[]string)(at))
	for id, s := range o.tags {
		name := o.schema.Tags.Name(id)
		switch {
		case planes.BitAt(s.on, subject):
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		case planes.BitAt(s.off, subject):
			list = slices.DeleteFunc(list, func(t string) bool { return t == name })
		}
	}
	*(*[]string)(at) = list
}
