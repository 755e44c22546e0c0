package campaigns

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/vefacrm/vefa/messaging"
)

// State is how far a campaign has come.
type State string

// The states of a campaign.
const (
	Draft     State = "draft"     // may be changed; not approved as it is
	Approved  State = "approved"  // as it is, by as many as it takes
	Scheduled State = "scheduled" // begins at Life.At
	Sending   State = "sending"   // its audience is drawn, its messages leave as they fall due
	Paused    State = "paused"    // nothing leaves until it is resumed
	Cancelled State = "cancelled" // nothing leaves any more
	Closed    State = "closed"    // all has left
)

// Final reports whether nothing of a campaign in this state leaves any more. One that is
// Closed sends again if Desk.Raise gives it a larger budget.
func (s State) Final() bool { return s == Cancelled || s == Closed }

// Seal names a campaign and its audience as they are: the SHA-256 of both, in hexadecimal.
type Seal string

func seal(audience string, c *messaging.Campaign) (Seal, error) {
	data, err := json.Marshal([]any{audience, c})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return Seal(hex.EncodeToString(sum[:])), nil
}

// Life is a campaign and what was done with it. It is kept as JSON.
type Life struct {
	Campaign messaging.Campaign `json:"campaign"`
	// Audience is whom it is drawn from, in the host's words: the name of a segment.
	Audience string `json:"audience"`
	State    State  `json:"state"`
	// Seal is of Campaign and Audience, as they were when it began: Desk.Raise changes the
	// budget after that. Authors are those who made them what they are, since
	// the campaign was last approved; Tests and Approvals are of this Seal alone.
	Seal      Seal      `json:"seal"`
	Authors   []string  `json:"authors"`
	Tests     []Entry   `json:"tests,omitempty"`
	Approvals []Entry   `json:"approvals,omitempty"`
	At        time.Time `json:"at,omitzero"`    // when it is to begin
	Began     time.Time `json:"began,omitzero"` // when its audience was drawn
	Ended     time.Time `json:"ended,omitzero"` // when it was cancelled or closed
	Drawn     *Audience `json:"drawn,omitempty"`
	Raising   *Raising  `json:"raising,omitempty"` // a budget that takes more people, see Desk.Raise
	Log       []Entry   `json:"log"`               // everything that was done, in order; the oldest but the first go after 200
	Rev       int64     `json:"-"`                 // of the document; every change makes it larger
}

// Occurrence tells the effects of this campaign, as it is and for when it is scheduled, from
// those of a drawing that was not finished before it was changed: it is their Occurrence, and
// a message of another one is not sent.
func (l *Life) Occurrence() string {
	return string(l.Seal[:min(16, len(l.Seal))]) + "@" + l.At.UTC().Format(time.RFC3339Nano)
}

// Audience is what became of those whom a campaign was drawn from, when it began.
type Audience struct {
	Considered int `json:"considered"`
	Planned    int `json:"planned"`
	Withheld   int `json:"withheld"`
	HeldOut    int `json:"held_out"`
}

// Raising is a larger budget that some have approved, and not yet as many as it takes.
type Raising struct {
	To messaging.Budget `json:"to"`
	By []Entry          `json:"by"`
}

// Entry is one thing that somebody did.
type Entry struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Verb string    `json:"verb"` // "draft", "test", "approve", "schedule", "begin", "raise", "pause", "resume", "cancel", "close"
	Seal Seal      `json:"seal,omitempty"`
	Note string    `json:"note,omitempty"`
}

// maxLog bounds the entries that are kept.
const maxLog = 200

func (l *Life) note(e Entry) {
	l.Log = append(l.Log, e)
	if n := len(l.Log) - maxLog; n > 0 {
		l.Log = slices.Delete(l.Log, 1, n+1) // the first says who drafted it
	}
}
