package value

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPredictAnyLevel: a level as close to 1 as rounding is has bounds, too, after as many steps.
func TestPredictAnyLevel(t *testing.T) {
	for _, m := range []Model{BGNBD{.24, 4.4, .79, 2.42}, MBGNBD{.52, 6.18, .89, 1.61}, ParetoNBD{.55, 10.6, .606, 11.67}} {
		for _, p := range []Purchases{{0, 0, 30}, {3, 12, 30}, {40, 10, 300}} {
			was := 0.0
			for _, level := range []float64{.9, 1 - 1e-9, math.Nextafter(1, 0)} {
				i, err := Predict(m, p, 12, level)
				require.NoError(t, err, "%T %v %v", m, p, level)
				require.GreaterOrEqual(t, i.High, was)
				require.LessOrEqual(t, i.High, 1500.)
				was = i.High
			}
		}
	}
}
