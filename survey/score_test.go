package survey

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestScore(t *testing.T) {
	nps, csat := Recommendation(), Satisfaction()
	classes := map[int]string{0: detractor, 6: detractor, 7: passive, 8: passive, 9: promoter, 10: promoter}
	for v, want := range classes {
		r, err := nps.Check(Response{Answers: map[string]any{"nps": v}})
		require.NoError(t, err)
		s, ok := nps.Score(r, ScoreOptions{})
		require.True(t, ok)
		assert.Equal(t, Score{Metric: NPS, Question: "nps", Answered: true, Value: v, Class: want, Bad: v <= 6}, s)
		assert.Equal(t, v <= 6, nps.Bad(r, ScoreOptions{}))
		assert.Equal(t, v <= 8, nps.Bad(r, ScoreOptions{BadAt: map[Metric]int{NPS: 8}}))
	}
	for v, want := range map[int]string{1: dissatisfied, 2: dissatisfied, 3: neutral, 4: satisfied, 5: satisfied} {
		s, ok := csat.Score(Response{Answers: map[string]any{"satisfaction": v}}, ScoreOptions{})
		require.True(t, ok)
		assert.Equal(t, want, s.Class)
		assert.Equal(t, v <= 2, s.Bad)
	}
	for v, want := range map[int]string{1: hard, 3: hard, 4: middling, 5: easy, 7: easy, 8: "", 0: ""} {
		assert.Equal(t, want, CES.Class(v), v)
	}
	assert.Empty(t, Metric("x").Class(1))
}

func TestScoresOfSeveralMetrics(t *testing.T) {
	d := parse(t, `{"elements":[
	 {"type":"rating","name":"easy","rateMax":7,"x-retail":{"metric":"ces","bad":5}},
	 {"type":"rating","name":"nps","rateMin":0,"rateMax":10,"x-retail":{"metric":"nps"}},
	 {"type":"rating","name":"again","visibleIf":"{nps} < 3","x-retail":{"metric":"csat"}}]}`)
	require.NoError(t, d.Err())
	r := Response{Answers: map[string]any{"easy": 5.0, "again": 1.0}}
	assert.Equal(t, []Score{
		{Metric: CES, Question: "easy", Answered: true, Value: 5, Class: easy, Bad: true},
		{Metric: NPS, Question: "nps"},
	}, d.Scores(r, ScoreOptions{}))
	_, ok := d.Score(Response{}, ScoreOptions{})
	assert.False(t, ok)
	_, ok = d.Score(Response{Answers: map[string]any{"nps": 6.5}}, ScoreOptions{})
	assert.False(t, ok, "half a point is no answer")
}

// The interval of a net promoter score holds the score, also of one answer.
func TestAdjustedWaldHoldsItsValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.Int64Range(0, 8)
		good, middle, bad := count.Draw(t, "good"), count.Draw(t, "middle"), count.Draw(t, "bad")
		i := adjustedWald(good, middle, bad, z95)
		if n := good + middle + bad; n > 0 {
			value := float64(good-bad) / float64(n)
			require.True(t, i.Low <= value && value <= i.High, "%v is outside %v", value, i)
		}
		require.True(t, -1 <= i.Low && i.High <= 1)
	})
}

// Golden values of the reference, section 6.
func TestWilson(t *testing.T) {
	for _, tc := range []struct {
		k, n   int64
		lo, hi float64
	}{{8, 10, .490, .943}, {0, 10, 0, .278}, {45, 50, .786, .957}, {10, 10, 1 - .278, 1}} {
		i := wilson(tc.k, tc.n, z95)
		assert.InDelta(t, tc.lo, i.Low, .0005)
		assert.InDelta(t, tc.hi, i.High, .0005)
	}
	assert.Equal(t, Interval{Low: 0, High: 1}, wilson(0, 0, z95))
	assert.Equal(t, wilson(3, 3, z95), wilson(9, 3, z95))
}

