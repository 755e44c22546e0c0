package memstore

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestTreeAgainstMap runs random writes on a tree, with snapshots that must
// not notice anything, against a map.
func TestTreeAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.Custom(func(t *rapid.T) string {
			if rapid.Bool().Draw(t, "number") {
				return fmt.Sprintf("key/%06d", rapid.IntRange(0, 400).Draw(t, "n"))
			}
			return string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 'b', 0xfe, 0xff}), 0, 6).Draw(t, "bytes"))
		})
		var tr, snap tree
		model, snapModel := map[string]string{}, map[string]string{}
		w := &writer{owner: 1}
		for i, n := 0, rapid.IntRange(1, 600).Draw(t, "steps"); i < n; i++ {
			key := keys.Draw(t, "key")
			switch rapid.IntRange(0, 11).Draw(t, "op") {
			case 0, 1, 2:
				_, had := model[key]
				require.Equal(t, had, tr.remove(w, []byte(key)))
				delete(model, key)
			case 3:
				requireSame(t, snap, snapModel)
				snap, snapModel = tr, maps.Clone(model)
				w.owner++
			case 4: // roll back
				tr, model = snap, maps.Clone(snapModel)
				w.owner++
			case 5: // many at once
				var b batch
				for range rapid.IntRange(1, 60).Draw(t, "many") {
					k, v := keys.Draw(t, "key"), []byte{byte(i)}
					b.add(0, func(buf []byte) []byte { return append(buf, k...) }, func(buf []byte) []byte { return append(buf, v...) })
					model[k] = string(v)
				}
				tr.putAll(w, b.entries())
				require.Equal(t, len(model), tr.n)
			default:
				val := string(bytes.Repeat([]byte{byte(i)}, rapid.SampledFrom([]int{0, 1, 30, 200, 2000}).Draw(t, "size")))
				_, had := model[key]
				require.Equal(t, !had, tr.put(w, []byte(key), []byte(val)))
				model[key] = val
			}
			got, ok := tr.get([]byte(key))
			want, had := model[key]
			require.Equal(t, had, ok)
			require.Equal(t, want, got)
		}
		requireSame(t, tr, model)
		requireSame(t, snap, snapModel)

		// Forward seeks find what fresh ones do.
		c, fresh := cursor{t: &tr}, cursor{t: &tr}
		asked := rapid.SliceOfN(keys, 0, 60).Draw(t, "asked")
		slices.Sort(asked)
		for _, key := range asked {
			c.forward([]byte(key))
			fresh.seek([]byte(key))
			require.Equal(t, fresh.ok, c.ok, "%q", key)
			if fresh.ok {
				require.Equal(t, fresh.key, c.key, "%q", key)
				require.Equal(t, fresh.val, c.val, "%q", key)
			}
		}
	})
}

func requireSame(t *rapid.T, tr tree, model map[string]string) {
	want := slices.Sorted(maps.Keys(model))
	require.Equal(t, len(want), tr.n)
	c := cursor{t: &tr}
	i := 0
	for c.seek(nil); c.ok; c.step() {
		require.Less(t, i, len(want))
		require.Equal(t, want[i], string(c.key))
		require.Equal(t, model[want[i]], c.val)
		i++
	}
	require.Equal(t, len(want), i)
}
