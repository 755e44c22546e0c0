package offer

import (
	"context"
	"math"
	"time"
)

// Interest is what tells how much a message may mean to a person.
type Interest struct {
	Campaign   string
	Person     Person
	Categories []string // of goods that it is about; none: of all
	At         time.Time
	// Responded is when the person last did anything: bought, clicked, answered, wrote, came, or
	// became known. Clicked is when he last clicked a link of a message, and Purchased when he last
	// bought something of the Categories. Zero: never.
	Responded, Clicked, Purchased time.Time
}

// Scorer says how much a message means to a person: 0 nothing, 1 as much as can be. It is used
// by many goroutines, some within transactions, and must be quick.
type Scorer func(ctx context.Context, in Interest) (float64, error)

// The times in which what was Responded, Clicked and Purchased counts half as much.
const (
	halfResponse = 180 * 24 * time.Hour
	halfClick    = 90 * 24 * time.Hour
	halfPurchase = 365 * 24 * time.Hour
)

// Relevance is the mean of how fresh three things are, each 1 at its instant and half as much
// after a time: the last response of any kind (half after 180 days), the last click (90 days) and
// the last purchase of the message's categories (365 days). What never happened is 0, and what
// lies ahead 1. It is a rule of thumb and no forecast: a host that has a model gives its own
// Scorer.
func Relevance(in Interest) float64 {
	fresh := func(at time.Time, half time.Duration) float64 {
		if at.IsZero() {
			return 0
		}
		return math.Exp2(-max(0, in.At.Sub(at)).Hours() / half.Hours())
	}
	return (fresh(in.Responded, halfResponse) + fresh(in.Clicked, halfClick) + fresh(in.Purchased, halfPurchase)) / 3
}
