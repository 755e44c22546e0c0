package crm

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Status is an answer about one effect that was handed over.
type Status string

// The answers about an effect.
const (
	// Accepted: it is done, or a provider has it and will do it.
	Accepted Status = "accepted"
	// Declined: it will never be done.
	Declined Status = "rejected"
	// Throttled: it was not taken; the same effect may come again later.
	Throttled Status = "throttled"
	// Uncertain: nobody can tell whether it was taken. It must not be handed
	// over again to a side that does not recognise repeated ids.
	Uncertain Status = "unknown"
)

// Validate returns an error that lists the words there are where s is none of them.
func (s Status) Validate() error {
	switch s {
	case Accepted, Declined, Throttled, Uncertain:
		return nil
	}
	return &FieldError{Field: "status", Msg: fmt.Sprintf("%q is none of %q, %q, %q and %q", Clip(string(s), maxWord), Accepted, Declined, Throttled, Uncertain)}
}

// Receipt is the answer about one effect.
type Receipt struct {
	ID     EffectID
	Status Status
	// Provider is the other side's own id of it, such as a provider's message id, in which no
	// blank is; of what it took in parts, their ids in order, a blank between them. "" if it
	// gave none.
	Provider string
	Reason   string        // why it was not accepted; without text or address
	After    time.Duration // of Throttled: not before this long from now; 0 leaves it to EffectHandler.Backoff
	// Unreached, of Throttled, says that the other side was not reached or took
	// nothing from this host at all: no answer about the effect, however often
	// it comes. A Worker tries again and never gives the effect up for it.
	Unreached bool

	failed error // of a handler that Each calls; it is logged and not kept
}

// WorkStats is what one run of a Worker did. Where it says nothing else, it counts
// effects.
type WorkStats struct {
	Due       int `json:"due"`                 // found, of any state
	Claimed   int `json:"claimed"`             // moved to Sent
	Done      int `json:"done"`                // carried out, or accepted by the provider
	Withheld  int `json:"withheld"`            // refused by a guard
	HeldOut   int `json:"heldout"`             // in the control group
	Cancelled int `json:"cancelled,omitempty"` // whose cause went away
	Deferred  int `json:"deferred"`            // due later, by a guard
	Failed    int `json:"failed"`              // rejected, or impossible to carry out
	Throttled int `json:"throttled"`           // due later, by the provider or because the handler failed
	Unknown   int `json:"unknown"`             // of unknown fate after this run
	Resent    int `json:"resent"`              // handed over again under the same id
	Conflicts int `json:"conflicts"`           // that somebody else was first with
	// Unmatched and Undecided are of Receive alone and count receipts: those about no
	// effect that is known, or of a kind without a handler, or whose Provider several
	// effects bear; and those that settle nothing, Throttled and Uncertain.
	Unmatched int `json:"unmatched,omitempty"`
	Undecided int `json:"undecided,omitempty"`
}

// Add adds the counts of another run.
func (s *WorkStats) Add(o WorkStats) {
	s.Due += o.Due
	s.Claimed += o.Claimed
	s.Done += o.Done
	s.Withheld += o.Withheld
	s.HeldOut += o.HeldOut
	s.Cancelled += o.Cancelled
	s.Deferred += o.Deferred
	s.Failed += o.Failed
	s.Throttled += o.Throttled
	s.Unknown += o.Unknown
	s.Resent += o.Resent
	s.Conflicts += o.Conflicts
	s.Unmatched += o.Unmatched
	s.Undecided += o.Undecided
}

// count counts what became of effects that were answered.
func (s *WorkStats) count(effects []*Effect) {
	for _, e := range effects {
		switch e.State {
		case Done:
			s.Done++
		case Failed:
			s.Failed++
		case Planned:
			s.Throttled++
		case Unknown:
			s.Unknown++
		}
	}
}

// What a host or a provider says about an effect is kept up to these lengths, in
// bytes.
const (
	maxWord = 200
	// maxProvider is the longest list of ids that is kept of one effect.
	maxProvider = MaxKeyLen
	maxNote     = 500
)

// Clip returns at most n bytes of what a host or a provider wrote, as printable
// UTF-8: what may stand in a Reason.
func Clip(s string, n int) string {
	for n = min(n, len(s)); n > 0 && n < len(s) && !utf8.RuneStart(s[n]); n-- {
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s[:n])
}
