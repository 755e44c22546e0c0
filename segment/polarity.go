package segment

import "time"

// Polarity says what a tag does to audiences.
type Polarity uint8

const (
	// Neutral tags take part in expressions only.
	Neutral Polarity = iota
	// Green tags are cleared for audiences. They act like neutral ones in
	// expressions; in Marked they include.
	Green
	// Red tags exclude the customers that carry them from every audience,
	// unless the segment ignores that tag's red.
	Red
)

// String returns neutral, green or red.
func (p Polarity) String() string {
	switch p {
	case Green:
		return "green"
	case Red:
		return "red"
	default:
		return "neutral"
	}
}

// PolarityRule gives a tag a polarity for a span of time.
type PolarityRule struct {
	// Tag need not be carried by anybody yet.
	Tag string
	// Polarity defaults to Neutral.
	Polarity Polarity
	From     time.Time // inclusive; zero: since always
	Until    time.Time // exclusive; zero: until further notice
	Owner    string    // who decided, for the explanation
	Reason   string    // why, for the explanation
}

// covers reports whether the rule is in effect at t.
func (r PolarityRule) covers(t time.Time) bool {
	return (r.From.IsZero() || !t.Before(r.From)) && (r.Until.IsZero() || t.Before(r.Until))
}

// validate refuses what could not take effect: a bad name, an unknown polarity, a span
// that ends before it begins.
func (r PolarityRule) validate() error {
	if err := checkName("tag", r.Tag); err != nil {
		return err
	}
	if r.Polarity > Red {
		return &InvalidError{Field: "polarity", Msg: "is none of neutral, green, red"}
	}
	if !r.From.IsZero() && !r.Until.IsZero() && !r.From.Before(r.Until) {
		return &InvalidError{Field: "until", Msg: "is not after from"}
	}
	return nil
}

// polarityAt returns the rule in effect at t: of all that cover t the one
// decided last. Without one the tag is neutral.
func polarityAt(rules []PolarityRule, t time.Time) (PolarityRule, bool) {
	for i := len(rules) - 1; i >= 0; i-- {
		if rules[i].covers(t) {
			return rules[i], true
		}
	}
	return PolarityRule{}, false
}
