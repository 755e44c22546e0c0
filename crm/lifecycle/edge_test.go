package lifecycle

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEdges: the window ends with the day that is as many days back as it is long, and twice the gap is not beyond it.
func TestEdges(t *testing.T) {
	d := Definition{Version: "1", Window: 30, Prior: Prior{Gap: 10, Weight: 1}}
	for _, c := range []struct {
		bought []int
		day    int
		acts   int
		state  State
	}{
		{[]int{0, 29}, 29, 2, Active}, {[]int{0, 30}, 30, 1, Waiting},
		{[]int{0}, 20, 1, New}, {[]int{0}, 21, 1, Gone},
	} {
		w, err := d.State(Customer{Purchases: c.bought}, c.day)
		require.NoError(t, err)
		require.Equal(t, c.acts, w.Acts, c)
		require.Equal(t, c.state, w.State, c)
	}
}

// TestStateByAlive: who buys any more with a probability below the one that is asked for is overdue; at it he is not.
func TestStateByAlive(t *testing.T) {
	p := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		asked float64
		alive *float64
		want  State
	}{
		{0, p(0.1), New}, {0.3, nil, New}, {0.3, p(0.3), New}, {0.3, p(0.29), Passive}, {0.3, p(0), Passive}, {0.3, p(1), New},
	} {
		w, err := Definition{Version: "1", Alive: c.asked}.State(Customer{Purchases: []int{0}, Open: true, Alive: c.alive}, 100)
		require.NoError(t, err)
		require.Equal(t, c.want, w.State, c)
		require.Equal(t, c.asked > 0 && c.alive != nil, w.Alive != nil)
	}
	for _, alive := range []float64{-0.1, 1.1, math.NaN()} {
		_, err := Definition{Version: "1"}.State(Customer{Purchases: []int{0}, Alive: &alive}, 100)
		require.ErrorIs(t, err, ErrData)
	}
	for _, asked := range []float64{-0.1, 1, math.NaN()} {
		_, err := Definition{Version: "1", Alive: asked}.State(Customer{}, 100)
		require.ErrorContains(t, err, "Definition.Alive")
	}
}

// TestDaysFarApart: days between which no int lies are as far apart as they are.
func TestDaysFarApart(t *testing.T) {
	r := Regular([]int{math.MinInt, 0, 1, math.MaxInt})
	require.InEpsilon(t, math.Pow(2, 64)/3, r.Mean, 1e-12)
	require.True(t, r.Shape > 0 && r.P >= 0 && r.P <= 1, "%+v", r)
}
