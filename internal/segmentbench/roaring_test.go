package segmentbench

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/bitset"
)

// genTag draws a set that mixes sparse ids, dense noise and runs.
func genTag(t *rapid.T, label string) tag {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, label), 1))
	out := tag{ours: new(bitset.Set), theirs: roaring.New()}
	for range rng.IntN(5) {
		base := uint32(rng.IntN(4)) << 16
		switch rng.IntN(4) {
		case 0:
			for range rng.IntN(200) {
				id := base + uint32(rng.IntN(1<<16))
				out.ours.Add(id)
				out.theirs.Add(id)
			}
		case 1:
			for range rng.IntN(9000) {
				id := base + uint32(rng.IntN(1<<14))
				out.ours.Add(id)
				out.theirs.Add(id)
			}
		case 2:
			for range rng.IntN(9) {
				first := base + uint32(rng.IntN(1<<16))
				last := first + uint32(rng.IntN(30_000))
				out.ours.AddRange(first, last)
				out.theirs.AddRange(uint64(first), uint64(last)+1)
			}
		default:
			for range rng.IntN(4000) {
				id := base + uint32(rng.IntN(1<<14))
				out.ours.Remove(id)
				out.theirs.Remove(id)
			}
		}
	}
	if rng.IntN(2) == 0 {
		out.ours.Compact()
		out.theirs.RunOptimize()
	}
	return out
}

func requireSame(t *rapid.T, theirs *roaring.Bitmap, ours *bitset.Set) {
	t.Helper()
	require.Equal(t, int(theirs.GetCardinality()), ours.Len())
	if !slices.Equal(theirs.ToArray(), slices.Collect(ours.All())) {
		t.Fatal("members differ")
	}
}

func TestAlgebraAgainstRoaring(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s [5]tag
		for i := range s {
			s[i] = genTag(t, string(rune('a'+i)))
			requireSame(t, s[i].theirs, s[i].ours)
		}
		a, b, c, d, e := s[0], s[1], s[2], s[3], s[4]
		want := theirSet(a.theirs, b.theirs, c.theirs, d.theirs)
		q := bitset.Select{Include: []*bitset.Set{a.ours, b.ours}, Exclude: []*bitset.Set{c.ours, d.ours}}
		requireSame(t, want, q.Set())
		require.Equal(t, int(want.GetCardinality()), q.Count())
		require.EqualValues(t, want.GetCardinality(), theirCount(a.theirs, b.theirs, c.theirs, d.theirs))
		requireSame(t, roaring.FastAnd(a.theirs, b.theirs, c.theirs), bitset.Intersect(a.ours, b.ours, c.ours))
		requireSame(t, roaring.FastOr(a.theirs, b.theirs, c.theirs, d.theirs), bitset.Union(a.ours, b.ours, c.ours, d.ours))
		requireSame(t, roaring.Xor(roaring.Xor(a.theirs, b.theirs), e.theirs), bitset.Xor(a.ours, b.ours, e.ours))
		requireSame(t, roaring.AndNot(e.theirs, roaring.Or(a.theirs, b.theirs)), bitset.Except(e.ours, a.ours, b.ours))
		require.EqualValues(t, a.theirs.AndCardinality(b.theirs), bitset.Overlaps(a.ours, b.ours)[0][1])
		id := rapid.Uint32Range(0, 5<<16).Draw(t, "id")
		require.EqualValues(t, a.theirs.Rank(id), a.ours.Rank(id))
	})
}

// Many segments evaluated together, over a population large enough for every
// form that a chunk can have.
func TestSegmentsTogetherAgainstRoaring(t *testing.T) {
	const n = 150_000
	idx := segment.NewIndex(segment.Options{})
	tags := make([]tag, tagCount)
	everybody := new(bitset.Set)
	everybody.AddRange(0, n-1)
	_, err := idx.Load(day0, func(yield func(string, []string) bool) {
		for i := range n {
			if !yield(customer(i), nil) {
				return
			}
		}
	})
	require.NoError(t, err)
	for i := range tags {
		tags[i] = newTag(tagIDs(i, n))
		_, err := idx.SetTag(day0, tagName(i), tags[i].ours)
		require.NoError(t, err)
	}
	names := define1000(t, idx)
	require.NoError(t, idx.Track(names...))
	counts, err := idx.View().Counts(day0, names...)
	require.NoError(t, err)
	sets, err := idx.View().Audiences(day0, names...)
	require.NoError(t, err)
	check := func() {
		for i, p := range segments1000() {
			want := roaring.And(tags[p[0]].theirs, tags[p[1]].theirs)
			for _, x := range p[2:] {
				want.AndNot(tags[x].theirs)
			}
			got, _ := idx.Tracked(names[i])
			require.True(t, slices.Equal(want.ToArray(), slices.Collect(got.All())), names[i])
		}
	}
	check()
	for i := range names {
		got, _ := idx.Tracked(names[i])
		require.True(t, got.Equal(sets[i]), names[i])
		require.Equal(t, got.Len(), counts[i], names[i])
	}
	// Many single changes later the tracked members are still what they should be.
	rng := rand.New(rand.NewPCG(7, 8))
	for range 20_000 {
		i, who := rng.IntN(tagCount), rng.IntN(n)
		c := segment.TagChange{Customer: customer(who), Tag: tagName(i), Clear: rng.IntN(2) == 0}
		if c.Clear {
			tags[i].theirs.Remove(uint32(who))
		} else {
			tags[i].theirs.Add(uint32(who))
		}
		_, err := idx.Apply(day0, []segment.TagChange{c})
		require.NoError(t, err)
	}
	check()
}

func TestPortableFormatBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genTag(t, "set")
		ours, err := s.ours.MarshalBinary()
		require.NoError(t, err)
		theirs, err := s.theirs.ToBytes()
		require.NoError(t, err)
		read := roaring.New()
		_, err = read.ReadFrom(bytes.NewReader(ours))
		require.NoError(t, err)
		require.True(t, read.Equals(s.theirs))
		back := new(bitset.Set)
		require.NoError(t, back.UnmarshalBinary(theirs))
		requireSame(t, s.theirs, back)
	})
}

// Bytes that either library takes mean the same to both.
func FuzzPortableFormat(f *testing.F) {
	for t := range 8 {
		data, err := newTag(tagIDs(3*t+1, 100_000)).theirs.ToBytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ours := new(bitset.Set)
		if ours.UnmarshalBinary(data) != nil {
			return // stricter than roaring, which trusts what it reads
		}
		theirs := roaring.New()
		if _, err := theirs.ReadFrom(bytes.NewReader(data)); err != nil {
			t.Fatalf("we read what roaring does not: %v", err)
		}
		if !slices.Equal(theirs.ToArray(), slices.Collect(ours.All())) {
			t.Fatal("members differ")
		}
	})
}
