package segment_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment"
)

func TestImageAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		models := make([]model, rapid.IntRange(0, 4).Draw(t, "sets"))
		sets := make([]*segment.Set, len(models))
		for i := range sets {
			models[i], sets[i] = genSet(t, string(rune('a'+i)))
		}
		data := segment.AppendImage(nil, sets...)
		kept := bytes.Clone(data)
		require.NoError(t, segment.CheckImage(data))
		moved := append(make([]byte, 1), data...)[1:] // cannot be used in place
		for _, image := range [][]byte{data, moved} {
			got, err := segment.OpenImage(image)
			require.NoError(t, err)
			require.Len(t, got, len(sets))
			for i, s := range got {
				requireSame(t, models[i], s)
				s.AddRange(100, 200)
				s.Remove(150)
				s.Add(1 << 17)
				s.Compact()
			}
		}
		require.Equal(t, kept, data, "changing a set leaves the image alone")
	})
}

func TestImageRefusesBadBytes(t *testing.T) {
	runs := new(segment.Set)
	runs.AddRange(10, 4000)
	data := segment.AppendImage(nil, segment.SetOf(1, 3, 5), runs)
	var codec *segment.CodecError
	for at := range data {
		bad := bytes.Clone(data)
		bad[at] ^= 0x41
		require.ErrorAs(t, segment.CheckImage(bad), &codec, "byte %d", at)
		require.ErrorAs(t, segment.CheckImage(data[:at]), &codec, "cut at %d", at)
	}
	require.ErrorAs(t, segment.CheckImage(append(bytes.Clone(data), make([]byte, 8)...)), &codec)
}

func FuzzCheckImage(f *testing.F) {
	runs, dense := new(segment.Set), new(segment.Set)
	runs.AddRange(10, 70_000)
	for i := uint32(0); i < 3000; i++ {
		dense.Add(2 * i)
	}
	f.Add(segment.AppendImage(nil))
	f.Add(segment.AppendImage(nil, segment.SetOf(1, 3, 1<<20), runs))
	f.Add(segment.AppendImage(nil, dense))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 12 { // let the checksum stand in nobody's way
			data = bytes.Clone(data)
			binary.LittleEndian.PutUint32(data[8:], crc32.Checksum(data[12:], crc32.MakeTable(crc32.Castagnoli)))
		}
		if segment.CheckImage(data) != nil {
			return
		}
		sets, err := segment.OpenImage(data)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, s := range sets {
			if ids := slices.Collect(s.All()); len(ids) != s.Len() || !slices.IsSorted(ids) {
				t.Fatal("members are out of order or miscounted")
			}
			total += s.Len()
		}
		if segment.Union(sets...).Len() > total || segment.Intersect(sets...).Len() > total {
			t.Fatal("more members than there are")
		}
	})
}
