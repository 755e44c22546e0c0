package bitset

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// model is a set as anybody would write it.
type model map[uint32]bool

func (m model) sorted() []uint32 { return slices.Sorted(maps.Keys(m)) }

func requireSame(t require.TestingT, m model, s *Set) {
	require.Equal(t, len(m), s.Len())
	if !slices.Equal(m.sorted(), slices.Collect(s.All())) {
		require.Equal(t, m.sorted(), slices.Collect(s.All()))
	}
}

// genSet draws a set that mixes sparse ids, dense noise and runs, in few chunks.
func genSet(t *rapid.T, label string) (model, *Set) {
	m, s := model{}, new(Set)
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, label), 1))
	for range rapid.IntRange(0, 4).Draw(t, label+" pieces") {
		base := uint32(rng.IntN(3)) << 16
		switch rng.IntN(4) {
		case 0:
			for range rng.IntN(50) {
				id := base | uint32(rng.IntN(1<<16))
				require.Equal(t, !m[id], s.Add(id))
				m[id] = true
			}
		case 1:
			for range rng.IntN(6000) {
				id := base | uint32(rng.IntN(1<<13))
				require.Equal(t, !m[id], s.Add(id))
				m[id] = true
			}
		case 2:
			for range rng.IntN(5) {
				first := base | uint32(rng.IntN(1<<16))
				last := first + uint32(rng.IntN(9000))
				s.AddRange(first, last)
				for id := first; id <= last; id++ {
					m[id] = true
				}
			}
		default:
			for range rng.IntN(4000) {
				id := base | uint32(rng.IntN(1<<13))
				require.Equal(t, m[id], s.Remove(id))
				delete(m, id)
			}
		}
		if rng.IntN(3) == 0 {
			s.Compact()
		}
	}
	return m, s
}

func TestSetAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, s := genSet(t, "set")
		requireSame(t, m, s)
		for range 20 {
			id := rapid.Uint32Range(0, 4<<16).Draw(t, "id")
			require.Equal(t, m[id], s.Contains(id))
		}
		data, err := s.MarshalBinary()
		require.NoError(t, err)
		var back Set
		require.NoError(t, back.UnmarshalBinary(data))
		requireSame(t, m, &back)
		require.True(t, s.Equal(&back))
		again, err := back.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, data, again, "equal sets give equal bytes")
		s.Compact()
		requireSame(t, m, s)
	})
}

func TestSetRunsOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, s := model{}, new(Set)
		s.AddRange(100, 4000)
		for id := uint32(100); id <= 4000; id++ {
			m[id] = true
		}
		for range 300 {
			id := rapid.Uint32Range(0, 4100).Draw(t, "id")
			if rapid.Bool().Draw(t, "add") {
				require.Equal(t, !m[id], s.Add(id))
				m[id] = true
			} else {
				require.Equal(t, m[id], s.Remove(id))
				delete(m, id)
			}
		}
		requireSame(t, m, s)
	})
}

func TestCloneIsIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, s := genSet(t, "set")
		c := s.Clone()
		n := maps.Clone(m)
		for range 50 {
			id := rapid.Uint32Range(0, 1<<13).Draw(t, "id")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				s.Add(id)
				m[id] = true
			case 1:
				s.Remove(id)
				delete(m, id)
			case 2:
				c.Add(id)
				n[id] = true
			default:
				c.Remove(id)
				delete(n, id)
			}
		}
		requireSame(t, m, s)
		requireSame(t, n, c)
	})
}

func TestAlgebraAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 5
		var in [5 << 16]uint8 // per id the sets it is in
		var ss [size]*Set
		for i := range size {
			_, ss[i] = genSet(t, string(rune('a'+i)))
			for id := range ss[i].All() {
				in[id] |= 1 << i
			}
		}
		union := slices.Collect(Union(ss[:]...).All()) // itself checked below
		check := func(got *Set, keep func(in uint8) bool) {
			var want []uint32
			for _, id := range union {
				if keep(in[id]) {
					want = append(want, id)
				}
			}
			require.Equal(t, len(want), got.Len())
			if !slices.Equal(want, slices.Collect(got.All())) {
				t.Fatal("members differ")
			}
		}
		check(Intersect(ss[:]...), func(in uint8) bool { return in == 1<<size-1 })
		some := 0
		for _, mask := range in {
			if mask != 0 {
				some++
			}
		}
		require.Equal(t, some, len(union))
		check(Xor(ss[:]...), func(in uint8) bool { return bits.OnesCount8(in)%2 == 1 })
		for k := 1; k <= size+1; k++ {
			check(AtLeast(k, ss[:]...), func(in uint8) bool { return bits.OnesCount8(in) >= k })
		}
		for include := 1; include <= size; include++ {
			q := Select{Include: ss[:include], Exclude: ss[include:]}
			got := q.Set()
			check(got, func(in uint8) bool { return in == 1<<include-1 })
			require.Equal(t, got.Len(), q.Count())
		}
	})
}

