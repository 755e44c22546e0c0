package messaging

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// Cadence is how soon a person may be written to again: the least time between two commercial
// messages, which grows as long as he does not answer. Continuous is not incessant.
type Cadence struct {
	// Every is the least time after a message that was answered, or after the first that was not;
	// 0: there is none. A campaign of evenings leaves a little after each: for every third
	// evening take 71 hours and not 72.
	Every time.Duration `json:"every,omitempty"`
	// Grow is what the time is multiplied by for each further message without an answer, from 1 to
	// 10; 0 means 1: it does not grow.
	Grow float64 `json:"grow,omitempty"`
	// Most is how long the time gets at most. With Grow it must be set.
	Most time.Duration `json:"most,omitempty"`
}

// Gap returns the least time after the last of so many messages in a row without an answer.
func (c Cadence) Gap(unanswered int) time.Duration {
	gap := float64(c.Every) * math.Pow(max(1, c.Grow), float64(max(0, unanswered-1)))
	if c.Most > 0 && gap > float64(c.Most) {
		return c.Most
	}
	return time.Duration(min(gap, math.MaxInt64/2))
}

// since returns the last of messages before an instant, and how many in a row had no answer:
// those after the person last answered.
func since(recent []time.Time, answered, at time.Time) (last time.Time, unanswered int) {
	for _, t := range recent {
		if t.After(at) {
			continue
		}
		if t.After(last) {
			last = t
		}
		if !answered.After(t) {
			unanswered++
		}
	}
	return last, unanswered
}

// validate reports every fault of the cadence.
func (c Cadence) validate(fault func(field, format string, args ...any)) {
	if c.Every < 0 || c.Most < 0 {
		fault("cadence", "is negative")
	}
	if c.Grow != 0 && !(c.Grow >= 1 && c.Grow <= 10) {
		fault("cadence", "grows by %v, which is not from 1 to 10", c.Grow)
	}
	if c.Every == 0 && (c.Grow != 0 || c.Most != 0) {
		fault("cadence", "has no every, without which nothing grows")
	}
	if c.Grow > 1 && c.Most < c.Every {
		fault("cadence", "grows, and its most, %s, is less than its every", c.Most)
	}
}

// tooSoon says why a person is not written to yet, or "".
func (in *Candidate) tooSoon(at time.Time) string {
	last, unanswered := since(in.Recent, in.Answered, at)
	if last.IsZero() {
		return ""
	}
	gap := in.Cadence.Gap(unanswered)
	if at.Sub(last) >= gap {
		return ""
	}
	note := fmt.Sprintf("the last message left %s before, at least %s must lie between two", span(at.Sub(last).Round(time.Minute)), span(gap.Round(time.Minute)))
	if unanswered > 1 {
		note += fmt.Sprintf(" after %d without an answer", unanswered)
	}
	return note
}

// irrelevant says why a message means too little to a person, or "". A score that is not known
// is none.
func (in *Candidate) irrelevant() string {
	switch {
	case in.Score == nil:
		return cmp.Or(in.Unscored, "nothing is known of what it means to the customer")
	case !(*in.Score >= in.Relevance):
		return fmt.Sprintf("scored %.2f, at least %.2f is asked", *in.Score, in.Relevance)
	}
	return ""
}
