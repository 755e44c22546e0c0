package smpp

import (
	"fmt"
	"strings"
)

// State is a message_state: what became of a message at the SMSC.
type State byte

// The states.
const (
	NoState       State = 0 // nothing was said
	Enroute       State = 1
	Delivered     State = 2
	Expired       State = 3
	Deleted       State = 4
	Undeliverable State = 5
	Accepted      State = 6 // read by somebody on behalf of the subscriber
	Unknown       State = 7
	Rejected      State = 8
)

// words are the states as receipts write them: what the specification has, and the
// beginnings of what SMSCs write beside it.
var words = []struct {
	begins string
	state  State
}{
	{"ENROUTE", Enroute}, {"EN_ROUTE", Enroute}, {"DELIV", Delivered}, {"EXPIR", Expired}, {"DELET", Deleted},
	{"UNDELIV", Undeliverable}, {"FAILED", Undeliverable}, {"ACCEPT", Accepted}, {"UNKNOWN", Unknown},
	{"REJECT", Rejected}, {"BUFFERED", Enroute}, {"BUFFRED", Enroute},
}

// ParseState reads the word of a receipt's text, such as DELIVRD or Undelivered, in
// any case; NoState if it is none that is known.
func ParseState(word string) State {
	word = strings.ToUpper(word)
	for _, w := range words {
		if strings.HasPrefix(word, w.begins) {
			return w.state
		}
	}
	return NoState
}

// Final reports that nothing else can become of the message.
func (s State) Final() bool {
	switch s {
	case Delivered, Expired, Deleted, Undeliverable, Rejected:
		return true
	}
	return false
}

// String returns the word that receipts have.
func (s State) String() string {
	switch s {
	case NoState:
		return ""
	case Enroute:
		return "ENROUTE"
	case Delivered:
		return "DELIVRD"
	case Expired:
		return "EXPIRED"
	case Deleted:
		return "DELETED"
	case Undeliverable:
		return "UNDELIV"
	case Accepted:
		return "ACCEPTD"
	case Unknown:
		return "UNKNOWN"
	case Rejected:
		return "REJECTD"
	}
	return fmt.Sprintf("State(%d)", byte(s))
}
