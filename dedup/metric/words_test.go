package metric_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/dedup/metric"
)

// firms is a corpus of ten texts in which some words are common.
func firms() *metric.Corpus {
	c := &metric.Corpus{}
	for _, s := range []string{"yilmaz gida sanayi ticaret", "kaya gida sanayi ticaret", "demir tekstil sanayi ticaret", "kara insaat", "karaca insaat ticaret",
		"kara tekstil", "karaca tekstil", "kara gida", "karaca gida", "kara karaca insaat"} {
		c.Add(s)
	}
	c.Freeze(100)
	return c
}

// The weights and cosines worked out by hand (E8).
func TestWordsByHand(t *testing.T) {
	c := firms()
	require.Equal(t, 10, c.Texts())
	require.Equal(t, 4, c.Count("gida"))
	require.Equal(t, 1, c.Count("yilmaz"), "words of one text are not listed")
	require.Equal(t, 1, c.Count("unheard"), "and weigh as those that were never seen")
	require.InDelta(t, math.Log2(1+10.0/4), c.Weight("gida"), 1e-12)
	y, g, s := c.Weight("yilmaz"), c.Weight("gida"), c.Weight("sanayi")
	want := (y*y + g*g) / math.Sqrt((y*y+g*g)*(y*y+g*g+s*s))
	require.InDelta(t, want, metric.Words{Corpus: c}.Compare("gida yilmaz", "yilmaz sanayi gida"), 1e-12)
	require.Zero(t, metric.Words{Corpus: c}.Compare("yilmaz", "gida"))
	require.InDelta(t, 0.5, metric.Words{}.Compare("a b", "b c"), 1e-12, "without a corpus all words weigh the same")
}

func TestSoftWords(t *testing.T) {
	m := metric.SoftWords{Corpus: firms()}
	for _, k := range []struct {
		a, b        string
		least, most float64
	}{
		{"yilmaz gida", "yilmz gida", 0.8, 0.99},       // a typing error
		{"yilmaz sanayi", "yilmaz san", 0.9, 0.9999},   // cut off
		{"demir services", "demir svcs", 0.9, 0.9999},  // consonants
		{"john smith", "j smith", 0.9, 0.9999},         // an initial
		{"kara insaat", "karaca insaat", 0.1, 0.75},    // two words that many have
		{"printer mx500", "printer mx501", 0, 0.75},    // numbers are what they are
		{"волков сервис", "волокв сервис", 0.75, 0.99}, // other scripts
		{"monte carlo", "moongate", 0, 0},              //
		{"the palm", "palm the", 1, 1},                 // order
		{"philippes original", "philippe original", 0.9, 0.9999},
	} {
		got := m.Compare(k.a, k.b)
		require.GreaterOrEqual(t, got, k.least, "%s | %s", k.a, k.b)
		require.LessOrEqual(t, got, k.most+1e-12, "%s | %s", k.a, k.b)
	}
}

func TestQGramCosine(t *testing.T) {
	require.InDelta(t, 1, metric.QGramCosine{}.Compare("micro soft", "microsoft"), 1e-12, "blanks are left out")
	require.InDelta(t, 2/math.Sqrt(3*3), metric.QGramCosine{Q: 2}.Compare("abcd", "abcx"), 1e-12)
	require.InDelta(t, 2/math.Sqrt(4*2), metric.QGramCosine{Q: 2}.Compare("aaa", "aab"), 1e-12, "counts, not sets")
	require.Zero(t, metric.QGramCosine{}.Compare("ab", "abc"))
}

// Every metric is symmetric, within 0 and 1, and 1 for what is equal, whatever the bytes.
func TestWordMetricsAreMetrics(t *testing.T) {
	c := firms()
	all := map[string]metric.Metric{"words": metric.Words{Corpus: c}, "soft": metric.SoftWords{Corpus: c}, "nil": metric.SoftWords{}, "cosine": metric.QGramCosine{}}
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`(kara|karaca|gida|svcs|services|[a-d]{1,6}| |ж|ş){1,9}`), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 40), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		for name, m := range all {
			s := m.Compare(a, b)
			if !(s >= 0 && s <= 1) {
				t.Fatalf("%s: %v", name, s)
			}
			if d := math.Abs(s - m.Compare(b, a)); d > 1e-9 {
				t.Fatalf("%s: not symmetric by %v", name, d)
			}
			if m.Compare(a, a) != 1 {
				t.Fatalf("%s: not 1", name)
			}
		}
	})
}

// A corpus read back weighs all words as the one that was written, and has its sum; what
// cannot be is refused.
func TestCorpusJSON(t *testing.T) {
	c := firms()
	b, err := json.Marshal(c)
	require.NoError(t, err)
	again, err := json.Marshal(c)
	require.NoError(t, err)
	require.Equal(t, string(b), string(again))
	require.NotContains(t, string(b), "karaca")
	var d metric.Corpus
	require.NoError(t, json.Unmarshal(b, &d))
	require.Equal(t, c.Sum(), d.Sum())
	for w := range strings.FieldsSeq("kara karaca gida yilmaz nothing") {
		require.Equal(t, c.Weight(w), d.Weight(w))
	}
	for _, bad := range []string{`[]`, `{"texts":-1}`, `{"texts":1,"rest":2}`, `{"texts":3,"words":{"zz":4}}`, `{"texts":3,"words":{"zz":0}}`, `{"texts":3,"words":{"!":1}}`} {
		require.Error(t, json.Unmarshal([]byte(bad), &d), bad)
	}
}

// What a full corpus forgets are its rarest words.
func TestCorpusFreeze(t *testing.T) {
	c := firms()
	sum := c.Sum()
	c.Freeze(2)
	require.NotEqual(t, sum, c.Sum())
	require.Equal(t, 4, c.Count("karaca"))
	require.GreaterOrEqual(t, c.Count("yilmaz"), 2, "as frequent as the most frequent that was forgotten")
}
