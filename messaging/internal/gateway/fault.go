package gateway

import (
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Fault is what a provider's code of an error means.
type Fault struct {
	Status    crm.Status
	Unreached bool          // of crm.Throttled: somebody must put something right; the messages are fine
	After     time.Duration // of crm.Throttled
	One       bool          // one message of the request is at fault: without it the others would be taken
	Reason    string
}

// Receipt returns the fault as an answer about a message.
func (f Fault) Receipt(code string) crm.Receipt {
	reason := crm.Clip(code, 40)
	if f.Reason != "" {
		reason += ": " + f.Reason
	}
	return crm.Receipt{Status: f.Status, Unreached: f.Unreached, After: f.After, Reason: reason}
}

// Halve carries out a request for n messages. Try asks for those from lo to before hi; if it says
// that one message spoils the request it must have taken nothing, and is asked for either half,
// down to single messages. So a bad message does not keep back the others of its batch.
func Halve(lo, hi int, try func(lo, hi int) (one bool)) {
	if lo >= hi || !try(lo, hi) || hi-lo == 1 {
		return
	}
	mid := (lo + hi) / 2
	Halve(lo, mid, try)
	Halve(mid, hi, try)
}
