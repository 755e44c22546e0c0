package metric_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/dedup/metric"
)

func bounded(t testing.TB, a, b string) {
	if a == b {
		return
	}
	for _, m := range []metric.Sketcher{metric.JaroWinkler{}, metric.Edits{}, metric.Edits{Max: 1}, metric.Edits{Max: 2}, metric.Similarity{}} {
		x, y := m.Sketch(a), m.Sketch(b)
		if x != 0 && y != 0 {
			require.GreaterOrEqual(t, m.Bound(x, y), m.Compare(a, b), "%#v of %q and %q", m, a, b)
			require.Equal(t, m.Bound(x, y), m.Bound(y, x), "%#v of %q and %q", m, a, b)
		}
	}
}

func FuzzBounds(f *testing.F) {
	f.Add("martha", "marhta")
	f.Add("dixon", "dicksonx")
	f.Add("aaaa", "aa aa")
	f.Add("0123456789", "0123456798")
	f.Fuzz(func(t *testing.T, a, b string) { bounded(t, a, b) })
}

// No metric exceeds what it says of sketches.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringMatching(`[a-ek-mqvw0-2 ]{1,9}`).Draw(t, "a"), rapid.StringMatching(`[a-ek-mqvw0-2 ]{1,9}`).Draw(t, "b")
		for _, m := range []metric.Sketcher{metric.JaroWinkler{}, metric.Edits{Max: 1}, metric.Edits{Max: 2}, metric.Similarity{}} {
			if a != b && m.Bound(m.Sketch(a), m.Sketch(b)) < m.Compare(a, b) {
				t.Fatalf("%#v of %q and %q", m, a, b)
			}
		}
	})
	require.Zero(t, metric.Outline("ayşe"), "characters beyond ASCII are not told")
	require.Zero(t, metric.Outline(""))
	require.Less(t, metric.JaroWinkler{}.Bound(metric.Outline("ayse"), metric.Outline("mehmet")), 0.75)
}
