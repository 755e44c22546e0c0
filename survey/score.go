package survey

import "math"

const (
	promoter     = "promoter"
	passive      = "passive"
	detractor    = "detractor"
	satisfied    = "satisfied"
	neutral      = "neutral"
	dissatisfied = "dissatisfied"
	easy         = "easy"
	middling     = "middling"
	hard         = "hard"
)

// Score is one measured answer.
type Score struct {
	// Metric is never empty: only measured questions have scores.
	Metric   Metric
	Question string // name
	Answered bool   // false: the question was asked and left open
	Value    int    // 0 when not Answered
	Class    string // as Metric.Class has it
	Bad      bool   // somebody should look after this customer
}

// ScoreOptions says what a bad answer is. The zero value works.
type ScoreOptions struct {
	// BadAt gives, per metric, the highest answer that is bad. A metric that
	// is missing has its default: NPS 6, CSAT 2, CES 3. A question's own
	// x-retail "bad" goes before both.
	BadAt map[Metric]int
}

// badAt returns the highest bad answer of a metric: the question's own, the host's, or the
// default.
func (o ScoreOptions) badAt(m Metric, own *int) int {
	if own != nil {
		return *own
	}
	if at, ok := o.BadAt[m]; ok {
		return at
	}
	switch m {
	case NPS:
		return 6
	case CSAT:
		return 2
	default:
		return 3
	}
}

// Scores reads every metric of the definition off a checked response, in the
// order of the questions. A question that the respondent saw and did not
// answer is there with Answered false; one that was hidden is not.
func (d *Definition) Scores(r Response, opt ScoreOptions) []Score {
	var out []Score
	for _, q := range d.Visible(Env{Answers: r.Answers, Variables: r.Variables}) {
		m := q.Extension.Metric
		if m == "" {
			continue
		}
		s := Score{Metric: m, Question: q.Name}
		if v, ok := wholeNumber(r.Answers[q.Name]); ok {
			if class := m.Class(v); class != "" {
				s.Answered, s.Value, s.Class = true, v, class
				s.Bad = v <= opt.badAt(m, q.Extension.Bad)
			}
		}
		out = append(out, s)
	}
	return out
}

// Score reads the first metric of the definition off a checked response. It
// is false when there is none or it was not answered.
func (d *Definition) Score(r Response, opt ScoreOptions) (Score, bool) {
	for _, s := range d.Scores(r, opt) {
		if s.Answered {
			return s, true
		}
	}
	return Score{}, false
}

// Bad tells whether any metric of the response is bad.
func (d *Definition) Bad(r Response, opt ScoreOptions) bool {
	for _, s := range d.Scores(r, opt) {
		if s.Bad {
			return true
		}
	}
	return false
}

// Class says what an answer to the metric's question says about its respondent:
// "promoter" (9 and 10), "passive" (7 and 8) or "detractor" for NPS, "satisfied" (4 and
// 5), "neutral" or "dissatisfied" (1 and 2) for CSAT, "easy" (5 to 7), "middling" (4) or
// "hard" for CES. It is empty for an answer that is not on the metric's scale.
func (m Metric) Class(v int) string {
	lo, hi, ok := m.scale()
	if !ok || v < lo || v > hi {
		return ""
	}
	good, middle, bad := promoter, passive, detractor
	from, below := 9, 7
	switch m {
	case CSAT:
		good, middle, bad, from, below = satisfied, neutral, dissatisfied, 4, 3
	case CES:
		good, middle, bad, from, below = easy, middling, hard, 5, 4
	}
	switch {
	case v >= from:
		return good
	case v < below:
		return bad
	}
	return middle
}

// wholeNumber reads an answer that a scale can have.
func wholeNumber(v any) (int, bool) {
	f, ok := plain(v).(float64)
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1e6 {
		return 0, false
	}
	return int(f), true
}
