package crm

import (
	"encoding/json"
	"errors"
)

// StateKey names a state: of what kind it is and what it is about, such as the key of
// the page by which a survey was answered, about the answer.
type StateKey struct {
	// Kind says whose state it is: choose one with a prefix of your own.
	Kind    string
	Subject Subject
}

// Part returns the part of the subject.
func (k StateKey) Part() Part { return k.Subject.Part() }

// String writes kind/subject. A slash or a percent sign in the kind is escaped.
func (k StateKey) String() string { return escapeSource(k.Kind) + "/" + k.Subject.String() }

// validate reports every fault of the key.
func (k StateKey) validate() error {
	return errors.Join(checkKeyText("kind", k.Kind, false), k.Subject.Validate())
}

// State is what an engine or a host keeps about one subject for itself: progress, keys,
// derived values. Unlike documents, of which there are few, there may be one for every
// customer: states are cut into parts. Like them they are no part of a Digest, and the
// change feed does not tell of them.
type State struct {
	StateKey
	Data json.RawMessage
	Rev  int64 // the store's revision, 0 before the first Put
}

// NewState encodes v.
func NewState(kind string, about Subject, v any) (*State, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, &Error{Op: "encode", Entity: kind, ID: about.String(), Kind: ErrInvalid, Err: err}
	}
	return &State{StateKey{kind, about}, data, 0}, nil
}

// Decode decodes the state into v.
func (s *State) Decode(v any) error {
	if err := json.Unmarshal(s.Data, v); err != nil {
		return &Error{Op: "decode", Entity: s.Kind, ID: s.Subject.String(), Kind: ErrInvalid, Err: err}
	}
	return nil
}

// Validate reports every fault of the state.
func (s *State) Validate() error {
	err := s.StateKey.validate()
	if !json.Valid(s.Data) {
		err = errors.Join(err, fieldError("data", "is not JSON"))
	}
	return err
}
