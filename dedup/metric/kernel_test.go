package metric_test

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/adrg/strutil"
	"github.com/adrg/strutil/metrics"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup/metric"
)

var _ metric.Metric = strutil.StringMetric(metrics.NewSorensenDice()) // theirs will do as a level's

func TestJaroWinklerGolden(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{ // Winkler 1990 and the jellyfish test data
		{"dixon", "dicksonx", 0.81333}, {"martha", "marhta", 0.96111}, {"dwayne", "duane", 0.84}, {"jones", "johnson", 0.83238},
		{"abcvwxyz", "cabvwxyz", 0.95833}, {"leuchars", "baronet", 0}, {"", "", 1}, {"a", "", 0}, {"a", "b", 0},
		{"ağaoğlu", "ağaoğul", 0.98095},
	} {
		require.InDelta(t, c.want, metric.JaroWinkler{}.Compare(c.a, c.b), 0.03, "%s %s", c.a, c.b)
		require.InDelta(t, plainJaroWinkler(c.a, c.b), metric.JaroWinkler{}.Compare(c.a, c.b), 1e-12, "%s %s", c.a, c.b)
	}
}

func TestEditsGolden(t *testing.T) {
	for _, c := range []struct {
		a, b     string
		lev, osa int
	}{
		{"kitten", "sitting", 3, 3}, {"ca", "abc", 3, 3}, {"abcd", "acbd", 2, 1}, {"", "abc", 3, 3}, {"ışık", "ışkı", 2, 1}, {"same", "same", 0, 0},
	} {
		require.Equal(t, c.lev, metric.Levenshtein(c.a, c.b), "%s %s", c.a, c.b)
		require.Equal(t, c.osa, metric.OSA(c.a, c.b), "%s %s", c.a, c.b)
	}
	require.Equal(t, 0.75, metric.Similarity{}.Compare("abcd", "acbd"))
}

func FuzzKernels(f *testing.F) {
	for _, s := range [][2]string{{"martha", "marhta"}, {"", "x"}, {"çağrı", "cagri"}, {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aab"}, {"\xff", "\xfe"}, {"ab", "ba"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a) > 200 || len(b) > 200 {
			return
		}
		differential(t, a, b)
	})
}

// Random words of few letters meet every branch more often than a fuzzer does.
func TestKernelsEqualPlainOnes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		n := r.IntN(12)
		if r.IntN(20) == 0 {
			n = 60 + r.IntN(10)
		}
		b := make([]rune, n)
		for i := range b {
			b[i] = []rune("abcdeğ")[r.IntN(5+r.IntN(20)/19)]
		}
		return string(b)
	}
	for range 30_000 {
		differential(t, word(), word())
	}
}

func differential(t *testing.T, a, b string) {
	if !utf8.ValidString(a) || !utf8.ValidString(b) {
		return
	}
	if g, w := (metric.JaroWinkler{}).Compare(a, b), plainJaroWinkler(a, b); g != w {
		t.Fatalf("JaroWinkler(%q, %q) = %v, plain %v", a, b, g, w)
	}
	lev, osa := plainEdits(a, b, false), plainEdits(a, b, true)
	if g := metric.Levenshtein(a, b); g != lev || g != metric.Levenshtein(b, a) {
		t.Fatalf("Levenshtein(%q, %q) = %d, plain %d", a, b, g, lev)
	}
	if g := metric.OSA(a, b); g != osa || g != metric.OSA(b, a) {
		t.Fatalf("OSA(%q, %q) = %d, plain %d", a, b, g, osa)
	}
	var p metric.Prepared
	p.Set("left over") // of the string before
	p.Set(a)
	if g := p.JaroWinkler(b); g != plainJaroWinkler(a, b) {
		t.Fatalf("prepared JaroWinkler(%q, %q) = %v", a, b, g)
	}
	if g, h := p.Levenshtein(b), p.OSA(b); g != lev || h != osa {
		t.Fatalf("prepared edits(%q, %q) = %d, %d, plain %d, %d", a, b, g, h, lev, osa)
	}
	for q := 1; q <= 4; q++ {
		if g, w := (metric.QGrams{Q: q}).Compare(a, b), plainQGrams(a, b, q); g != w {
			t.Fatalf("QGrams{%d}(%q, %q) = %v, plain %v", q, a, b, g, w)
		}
	}
	for most := range 3 {
		if g := (metric.Edits{Max: most}).Compare(a, b) == 1; g != (osa <= most) {
			t.Fatalf("Edits{%d}(%q, %q) = %v, distance %d", most, a, b, g, osa)
		}
	}
}

