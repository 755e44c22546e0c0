package web

import (
	"context"
	"errors"
	"time"

	"github.com/vefacrm/vefa/survey"
)

// ErrNotFound is what a Store returns, or wraps, for an id it does not know.
var ErrNotFound = errors.New("survey/web: no such invitation")

// ErrEnded is what a NotMeStore returns, or wraps, when "not me" comes too late.
var ErrEnded = errors.New("survey/web: the message has expired")

// State is the state of an invitation.
type State string

// The states of an invitation. The empty State reads as Open.
const (
	Open     State = "open"
	Answered State = "answered"
	Expired  State = "expired"
	NotMe    State = "not-me" // the receiver said that it was not for them
	Full     State = "full"   // there were enough answers before; nothing more is asked
)

// Invitation is what a page needs to know about one invitation. It holds
// nothing about the person: a link can end up in the wrong hands.
type Invitation struct {
	// Definition may be nil once the invitation is no longer open.
	Definition *survey.Definition
	Language   string         // such as "tr"; empty: the browser's choice of those that the definition has, else its own
	Place      string         // the shop as its customers know it; shown on the page, {place} in texts
	Variables  map[string]any // further values for expressions and texts of the definition
	State      State
	ExpiresAt  time.Time // answers count before this instant; zero: always
	NotMeUntil time.Time // "not me" is heard before this instant; zero: always
	Key        string    // Response.Key of the stored answer; empty when there is none or it is not kept
	FollowUp   bool      // the page that thanks for the answer has a form for the desk; see FollowUpStore
}

// Store keeps invitations and answers. Methods are called concurrently.
type Store interface {
	// Invitation finds an invitation. The error is ErrNotFound when there is
	// none. It must not record that the invitation was looked at.
	Invitation(ctx context.Context, id uint64) (Invitation, error)
	// Submit stores the answer of an open invitation and closes it, atomically:
	// the first answer wins. For an invitation that is no longer open it
	// stores nothing and returns first false and no error. The same is said of an answer
	// that there was no room for, also where it is kept: the invitation is then Full.
	Submit(ctx context.Context, id uint64, r survey.Response, at time.Time) (first bool, err error)
}

// NotMeStore is implemented by a Store that hears "this message was not for
// me". Without it the pages do not offer the button.
type NotMeStore interface {
	// NotMe records that the receiver is not the person the message was meant
	// for. It is called in every state of the invitation, perhaps more than
	// once, and must be idempotent. It is not called after
	// Invitation.NotMeUntil; a store that decides by its own record returns
	// ErrEnded.
	NotMe(ctx context.Context, id uint64, at time.Time) error
}

// NotMeUndoStore is implemented by a Store whose NotMe can be taken back by who pressed the
// button by mistake. Without it the page that follows has no button for that.
type NotMeUndoStore interface {
	// TakeBackNotMe takes NotMe back; the invitation is then in the state that it was in before.
	// It is called in the state NotMe and before Invitation.NotMeUntil, perhaps more than
	// once, and must be idempotent. The error is, or wraps, ErrEnded where it is too late.
	TakeBackNotMe(ctx context.Context, id uint64, at time.Time) error
}

// Draft is what a respondent has answered before the survey is finished.
type Draft struct {
	Revision  string              `json:"revision"` // differs for each one that is kept
	Page      int                 `json:"page"`     // index of the page that shows
	Language  string              `json:"language,omitempty"`
	Answers   map[string]any      `json:"answers"`
	Variables map[string]any      `json:"variables,omitempty"` // that triggers set
	Clock     string              `json:"clock,omitempty"`     // since when time limits count, signed
	Typed     map[string][]string `json:"typed,omitempty"`     // fields of forms that could not be read yet
}

// DraftStore is implemented by a Store that keeps what was answered page by page, so that the
// link goes on where its respondent stopped. Without it the answers travel in the form alone.
//
// Each holder of the link then sees what was answered so far. A host that does not want that does
// not implement it.
type DraftStore interface {
	// Draft returns the draft of an invitation; ok is false when there is none.
	Draft(ctx context.Context, id uint64) (d Draft, ok bool, err error)
	// SaveDraft keeps a draft in place of that with the revision was, or of none where was is
	// empty, atomically. It keeps nothing and returns false when there is another one, because
	// the survey is open twice, and when the invitation is not open any more. Submit and
	// NotMe must remove the draft together with what they record.
	SaveDraft(ctx context.Context, id uint64, d Draft, was string, at time.Time) (saved bool, err error)
}