// Exact coverage by enumeration: the table of the reference, section 6, for
// the adjusted Wald interval.
func TestAdjustedWaldCoverage(t *testing.T) {
	for _, tc := range []struct {
		p, d float64
		n    int
		want float64
	}{
		{.50, .20, 10, .962}, {.50, .20, 30, .946}, {.50, .20, 100, .949},
		{.70, .10, 5, .935}, {.70, .10, 10, .951}, {.70, .10, 30, .954},
		{.85, .03, 5, .924}, {.85, .03, 10, .949}, {.85, .03, 30, .963},
	} {
		assert.InDelta(t, tc.want, coverage(tc.p, tc.d, tc.n), .0006, "P %v D %v n %d", tc.p, tc.d, tc.n)
	}
	for _, mix := range [][2]float64{{.5, .2}, {.7, .1}, {.85, .03}, {.33, .33}, {.2, .5}} {
		for _, n := range []int{5, 7, 10, 20, 50, 100, 200} {
			c := coverage(mix[0], mix[1], n)
			assert.GreaterOrEqual(t, c, .92, "%v %d", mix, n)
			assert.LessOrEqual(t, c, .97, "%v %d", mix, n)
		}
	}
}

func coverage(p, d float64, n int) float64 {
	log := func(k int) float64 { g, _ := math.Lgamma(float64(k + 1)); return g }
	sum := 0.0
	for g := 0; g <= n; g++ {
		for b := 0; b <= n-g; b++ {
			i := adjustedWald(int64(g), int64(n-g-b), int64(b), z95)
			if i.Low <= p-d && p-d <= i.High {
				sum += math.Exp(log(n) - log(g) - log(b) - log(n-g-b) +
					float64(g)*math.Log(p) + float64(b)*math.Log(d) + float64(n-g-b)*math.Log(1-p-d))
			}
		}
	}
	return sum
}

func tally(t testing.TB, m Metric, values ...int) Tally {
	var out Tally
	for _, v := range values {
		require.NoError(t, out.Add(Score{Metric: m, Answered: true, Value: v}))
	}
	return out
}

func TestResult(t *testing.T) {
	r := tally(t, NPS, 10, 9, 9, 8, 7, 6, 0, 10, 10, 10).Result()
	assert.Equal(t, int64(10), r.N)
	assert.InDelta(t, 40, r.Value, 1e-9)
	// n'=13, p'=6.75/13, d'=2.75/13: by hand.
	assert.InDelta(t, 100*(4.0/13-1.959964*math.Sqrt((9.5/13-16.0/169)/13)), r.Interval.Low, 1e-3)
	assert.InDelta(t, 60, r.Good, 1e-9)

	// Five happy customers are not "100 ± 0".
	r = tally(t, NPS, 10, 10, 9, 10, 9).Result()
	assert.InDelta(t, 100, r.Value, 0)
	assert.Less(t, r.Interval.Low, 50.0)
	assert.InDelta(t, 100, r.Interval.High, 1e-9)

	r = tally(t, CSAT, 5, 5, 5, 5, 4, 4, 4, 4, 3, 1).Result()
	assert.InDelta(t, 80, r.Value, 1e-9)
	assert.InDelta(t, 49.0, r.Interval.Low, .05)
	assert.InDelta(t, 94.3, r.Interval.High, .05)

	// Mean 5, s² = 20/9, t(9) = 2.262157: by hand.
	r = tally(t, CES, 7, 6, 6, 5, 5, 5, 5, 4, 5, 2).Result()
	assert.InDelta(t, 5, r.Value, 1e-9)
	s2 := (4. + 1 + 1 + 0 + 0 + 0 + 0 + 1 + 0 + 9) / 9
	assert.InDelta(t, 5-2.262157*math.Sqrt(s2/10), r.Interval.Low, 1e-5)
	assert.InDelta(t, 80, r.Good, 1e-9)
	r = tally(t, CES, 6, 6, 6).Result()
	assert.Less(t, r.Interval.Low, 5.5, "never zero width")
	r = tally(t, CES, 6).Result()
	assert.Equal(t, Interval{Low: 1, High: 7}, r.Interval)

	for _, m := range []Metric{NPS, CSAT, CES} {
		r = Tally{Metric: m}.Result()
		assert.Zero(t, r.N)
		assert.Zero(t, r.Value)
		lo, hi := r.Interval.Low, r.Interval.High
		assert.Contains(t, [][2]float64{{-100, 100}, {0, 100}, {1, 7}}, [2]float64{lo, hi}, "nothing is known")
		_, err := json.Marshal(r)
		require.NoError(t, err)
	}
}

