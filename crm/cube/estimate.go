package cube

import (
	"github.com/axiomhq/hyperloglog"
)

// estimateError is the relative standard error of estimates: 1.04 over the root of the 16,384 registers of a
// sketch (Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog: the analysis of a near-optimal cardinality
// estimation algorithm", 2007).
const estimateError = 1.04 / 128

// sketches estimate how many numbers were met in each group.
type sketches struct {
	dense []*hyperloglog.Sketch // by group; nil where groups are too many
	some  map[uint64]*hyperloglog.Sketch
}

func newSketches(groups uint64) *sketches {
	if groups <= dense {
		return &sketches{dense: make([]*hyperloglog.Sketch, groups)}
	}
	return &sketches{some: map[uint64]*hyperloglog.Sketch{}}
}

// of returns the sketch of a group; nil if it has met nothing.
func (s *sketches) of(group uint64) *hyperloglog.Sketch {
	if s.dense != nil {
		return s.dense[group]
	}
	return s.some[group]
}

func (s *sketches) set(group uint64, x *hyperloglog.Sketch) {
	if s.dense != nil {
		s.dense[group] = x
		return
	}
	s.some[group] = x
}

// add notes that a group has met a number.
func (s *sketches) add(group uint64, number uint32) {
	x := s.of(group)
	if x == nil {
		x = hyperloglog.New14()
		s.set(group, x)
	}
	x.InsertHash(mix(number))
}

// merge adds what another part of the rows has met.
func (s *sketches) merge(o *sketches) error {
	for group, x := range o.dense {
		if x != nil {
			if err := s.join(uint64(group), x); err != nil {
				return err
			}
		}
	}
	for group, x := range o.some {
		if err := s.join(group, x); err != nil {
			return err
		}
	}
	return nil
}

func (s *sketches) join(group uint64, x *hyperloglog.Sketch) error {
	if was := s.of(group); was != nil {
		return was.Merge(x)
	}
	s.set(group, x)
	return nil
}

// mix returns a hash of a number, by the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). No
// two numbers have the same.
func mix(number uint32) uint64 {
	x := uint64(number) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
