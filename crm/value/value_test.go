package value

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/internal/retailtest"
)

// rows reads a CSV file with a header.
func rows(t testing.TB, name string) [][]string {
	r := csv.NewReader(retailtest.Open(t, name))
	all, err := r.ReadAll()
	require.NoError(t, err)
	return all[1:]
}

func number(t testing.TB, s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return v
}

// cdnow returns the sample of the papers.
func cdnow(t testing.TB) (all []Purchases) {
	for _, r := range rows(t, "cdnow/cdnow_customers_summary.csv") {
		all = append(all, Purchases{Repeats: int(number(t, r[1])), Last: number(t, r[2]), Age: number(t, r[3])})
	}
	return all
}

func condensed(t testing.TB, all []Purchases) *Sample {
	s, err := Condense(slices.Values(all))
	require.NoError(t, err)
	return s
}

// golden are the values of clv_models.json.
type goldenModel struct {
	Params map[string]float64 `json:"params"`
	LogLik float64            `json:"loglik"`
	SE     map[string]float64 `json:"se"`
}

func golden(t testing.TB) (models map[string]json.RawMessage) {
	b, err := io.ReadAll(retailtest.Open(t, "golden/clv_models.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &models))
	return models
}

func goldenOf(t testing.TB, name string) (m goldenModel) {
	require.NoError(t, json.Unmarshal(golden(t)[name], &m))
	return m
}

// requireFit compares a fit with a golden one.
func requireFit(t testing.TB, want goldenModel, fit Fit, digits float64) {
	t.Helper()
	require.GreaterOrEqual(t, fit.LogLikelihood, want.LogLik-1e-6)
	require.InDelta(t, want.LogLik, fit.LogLikelihood, 1e-3)
	require.Less(t, fit.Gradient, 1e-8)
	require.Len(t, fit.Params, len(want.Params))
	for _, p := range fit.Params {
		require.InEpsilon(t, want.Params[p.Name], p.Value, digits, p.Name)
		if se, ok := want.SE[p.Name]; ok {
			require.InEpsilon(t, se, p.StdErr, 0.01, p.Name)
		}
	}
	t.Logf("%d iterations, gradient %.2g, %+v", fit.Iterations, fit.Gradient, fit.Params)
}
