package worth

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestParts: rows are read as they were written, and rows replace those of the same profile.
func TestParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p part
		want := map[hashed]summary{}
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			k := hashed(rapid.Uint64Range(0, 20).Draw(t, "profile")) * (math.MaxUint64 / 20)
			if rapid.Bool().Draw(t, "forget") {
				p.forget(k)
				delete(want, k)
				continue
			}
			repeats := rapid.Int32Range(0, 100).Draw(t, "repeats")
			first := rapid.Int32Range(-1_000_000, 4_000_000).Draw(t, "first")
			s := summary{first: first, last: first + rapid.Int32Range(0, 4_000_000).Draw(t, "span"), repeats: repeats, orders: repeats + rapid.Int32Range(1, 9).Draw(t, "orders"),
				total: rapid.Int64().Draw(t, "total"), spent: rapid.Int64().Draw(t, "spent"), priced: rapid.Bool().Draw(t, "priced")}
			p.put(row{k, s})
			want[k] = s
		}
		data, err := json.Marshal(p.encode(markOf("a")))
		require.NoError(t, err)
		version, got, err := readPart(data)
		require.NoError(t, err)
		require.Equal(t, markOf("a"), version)
		require.Len(t, got, len(want))
		for _, r := range got {
			require.Equal(t, want[r.profile], r.summary)
		}
	})
}

// FuzzParts: what is read is written again as rows that read the same, or is refused.
func FuzzParts(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(part{{1, summary{first: 3, last: 9, repeats: 1, orders: 2, total: 5, spent: -1, priced: true}}, {7, summary{orders: 1}}}.encode(mark{})[len(mark{}):])
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decode(b)
		if err != nil {
			return
		}
		again, err := decode(p.encode(mark{})[len(mark{}):])
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}

// TestPartRefused: what is kept and is no rows is an error and no other rows.
func TestPartRefused(t *testing.T) {
	for _, data := range []string{`"`, `{}`, `"*"`, `"AAAA"`, `null`, ``, `""`, `"AAAAAAAAAAAA"`} {
		_, _, err := readPart([]byte(data))
		require.ErrorIs(t, err, errPart, data)
	}
}