// plainJaroWinkler is the definition, written down.
func plainJaroWinkler(x, y string) float64 {
	a, b := []rune(x), []rune(y)
	if x == y {
		return 1
	}
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	window := max(0, max(len(a), len(b))/2-1)
	usedA, usedB := map[int]bool{}, map[int]bool{}
	for j := range b {
		for i := range a {
			if a[i] == b[j] && !usedA[i] && i >= j-window && i <= j+window {
				usedA[i], usedB[j] = true, true
				break
			}
		}
	}
	m := len(usedA)
	if m == 0 {
		return 0
	}
	var left, right []rune
	for i := range a {
		if usedA[i] {
			left = append(left, a[i])
		}
	}
	for j := range b {
		if usedB[j] {
			right = append(right, b[j])
		}
	}
	moved := 0
	for k := range left {
		if left[k] != right[k] {
			moved++
		}
	}
	f := float64(m)
	jaro := (f/float64(len(a)) + f/float64(len(b)) + (f-float64(moved/2))/f) / 3
	if jaro > 0.7 {
		p := 0
		for p < min(4, len(a), len(b)) && a[p] == b[p] {
			p++
		}
		jaro += 0.1 * float64(p) * (1 - jaro)
	}
	return jaro
}

// plainQGrams is the definition, written down.
func plainQGrams(x, y string, q int) float64 {
	grams := func(s string) map[string]bool {
		r, out := []rune(s), map[string]bool{}
		if len(r) == 0 {
			return out
		}
		n := min(q, len(r))
		for i := 0; i+n <= len(r); i++ {
			out[string(r[i:i+n])] = true
		}
		return out
	}
	a, b := grams(x), grams(y)
	if len(a)+len(b) == 0 {
		return 1
	}
	both := 0
	for g := range a {
		if b[g] {
			both++
		}
	}
	return float64(both) / float64(len(a)+len(b)-both)
}

// plainEdits is the recurrence on a full matrix.
func plainEdits(x, y string, swaps bool) int {
	a, b := []rune(x), []rune(y)
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if swaps && i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func TestKernelsDoNotAllocate(t *testing.T) {
	require.Zero(t, testing.AllocsPerRun(100, func() {
		metric.JaroWinkler{}.Compare("yilmazoglu", "yilmazoglo")
		metric.Levenshtein("yilmazoglu", "yilmazoglo")
		metric.OSA("yilmazoglu", "yilmazoglo")
		metric.QGrams{}.Compare("yilmazoglu", "yilmazoglo")
	}))
	var p metric.Prepared
	require.Zero(t, testing.AllocsPerRun(100, func() {
		p.Set("yilmazoglu")
		p.JaroWinkler("yilmazoglo")
		p.Levenshtein("yilmazoglo")
		p.OSA("yilmazoglo")
	}))
}

var surnames = []string{"yilmaz", "yilmza", "kaya", "demir", "sahin", "celik", "ozturk", "ozdemir", "arslan", "dogan", "kilic", "aslan", "cetin", "karaoglu", "demirci", "demirel"}

func benchmark(b *testing.B, compare func(a, c string)) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		compare(surnames[i&15], surnames[i>>4&15])
	}
}

func BenchmarkJaroWinkler(b *testing.B) {
	benchmark(b, func(a, c string) { metric.JaroWinkler{}.Compare(a, c) })
}
func BenchmarkLevenshtein(b *testing.B) { benchmark(b, func(a, c string) { metric.Levenshtein(a, c) }) }
func BenchmarkOSA(b *testing.B)         { benchmark(b, func(a, c string) { metric.OSA(a, c) }) }
func BenchmarkQGrams(b *testing.B) {
	benchmark(b, func(a, c string) { metric.QGrams{}.Compare(a, c) })
}

// BenchmarkPrepared compares one surname with many, as a search does, preparing included.
func BenchmarkPrepared(b *testing.B) {
	for name, compare := range map[string]func(p *metric.Prepared, c string){
		"JaroWinkler": func(p *metric.Prepared, c string) { p.JaroWinkler(c) },
		"Levenshtein": func(p *metric.Prepared, c string) { p.Levenshtein(c) },
		"OSA":         func(p *metric.Prepared, c string) { p.OSA(c) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var p metric.Prepared
			for i := 0; b.Loop(); i++ {
				if i&63 == 0 {
					p.Set(surnames[i>>6&15])
				}
				compare(&p, surnames[i&15])
			}
		})
	}
}

func BenchmarkStrutilJaroWinkler(b *testing.B) {
	m := metrics.NewJaroWinkler()
	benchmark(b, func(a, c string) { strutil.Similarity(a, c, m) })
}
