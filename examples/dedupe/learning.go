package main

import (
	"context"
	"fmt"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/report"
)

// Answers between two points of the learning curve, doubled until there are at most mostPoints:
// each links all rows anew.
const (
	pointEvery = 25
	mostPoints = 8
)

// points returns after how many of n answers the result is measured: without any, and so on up
// to all of them.
func points(n int) []int {
	step := pointEvery
	for n/step+1 > mostPoints {
		step *= 2
	}
	var out []int
	for k := 0; k < n; k += step {
		out = append(out, k)
	}
	return append(out, n)
}

// learn links the rows with ever more of the answers, and notes what comes of it; the last
// time is with all of them.
func (j *job) learn(ctx context.Context) error {
	for _, k := range points(len(j.answers)) {
		if err := j.linkWith(ctx, j.answers[:k], k == len(j.answers)); err != nil {
			return err
		}
		if len(j.answers) == 0 {
			return nil
		}
		j.number()
		if k == 0 {
			j.unanswered = j.result.Stats.Clusters
		}
		p := report.LearningPoint{Answers: k, Estimated: j.o.truth == ""}
		if j.o.truth != "" {
			p.F1 = dedup.Evaluate(j.result.Clusters, j.person).F1
		} else {
			p.F1 = j.expected()
		}
		j.curve = append(j.curve, p)
	}
	return nil
}

// expected is the F1 of pairs that the model and the answers expect of the clusters: of the pairs
// that were compared and linked, and of those that no rule picked as far as they can be told.
// A pair that was answered counts as answered, before its answer is given, too, so that the
// points compare.
func (j *job) expected() float64 {
	answers := map[[2]int32]bool{}
	for _, d := range j.answers {
		a, b := rowOf(d.A), rowOf(d.B)
		answers[[2]int32{min(a, b), max(a, b)}] = d.Same
	}
	var found, right, all float64
	count := func(p [2]int32, match float64) {
		all += match
		if j.cluster[p[0]] == j.cluster[p[1]] {
			found++
			right += match
		}
	}
	for _, s := range j.pairs {
		p := [2]int32{s.a, s.b}
		if _, answered := answers[p]; !answered {
			count(p, dedup.Probability(float64(s.weight)))
		}
	}
	for p, same := range answers {
		match := 0.0
		if same {
			match = 1
		}
		count(p, match)
	}
	all += j.result.Stats.Unseen
	if found+all == 0 {
		return 0
	}
	return 2 * right / (found + all)
}

// learning says how the result follows from answers, a line for each point.
func (j *job) learning() (lines []string) {
	if len(j.curve) > 0 {
		lines = append(lines, fmt.Sprintf("the answers changed %d groups to %d", j.unanswered, j.result.Stats.Clusters))
	}
	for _, p := range j.curve {
		what := "F1"
		if p.Estimated {
			what = "estimated F1"
		}
		lines = append(lines, fmt.Sprintf("after %4d answers  %s %.4f", p.Answers, what, p.F1))
	}
	return lines
}