func TestEdges(t *testing.T) {
	s := Of(0, 65535, 65536, 1<<32-1)
	require.Equal(t, []uint32{0, 65535, 65536, 1<<32 - 1}, slices.Collect(s.All()))
	s.AddRange(1<<32-3, 1<<32-1)
	require.Equal(t, 6, s.Len())
	s.AddRange(9, 3)
	require.Equal(t, 6, s.Len())
	require.True(t, new(Set).IsEmpty())
	require.Zero(t, Select{}.Count())
	require.Zero(t, Union().Len())
	full := new(Set)
	full.AddRange(0, 1<<17-1)
	require.Equal(t, 1<<17-1, Except(full, Of(77)).Len())
	require.Zero(t, Except(full, full).Len())
	require.True(t, full.Remove(65536))
	require.False(t, full.Remove(65536))
	require.True(t, full.Add(65536))
	require.Equal(t, 1<<17, full.Len())
	for range full.All() {
		break
	}
}

// The bytes of two small bitmaps, written down from the format's specification.
func TestRoaringBytes(t *testing.T) {
	for _, c := range []struct {
		name string
		set  *Set
		want string
	}{
		{"empty", Of(), "3a300000" + "00000000"},
		{"array", Of(1, 3, 5), "3a300000" + "01000000" + "0000" + "0200" + "10000000" + "010003000500"},
		{"run", func() *Set { s := new(Set); s.AddRange(10, 19); return s }(),
			"3b300000" + "01" + "0000" + "0900" + "0100" + "0a000900"},
	} {
		got, err := c.set.MarshalBinary()
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, hex.EncodeToString(got), c.name)
	}
}

func TestUnmarshalRefusesBadBytes(t *testing.T) {
	good, err := Of(1, 3, 5).MarshalBinary()
	require.NoError(t, err)
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	for name, data := range map[string][]byte{
		"nothing":     nil,
		"cookie":      {1, 2, 3, 4},
		"cut":         good[:len(good)-1],
		"trailing":    append(bytes.Clone(good), 0),
		"order":       change(func(b []byte) []byte { b[16] = 9; return b }),
		"offset":      change(func(b []byte) []byte { b[12]++; return b }),
		"count":       change(func(b []byte) []byte { b[10]++; return b }),
		"huge":        change(func(b []byte) []byte { binary.LittleEndian.PutUint32(b[4:], 1<<31); return b }),
		"run overlap": mustHex(t, "3b300000"+"01"+"0000"+"0400"+"0200"+"0a000200"+"0b000100"),
		"run leaves":  mustHex(t, "3b300000"+"01"+"0000"+"0400"+"0100"+"ffff0400"),
	} {
		s := Of(7)
		err := s.UnmarshalBinary(data)
		var codec *CodecError // says what and where: "bitset: not a portable roaring bitmap: byte 4: …"
		require.True(t, errors.As(err, &codec), "%s: %v", name, err)
		require.Equal(t, []uint32{7}, slices.Collect(s.All()), name)
	}
}

func mustHex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func FuzzUnmarshalSet(f *testing.F) {
	dense, runs := new(Set), new(Set)
	for i := uint32(0); i < 9000; i++ {
		dense.Add(i * 7)
	}
	for i := uint32(0); i < 5; i++ {
		runs.AddRange(i<<16, i<<16+900)
	}
	for _, s := range []*Set{Of(), Of(1, 3, 1<<20), dense, runs} {
		data, _ := s.MarshalBinary()
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Set
		if s.UnmarshalBinary(data) != nil {
			return
		}
		again, err := s.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var back Set
		if err := back.UnmarshalBinary(again); err != nil || !back.Equal(&s) {
			t.Fatalf("does not read back: %v", err)
		}
		n := 0
		for id := range s.All() {
			if n++; !s.Contains(id) {
				t.Fatalf("%d yielded but not contained", id)
			}
		}
		if n != s.Len() {
			t.Fatalf("Len %d, yielded %d", s.Len(), n)
		}
	})
}
