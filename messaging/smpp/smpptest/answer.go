package smpptest

import (
	"math/rand/v2"
	"time"

	"github.com/vefacrm/vefa/messaging/smpp"
)

// Answer is what the SMSC does about one submit_sm. The zero value takes it and reports
// delivery, if a receipt is wanted, at once.
type Answer struct {
	Status smpp.Status   // other than OK: refused
	Delay  time.Duration // before the response
	Lose   bool          // taken, and never answered
	Cut    bool          // taken, and the connection ends in the middle of the response
	Silent bool          // no receipt, whatever the message wants
	Early  bool          // the receipt goes out before the response
	Twice  bool          // the receipt goes out twice
	// State and Error are in the receipt; NoState means Delivered.
	State smpp.State
	Error string
	// ReceiptDelay is how long after the message was taken the receipt goes out; with
	// different ones receipts come out of order.
	ReceiptDelay time.Duration
}

// Faults are the shares, from 0 to 1, of messages that meet each fault, and the longest
// delays. They are drawn apart from one another.
type Faults struct {
	Throttled, Failed, Lost, Cut  float64
	Early, Twice, Undelivered     float64
	Delay, ReceiptDelay           time.Duration
	ThrottledStatus, FailedStatus smpp.Status // 0 means Throttled and InvalidDestination
}

// Random returns answers that depend on the seed and the number of the message alone.
func Random(seed uint64, f Faults) func(n int, m *smpp.Message) Answer {
	throttled, failed := f.ThrottledStatus, f.FailedStatus
	if throttled == smpp.OK {
		throttled = smpp.Throttled
	}
	if failed == smpp.OK {
		failed = smpp.InvalidDestination
	}
	return func(n int, _ *smpp.Message) Answer {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		hit := func(share float64) bool { return r.Float64() < share }
		var a Answer
		if hit(f.Failed) {
			a.Status = failed
		}
		if hit(f.Throttled) {
			a.Status = throttled
		}
		a.Lose, a.Cut = hit(f.Lost), hit(f.Cut)
		a.Early, a.Twice = hit(f.Early), hit(f.Twice)
		if hit(f.Undelivered) {
			a.State, a.Error = smpp.Undeliverable, "027"
		}
		if f.Delay > 0 {
			a.Delay = time.Duration(r.Int64N(int64(f.Delay)))
		}
		if f.ReceiptDelay > 0 {
			a.ReceiptDelay = time.Duration(r.Int64N(int64(f.ReceiptDelay)))
		}
		return a
	}
}
