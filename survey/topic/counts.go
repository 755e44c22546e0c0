package topic

import (
	"cmp"
	"slices"

	"github.com/vefacrm/vefa/survey"
)

// Counts adds up what comments are about. It counts comments, not mentions: who names a
// topic three times counts once. The zero value is ready to use; it is not safe for
// concurrent use: give each goroutine its own and Merge them.
type Counts struct {
	total  Count
	topics map[string]*Count
}

// Count is how many comments there were of a topic, by what they say of it.
type Count struct {
	Topic string // "" for the total of all comments
	// Comments is the sum of the four that follow.
	Comments                           int64
	Negative, Mixed, Positive, Neutral int64
	// Serious are those of severity 2 and 3.
	Serious int64
	// Of is how many comments there were in all, the n of Share.
	Of int64
	// Share is Comments of Of, and Complaining is Negative and Mixed of Comments, each with
	// its 95 % interval.
	Share, Complaining survey.Interval
	// Suppressed hides the figures, because so few comments could be traced to who wrote them;
	// only Topic and Of are set.
	Suppressed bool
}

// Add counts a comment. A comment that is empty is for the caller to leave out.
func (c *Counts) Add(r Reading) {
	if c.topics == nil {
		c.topics = map[string]*Count{}
	}
	c.total.add(r.Sentiment, r.Severity)
	for _, m := range r.Topics {
		t := c.topics[m.Topic]
		if t == nil {
			t = &Count{Topic: m.Topic}
			c.topics[m.Topic] = t
		}
		t.add(m.Sentiment, r.Severity)
	}
	if len(r.Topics) == 0 {
		c.total.Of++ // here: without a topic
	}
}

func (t *Count) add(s Sentiment, severity int) {
	t.Comments++
	switch s {
	case Negative:
		t.Negative++
	case Mixed:
		t.Mixed++
	case Positive:
		t.Positive++
	default:
		t.Neutral++
	}
	if severity >= 2 {
		t.Serious++
	}
}

// Merge adds another set of counts.
func (c *Counts) Merge(o *Counts) {
	c.total.merge(&o.total)
	for name, t := range o.topics {
		if c.topics == nil {
			c.topics = map[string]*Count{}
		}
		if c.topics[name] == nil {
			c.topics[name] = &Count{Topic: name}
		}
		c.topics[name].merge(t)
	}
}

func (t *Count) merge(o *Count) {
	t.Comments += o.Comments
	t.Negative += o.Negative
	t.Mixed += o.Mixed
	t.Positive += o.Positive
	t.Neutral += o.Neutral
	t.Serious += o.Serious
	t.Of += o.Of
}

// Total counts all comments.
func (c *Counts) Total() Count {
	t := c.total
	t.Of = t.Comments
	return t.shares()
}

// Without returns how many comments had no topic of the lexicon.
func (c *Counts) Without() int64 { return c.total.Of }

// Results lists the topics, those with the most complaints first: by the lower end of the
// interval of their share of all comments, so that few comments weigh little. A topic of
// fewer than least comments is suppressed and comes last; 0 means 5, 1 or less than 0
// shows all. Topics overlap, so that no suppressed one can be had by subtraction.
func (c *Counts) Results(least int64) []Count {
	if least == 0 {
		least = 5
	}
	out := make([]Count, 0, len(c.topics))
	for _, t := range c.topics {
		r := Count{Topic: t.Topic, Of: c.total.Comments, Suppressed: true}
		if least <= 1 || t.Comments >= least {
			r = *t
			r.Of = c.total.Comments
			r = r.shares()
		}
		out = append(out, r)
	}
	worst := func(t Count) float64 {
		if t.Suppressed {
			return -1
		}
		return survey.Share(t.Negative+t.Mixed, t.Of).Low
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(worst(b), worst(a)), cmp.Compare(a.Topic, b.Topic))
	})
	return out
}

func (t Count) shares() Count {
	t.Share, t.Complaining = survey.Share(t.Comments, t.Of), survey.Share(t.Negative+t.Mixed, t.Comments)
	return t
}

// Compare orders readings for people who answer comments: the most severe first, then
// complaints before the others, then the ones with more complaints. It is for
// slices.SortStableFunc, which keeps the order of those that are alike.
func Compare(a, b Reading) int {
	bad := func(r Reading) int {
		switch r.Sentiment {
		case Negative:
			return 3
		case Mixed:
			return 2
		case Neutral:
			return 1
		}
		return 0
	}
	return cmp.Or(b.Severity-a.Severity, bad(b)-bad(a), b.Complaints-a.Complaints)
}
