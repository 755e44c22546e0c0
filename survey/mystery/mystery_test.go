package mystery_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/mystery"
)

const visitForm = `{"pages":[{"elements":[
	{"type":"boolean","name":"smile"},{"type":"boolean","name":"visuals"},
	{"type":"text","inputType":"number","name":"wait"},{"type":"boolean","name":"warranty"}]}]}`

func form(t *testing.T, more ...mystery.Criterion) (*mystery.Form, error) {
	def, err := survey.Parse([]byte(visitForm), survey.Limits{})
	require.NoError(t, err)
	return mystery.New(def, more...)
}

func criteria() []mystery.Criterion {
	return []mystery.Criterion{
		{Name: "greeted with a smile", Pass: "{smile} = true", Weight: 3, KPI: "greeting"},
		{Name: "watches with the right visuals", Pass: "{visuals} = true", KPI: "display"},
		{Name: "served within 3 minutes", Pass: "{wait} <= 3", Applies: "{wait} notempty", KPI: "greeting"},
		{Name: "warranty was stamped", Pass: "{warranty} = true", Critical: true},
	}
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func visit(place string, answers map[string]any) mystery.Visit {
	return mystery.Visit{Place: place, At: noon, Response: survey.Response{Answers: answers}}
}

// A36: criteria are judged with their weights, those that do not apply are left out, a critical one
// fails the visit, and each counts for its figure of the store.
func TestScore(t *testing.T) {
	f, err := form(t, criteria()...)
	require.NoError(t, err)
	all := map[string]any{"smile": true, "visuals": false, "wait": 5.0, "warranty": true}
	s := f.Score(visit("a", all))
	require.Equal(t, 2, s.Passed)
	require.Equal(t, 4, s.Judged)
	require.InDelta(t, 4.0/6, s.Value, 1e-12)
	// Wilson of p = 2/3 and n = 36/12 = 3
	require.InDelta(t, 0.20765960080204773, s.Interval.Low, 1e-12)
	require.InDelta(t, 0.9385080552796038, s.Interval.High, 1e-12)
	require.Equal(t, []string{"watches with the right visuals", "served within 3 minutes"}, s.Failed)
	require.False(t, s.Fails())

	s = f.Score(visit("a", map[string]any{"smile": true, "visuals": true, "warranty": false}))
	require.Equal(t, [2]int{2, 3}, [2]int{s.Passed, s.Judged}, "nobody waited")
	require.InDelta(t, 0.8, s.Value, 1e-12)
	require.True(t, s.Fails())
	require.Equal(t, []string{"warranty was stamped"}, s.Critical)

	s = f.Score(visit("a", map[string]any{"smile": true, "visuals": true, "warranty": true}))
	require.Equal(t, 1.0, s.Value)
	require.Equal(t, 1.0, s.Interval.High)

	some, err := form(t, mystery.Criterion{Name: "wait", Pass: "{wait} <= 3", Applies: "{wait} notempty"})
	require.NoError(t, err)
	s = some.Score(visit("a", nil))
	require.Equal(t, mystery.Score{Interval: survey.Interval{Low: 0, High: 1}}, s)
	require.Empty(t, some.Stores(visit("a", nil)), "nothing was judged")

	stores := f.Stores(visit("b", all), visit("a", all), visit("b", map[string]any{"smile": false, "wait": 2.0}))
	require.Len(t, stores, 2)
	require.Equal(t, "a", stores[0].Place)
	b := stores[1]
	require.EqualValues(t, 2, b.Visits)
	require.Equal(t, survey.NewRate(1, 2), b.Failed)
	require.InDelta(t, (4.0/6+1.0/6)/2, b.Value, 1e-12)
	require.Equal(t, map[string]survey.Rate{"greeting": survey.NewRate(2, 4), "display": survey.NewRate(0, 2)}, b.KPIs)
}

func TestFormRefuses(t *testing.T) {
	for name, c := range map[string][]mystery.Criterion{
		"none":        nil,
		"no name":     {{Pass: "{smile} = true"}},
		"twice":       {{Name: "a", Pass: "{smile} = true"}, {Name: "a", Pass: "{visuals} = true"}},
		"no question": {{Name: "a", Pass: "{smyle} = true"}},
		"no applies":  {{Name: "a", Pass: "{smile} = true", Applies: "{"}},
		"weight":      {{Name: "a", Pass: "{smile} = true", Weight: math.NaN()}},
		"negative":    {{Name: "a", Pass: "{smile} = true", Weight: -1}},
	} {
		_, err := form(t, c...)
		require.ErrorIs(t, err, mystery.ErrInvalid, name)
	}
	_, err := mystery.New(nil, criteria()...)
	require.ErrorIs(t, err, mystery.ErrInvalid)
}

// A35: ten visits a year; what is due grows with the year, and what a year lacked stays missed.
func TestSchedule(t *testing.T) {
	istanbul, err := time.LoadLocation("Europe/Istanbul")
	require.NoError(t, err)
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, istanbul)
	s := mystery.Schedule{Places: []string{"izmir", "bursa"}, Visits: 10, Months: 12, Begin: begin}
	on := func(place string, days int) mystery.Visit {
		return mystery.Visit{Place: place, At: begin.AddDate(0, 0, days)}
	}
	visits := []mystery.Visit{on("izmir", 0), on("izmir", 100), on("izmir", 364), on("izmir", 365), on("elsewhere", 1), on("bursa", -1), on("bursa", 600)}
	got, err := s.Progress(visits, begin.AddDate(0, 0, 182))
	require.NoError(t, err)
	year := begin.AddDate(1, 0, 0)
	require.Equal(t, []mystery.Progress{{Place: "izmir", From: begin, To: year, Quota: 10, Done: 2, Due: 4, Overdue: 2, Left: 8},
		{Place: "bursa", From: begin, To: year, Quota: 10, Due: 4, Overdue: 4, Left: 10}}, got)
	got, err = s.Progress(visits, begin.AddDate(0, 0, 365))
	require.NoError(t, err)
	require.Equal(t, mystery.Progress{Place: "izmir", From: year, To: begin.AddDate(2, 0, 0), Quota: 10, Done: 1, Left: 9, Missed: 7}, got[0])

	monthly := mystery.Schedule{Places: []string{"a"}, Visits: 1, Months: 1, Begin: time.Date(2025, 1, 31, 0, 0, 0, 0, time.UTC)}
	got, err = monthly.Progress(nil, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.Equal(t, "2025-02-28 2025-03-31", got[0].From.Format(time.DateOnly)+" "+got[0].To.Format(time.DateOnly))

	for _, bad := range []mystery.Schedule{{}, {Visits: 1, Months: 1}, {Visits: 0, Months: 1, Begin: begin}, {Visits: 1, Months: 13, Begin: begin}, {Places: []string{"a", "a"}, Visits: 1, Months: 1, Begin: begin}} {
		_, err := bad.Progress(nil, begin)
		require.ErrorIs(t, err, mystery.ErrInvalid)
	}
	_, err = s.Progress(nil, begin.Add(-1))
	require.ErrorIs(t, err, mystery.ErrInvalid)
	_, err = monthly.Progress(nil, begin.AddDate(200, 0, 0))
	require.ErrorIs(t, err, mystery.ErrInvalid)
}

func pairs(x, y []float64) (out []mystery.Pair) {
	for i := range x {
		out = append(out, mystery.Pair{Place: string(rune('a' + i)), Shoppers: x[i], Customers: y[i], Answers: 10})
	}
	return out
}

// Golden values of scipy 1.17.1: spearmanr, permutation_test over all pairings, and of 14 places the p
// value of the t distribution, which that of drawn orders is near to.
func TestCompare(t *testing.T) {
	for _, c := range []struct {
		x, y           []float64
		rho, p, lo, hi float64
		exact          bool
	}{
		{[]float64{.9, .8, .7, .6, .5}, []float64{60, 50, 40, 35, 10}, 1, 0.016666666666666666, 0, 1, true},
		{[]float64{.9, .8, .7, .6, .5}, []float64{50, 60, 35, 40, 10}, 0.8, 0.13333333333333333, -0.4571243888052967, 0.9908429478778042, true},
		{[]float64{.9, .8, .8, .6, .5, .5}, []float64{50, 60, 35, 40, 40, 10}, 0.5821543981758688, 0.26666666666666666, -0.5064882868246003, 0.9553229843215106, true},
		{[]float64{.91, .85, .8, .64, .5, .55, .7}, []float64{50, 20, 35, 60, 40, 10, 15}, 0.14285714285714288, 0.7825396825396825, -0.6864061553098019, 0.8106116785142988, true},
		{[]float64{0.45, 0.54, 0.88, 0.75, 0.46, 0.66, 0.69, 0.5, 0.84, 0.47, 0.63, 0.71, 0.66, 0.75},
			[]float64{-6.7, 8.5, 46.2, 27.1, 18.3, 20.4, 25.5, 28.5, 43.7, 1.5, 18.2, 33.3, 46.0, 26.8}, 0.7555084406580688, 0.001778215533861834, 0.30558960713855526, 0.929630178105734, false},
	} {
		got, err := mystery.Compare(pairs(c.x, c.y), 0)
		require.NoError(t, err)
		require.InDelta(t, c.rho, got.Rho, 1e-12)
		require.Equal(t, c.exact, got.Exact)
		require.InDelta(t, c.p, got.P, map[bool]float64{true: 1e-12, false: 0.001}[c.exact])
		if c.rho < 1 {
			require.InDelta(t, c.lo, got.Interval.Low, 1e-9)
		}
		require.InDelta(t, c.hi, got.Interval.High, 1e-9)
	}
}

// Of four places nothing is said, nor where all are alike; those with few answers are left out.
func TestCompareTooFew(t *testing.T) {
	x, y := []float64{.9, .8, .7, .6, .5}, []float64{60, 50, 40, 35, 10}
	all := pairs(x, y)
	all[2].Answers = 4
	got, err := mystery.Compare(all, 0)
	require.ErrorIs(t, err, mystery.ErrTooFew)
	require.Equal(t, []string{"c"}, got.Left)
	require.Equal(t, 4, got.Places)
	_, err = mystery.Compare(all, 4)
	require.NoError(t, err)
	_, err = mystery.Compare(pairs(x, []float64{1, 1, 1, 1, 1}), 0)
	require.ErrorIs(t, err, mystery.ErrAlike)
	all[0].Customers = math.NaN()
	_, err = mystery.Compare(all, 1)
	require.ErrorIs(t, err, mystery.ErrInvalid)
	all[0] = all[1]
	_, err = mystery.Compare(all, 1)
	require.ErrorIs(t, err, mystery.ErrInvalid)
}

// The order of places changes nothing, turning one side around turns the sign, and the value lies in its
// interval.
func TestCompareProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(5, 7).Draw(t, "n")
		x := rapid.SliceOfN(rapid.Float64Range(0, 1), n, n).Draw(t, "x")
		y := rapid.SliceOfN(rapid.Float64Range(-100, 100), n, n).Draw(t, "y")
		all := pairs(x, y)
		a, err := mystery.Compare(all, 0)
		if err != nil {
			require.ErrorIs(t, err, mystery.ErrAlike)
			return
		}
		b, err := mystery.Compare(rapid.Permutation(all).Draw(t, "order"), 0)
		require.NoError(t, err)
		require.Equal(t, a, b)
		for i := range all {
			all[i].Customers = -all[i].Customers
		}
		b, err = mystery.Compare(all, 0)
		require.NoError(t, err)
		require.Equal(t, a.Rho, -b.Rho)
		require.Equal(t, a.P, b.P)
		require.True(t, a.Interval.Low <= a.Rho && a.Rho <= a.Interval.High, "%+v", a)
		require.True(t, a.P > 0 && a.P <= 1)
	})
}
