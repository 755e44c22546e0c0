package people_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// reviewed are records, of which a simulated reviewer knows the truth.
type reviewed struct {
	name    string
	records []people.Record
	truth   map[string]string
	gain    float64 // F1 that 200 right answers must bring at least
}

func reviewedSets() []reviewed {
	shop, shopTruth := newWorld(31).population(700)
	h := newHouseholds(5)
	h.fill(1500)
	names, namesTruth := namesakes(7, 900, 60, 0.02, 0.5)
	return []reviewed{
		{"small shop", shop, shopTruth, 0.015},
		{"households", h.records, h.truth, 0.004},
		{"namesakes", names, namesTruth, 0.01},
	}
}

// answer answers a question; one of so many answers is wrong.
func (s *reviewed) answer(r *rand.Rand, a, b string, wrong float64) dedup.Decision {
	return dedup.Decision{A: a, B: b, Same: (s.truth[a] == s.truth[b]) != (r.Float64() < wrong)}
}

func (s *reviewed) f1(c []dedup.Cluster) float64 { return dedup.Evaluate(c, lookup(s.truth)).F1 }

// TestLearningCurve: the answers of a reviewer improve the result on every set, also where one
// of twenty is wrong, and no number of them makes it worse by more than .005. Answers to
// the page's questions bring more than as many about pairs drawn among the candidates. The
// table stands in the README.
func TestLearningCurve(t *testing.T) {
	steps, sets, errors := []int{10, 30, 100, 200}, reviewedSets(), []float64{0, 0.05}
	if testing.Short() || raced { // .ci/run runs all of it without the race detector, too
		steps, sets, errors = []int{30, 200}, sets[:1], errors[:1]
	}
	for _, s := range sets {
		for _, wrong := range errors {
			r := rand.New(rand.NewPCG(4, 2))
			var edges []dedup.Edge
			first, err := newLinker(t, people.Options{Edge: func(e dedup.Edge) { edges = append(edges, e) }}).Link(ctx, slices.Values(s.records), nil)
			require.NoError(t, err)
			base := s.f1(first.Clusters)
			row := fmt.Sprintf("| %s | %.0f %% | %d | %.4f", s.name, 100*wrong, len(s.records), base)
			var answers []dedup.Decision
			var last float64
			for _, n := range steps {
				res, err := newLinker(t, people.Options{Review: n - len(answers)}).Link(ctx, slices.Values(s.records), nil, answers...)
				require.NoError(t, err)
				for _, q := range res.Review {
					answers = append(answers, s.answer(r, q.A, q.B, wrong))
				}
				res, err = newLinker(t, people.Options{}).Link(ctx, slices.Values(s.records), nil, answers...)
				require.NoError(t, err)
				last = s.f1(res.Clusters)
				row += fmt.Sprintf(" | %.4f", last)
				require.GreaterOrEqual(t, last, base-0.005, "%s, %d answers", s.name, len(answers))
			}
			r.Shuffle(len(edges), func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
			var drawn []dedup.Decision
			for _, e := range edges[:min(len(edges), len(answers))] {
				drawn = append(drawn, s.answer(r, e.A, e.B, wrong))
			}
			res, err := newLinker(t, people.Options{}).Link(ctx, slices.Values(s.records), nil, drawn...)
			require.NoError(t, err)
			t.Logf("%s | %.4f |", row, s.f1(res.Clusters))
			require.Greater(t, last, s.f1(res.Clusters), "%s: questions are chosen better than by chance", s.name)
			if wrong == 0 {
				require.Greater(t, last, base+s.gain, s.name)
			}
		}
	}
}

// TestLabelsAreSafe: what a model learns from labels, right or wrong and however they were
// chosen, never costs more than .005 on the records without the labels. Earlier, a
// correction of weights by such labels took F1 from .97 to .46.
func TestLabelsAreSafe(t *testing.T) {
	sets := reviewedSets()
	if testing.Short() || raced { // .ci/run runs all of it without the race detector, too
		sets = sets[:1]
	}
	for _, s := range sets {
		var edges []dedup.Edge
		first, err := newLinker(t, people.Options{Review: 300, Edge: func(e dedup.Edge) { edges = append(edges, e) }}).Link(ctx, slices.Values(s.records), nil)
		require.NoError(t, err)
		base := s.f1(first.Clusters)
		r := rand.New(rand.NewPCG(4, 3))
		r.Shuffle(len(edges), func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
		of := map[string]int{}
		for k, c := range first.Clusters {
			for _, id := range c.Members {
				of[id] = k
			}
		}
		chosen := map[string][][2]string{}
		for _, q := range first.Review {
			chosen["questions"] = append(chosen["questions"], [2]string{q.A, q.B})
		}
		for _, e := range edges {
			p := [2]string{e.A, e.B}
			chosen["drawn"] = append(chosen["drawn"], p)
			if one := of[e.A] == of[e.B]; one != (s.truth[e.A] == s.truth[e.B]) {
				chosen["errors"] = append(chosen["errors"], p)
				if one {
					chosen["splits"] = append(chosen["splits"], p)
				}
			}
		}
		l := newLinker(t, people.Options{})
		least, most := 0.0, 0.0
		hows, sizes := []string{"questions", "drawn", "errors", "splits"}, []int{10, 1000}
		if raced {
			hows, sizes = hows[2:], sizes[1:]
		}
		for _, how := range hows {
			before := 0
			for _, n := range sizes {
				pairs := chosen[how][:min(n, len(chosen[how]))]
				if len(pairs) == before {
					break
				}
				before = len(pairs)
				for _, wrong := range map[bool][]float64{false: {0.05}, true: {0, 0.05}}[how == "questions"] {
					var labels []dedup.Decision
					for _, p := range pairs {
						labels = append(labels, s.answer(r, p[0], p[1], wrong))
					}
					m, err := l.Train(ctx, slices.Values(s.records), labels...)
					require.NoError(t, err)
					res, err := l.Link(ctx, slices.Values(s.records), m)
					require.NoError(t, err)
					least, most = min(least, s.f1(res.Clusters)-base), max(most, s.f1(res.Clusters)-base)
					require.GreaterOrEqual(t, s.f1(res.Clusters), base-0.005, "%s: %d %s, %.2f wrong", s.name, len(pairs), how, wrong)
				}
			}
		}
		t.Logf("%s: F1 %.4f; what labels taught changed it by %+.4f to %+.4f", s.name, base, least, most)
	}
}

// TestASplitIsOneWord: a split of a large cluster parts tens of thousands of pairs and is one
// word of a person; it leaves the weights of all others as they were.
func TestASplitIsOneWord(t *testing.T) {
	s := reviewedSets()[0]
	l := newLinker(t, people.Options{})
	base, err := l.Link(ctx, slices.Values(s.records), nil)
	require.NoError(t, err)
	var labels []dedup.Decision
	for i := range 150 { // two people who are not alike at all, as a person who errs may say
		for j := range 150 {
			labels = append(labels, dedup.Decision{A: s.records[i].ID, B: s.records[150+j].ID, Same: true})
		}
	}
	m, err := l.Train(ctx, slices.Values(s.records), labels...)
	require.NoError(t, err)
	res, err := l.Link(ctx, slices.Values(s.records), m)
	require.NoError(t, err)
	t.Logf("F1 %.4f, %.4f after %d labels", s.f1(base.Clusters), s.f1(res.Clusters), len(labels))
	require.GreaterOrEqual(t, s.f1(res.Clusters), s.f1(base.Clusters)-0.02)
}