// What is not an answer never counts, and is reported beside.
func TestOnlyAnswersCount(t *testing.T) {
	got := tally(t, NPS, 10)
	require.NoError(t, got.Add(Score{Metric: NPS}))
	require.NoError(t, got.Add(Score{Metric: NPS, Answered: true, Value: 11}))
	require.NoError(t, got.Add(Score{Metric: NPS, Answered: true, Value: -1}))
	r := got.Result()
	assert.Equal(t, int64(1), r.N)
	assert.InDelta(t, 100, r.Value, 0)
	assert.Equal(t, int64(1), r.Unanswered)
	assert.Equal(t, int64(2), r.OutOfScale)
	require.ErrorIs(t, got.Add(Score{Metric: CSAT, Answered: true, Value: 1}), ErrMixedMetrics)
	require.ErrorIs(t, got.Merge(Tally{Metric: CES}), ErrMixedMetrics)
	require.NoError(t, got.Merge(Tally{}))
}

// Stores add up to regions and regions to the country, in whatever order and
// parts the answers came.
func TestRollUpsAgree(t *testing.T) {
	region := func(store int) string { return string(rune('A' + store/4)) }
	country := func(string) string { return "TR" }
	rapid.Check(t, func(t *rapid.T) {
		metric := rapid.SampledFrom([]Metric{NPS, CSAT, CES}).Draw(t, "metric")
		type answer struct {
			store int
			score Score
		}
		answers := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) answer {
			return answer{rapid.IntRange(0, 15).Draw(t, "store"), Score{
				Metric: metric, Answered: rapid.IntRange(0, 9).Draw(t, "answered") > 0, Value: rapid.IntRange(-1, 12).Draw(t, "value"),
			}}
		}), 0, 200).Draw(t, "answers")

		var stores, shuffled Groups[int]
		parts := make([]Groups[int], 3)
		direct := map[string]*Tally{}
		var all Tally
		for i, a := range answers {
			require.NoError(t, stores.Add(a.store, a.score))
			require.NoError(t, parts[i%3].Add(a.store, a.score))
			if direct[region(a.store)] == nil {
				direct[region(a.store)] = &Tally{}
			}
			require.NoError(t, direct[region(a.store)].Add(a.score))
			require.NoError(t, all.Add(a.score))
		}
		for _, i := range rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)).Perm(3) {
			require.NoError(t, shuffled.Merge(&parts[i]))
		}
		require.Equal(t, stores.Results(-1), shuffled.Results(-1))

		regions := RollUp(&stores, region)
		for k, got := range regions.All() {
			require.Equal(t, *direct[k], got)
		}
		for k, got := range RollUp(regions, country).All() {
			require.Equal(t, "TR", k)
			require.Equal(t, all, got)
		}
		require.Equal(t, all, stores.Total())
	})
}

func TestSmallGroupsAreHidden(t *testing.T) {
	hidden := func(least int64, sizes ...int) (out []bool) {
		var g Groups[int]
		for k, n := range sizes {
			require.NoError(t, g.addTally(k, Tally{Metric: NPS}))
			for range n {
				require.NoError(t, g.Add(k, Score{Metric: NPS, Answered: true, Value: 9}))
			}
		}
		for _, r := range g.Results(least) {
			out = append(out, r.Suppressed)
			if r.Suppressed {
				assert.Equal(t, Result{}, r.Result)
			} else {
				assert.EqualValues(t, sizes[r.Key], r.Result.N)
			}
		}
		return out
	}
	no, yes := false, true
	assert.Equal(t, []bool{no, no}, hidden(0, 5, 6))
	assert.Equal(t, []bool{yes, no, yes}, hidden(0, 4, 9, 8), "one alone could be subtracted from the total")
	assert.Equal(t, []bool{yes, yes, no}, hidden(0, 4, 3, 8))
	assert.Equal(t, []bool{yes, yes, yes}, hidden(0, 2, 2, 8), "two with four together are too few")
	assert.Equal(t, []bool{yes, no, no}, hidden(0, 0, 9, 8), "nothing is hidden by an empty group")
	assert.Equal(t, []bool{no, no}, hidden(1, 0, 1))
	assert.Equal(t, []bool{yes, yes}, hidden(10, 9, 20))
	assert.Nil(t, hidden(0))
}

func TestGroupsRefuseMixing(t *testing.T) {
	var g Groups[string]
	require.NoError(t, g.Add("a", Score{Metric: NPS, Answered: true, Value: 1}))
	require.ErrorIs(t, g.Add("b", Score{Metric: CSAT, Answered: true, Value: 1}), ErrMixedMetrics)
	assert.EqualValues(t, 1, g.Total().N())
}
