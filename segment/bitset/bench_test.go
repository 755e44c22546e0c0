package bitset

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkMarshal(b *testing.B) {
	s, rng := new(Set), rand.New(rand.NewPCG(10, 99))
	for id := -1; id < 1_000_000; id += 1 + int(4*rng.ExpFloat64()) {
		if id >= 0 {
			s.Add(uint32(id))
		}
	}
	for b.Loop() {
		if _, err := s.MarshalBinary(); err != nil {
			b.Fatal(err)
		}
	}
}
