package survey

// Outcomes counts what became of the invitations of a survey, in the classes of the American
// Association for Public Opinion Research (Standard Definitions, 2015).
type Outcomes struct {
	Complete int64 // I: finished
	Partial  int64 // P: some questions answered, not finished
	Refused  int64 // R: opted out, or told that the survey is unwelcome
	// NonContact (NC) was delivered and not opened.
	NonContact int64
	Other      int64 // O: reached, and could not answer
	// Unknown (UH and UO) may not have reached anybody: no delivery report came.
	Unknown int64
	// Ineligible should not have been asked, such as a number that does not exist; it is in no
	// rate.
	Ineligible int64
}

// Rate is a share with its n and its 95 % interval, in percent.
type Rate struct {
	K, N     int64
	Value    float64 // 0 and nothing said when N is 0
	Interval Interval
}

// NewRate is k of n.
func NewRate(k, n int64) Rate {
	i := Share(k, n)
	r := Rate{K: k, N: n, Interval: Interval{100 * i.Low, 100 * i.High}}
	if n > 0 {
		r.Value = 100 * float64(k) / float64(n)
	}
	return r
}

// Merge adds the outcomes of another survey.
func (o *Outcomes) Merge(x Outcomes) {
	o.Complete += x.Complete
	o.Partial += x.Partial
	o.Refused += x.Refused
	o.NonContact += x.NonContact
	o.Other += x.Other
	o.Unknown += x.Unknown
	o.Ineligible += x.Ineligible
}

// reached counts those who could answer for certain.
func (o Outcomes) reached() int64 {
	return o.Complete + o.Partial + o.Refused + o.NonContact + o.Other
}

// RR1 is the minimum response rate: finished, of all who may have been eligible.
func (o Outcomes) RR1() Rate { return NewRate(o.Complete, o.reached()+o.Unknown) }

// RR2 counts also those who answered a part.
func (o Outcomes) RR2() Rate { return NewRate(o.Complete+o.Partial, o.reached()+o.Unknown) }

// RR5 is the maximum response rate: as RR1, but none of the unknown was eligible.
func (o Outcomes) RR5() Rate { return NewRate(o.Complete, o.reached()) }

// RR6 is RR5 with those who answered a part.
func (o Outcomes) RR6() Rate { return NewRate(o.Complete+o.Partial, o.reached()) }

// COOP2 is the cooperation rate: finished or in part, of all who opened the survey.
func (o Outcomes) COOP2() Rate {
	return NewRate(o.Complete+o.Partial, o.Complete+o.Partial+o.Refused+o.Other)
}

// REF1 is the refusal rate.
func (o Outcomes) REF1() Rate { return NewRate(o.Refused, o.reached()+o.Unknown) }

// CON1 is the contact rate: all who opened the survey or refused.
func (o Outcomes) CON1() Rate {
	return NewRate(o.Complete+o.Partial+o.Refused+o.Other, o.reached()+o.Unknown)
}

// BreakOff is the share of those who began and did not finish.
func (o Outcomes) BreakOff() Rate { return NewRate(o.Partial, o.Complete+o.Partial) }

// PageLoss is how many left at one page.
type PageLoss struct {
	Page string
	// Saw counts who came to the page, Left who went no further.
	Saw, Left int64
	// Rate is Left of Saw.
	Rate Rate
}

// BreakOffs tells at which page respondents left, in the order of pages. last gives for each
// respondent who did not finish the last page that showed, and seen how many came to each
// page, the finished ones too. A page that nobody saw has a rate without n.
func BreakOffs(pages []string, seen map[string]int64, last map[string]int64) []PageLoss {
	out := make([]PageLoss, 0, len(pages))
	for _, p := range pages {
		l := PageLoss{Page: p, Saw: seen[p], Left: min(last[p], seen[p])}
		l.Rate = NewRate(l.Left, l.Saw)
		out = append(out, l)
	}
	return out
}
