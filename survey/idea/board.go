package idea

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrInvalid is the kind of errors about what cannot be counted, ErrExists says that something else
// has its id already.
var (
	ErrInvalid = errors.New("survey/idea: invalid")
	ErrExists  = errors.New("survey/idea: another has this id")
)

// Idea is what a customer proposes.
type Idea struct {
	ID   string `json:"id"`
	Text string `json:"text"` // 1 to 2,000 bytes that are not blank
	// Products are the ids of what it is about; empty: of no product in particular. It is found by
	// each of them.
	Products []string `json:"products,omitempty"`
	// By is who proposed it. That is no vote.
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// Vote is what a person thinks of an idea. Of several by one person about one idea the latest
// counts; of those at the same time the one of the larger id.
type Vote struct {
	ID     string    `json:"id"`
	Idea   string    `json:"idea"`
	Person string    `json:"person"`
	For    bool      `json:"for"`   // else against
	Taken  bool      `json:"taken"` // the person takes the vote back; For says nothing then
	At     time.Time `json:"at"`
}

// Merge says that one idea is the same as another, or, when Undone, that it is not. Of several
// about one idea the latest counts; of those at the same time the one of the larger id.
type Merge struct {
	ID     string    `json:"id"`
	Idea   string    `json:"idea"` // the duplicate
	Into   string    `json:"into"` // "" when Undone
	Undone bool      `json:"undone,omitempty"`
	At     time.Time `json:"at"`
}

// Board holds ideas, votes and merges. The zero value is ready to use; it is not safe for
// concurrent use.
type Board struct {
	ideas  map[string]Idea
	votes  map[string]Vote
	merges map[string]Merge
}

// maxText bounds the text of an idea in bytes.
const maxText = 2000

// Propose takes in an idea; the same once more changes nothing. The error is ErrInvalid or
// ErrExists.
func (b *Board) Propose(i Idea) error {
	var faults []error
	if i.ID == "" || i.By == "" || i.At.IsZero() {
		faults = append(faults, fmt.Errorf("%w: idea %q needs an ID, a person and a time", ErrInvalid, i.ID))
	}
	if strings.TrimSpace(i.Text) == "" || len(i.Text) > maxText {
		faults = append(faults, fmt.Errorf("%w: idea %q has a text of %d bytes, 1 to %d are possible", ErrInvalid, i.ID, len(i.Text), maxText))
	}
	if slices.Contains(i.Products, "") {
		faults = append(faults, fmt.Errorf("%w: idea %q names a product without an id", ErrInvalid, i.ID))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	i.Products = slices.Compact(slices.Sorted(slices.Values(i.Products)))
	was, ok := b.ideas[i.ID]
	if ok && !(was.Text == i.Text && was.By == i.By && was.At.Equal(i.At) && slices.Equal(was.Products, i.Products)) {
		return fmt.Errorf("%w: idea %q", ErrExists, i.ID)
	}
	if b.ideas == nil {
		b.ideas = map[string]Idea{}
	}
	b.ideas[i.ID] = i
	return nil
}

// Vote takes in a vote; the same once more changes nothing. The idea may come later. The error is
// ErrInvalid or ErrExists.
func (b *Board) Vote(v Vote) error {
	if v.ID == "" || v.Idea == "" || v.Person == "" || v.At.IsZero() {
		return fmt.Errorf("%w: vote %q needs an ID, an idea, a person and a time", ErrInvalid, v.ID)
	}
	was, ok := b.votes[v.ID]
	if at := was.At; ok {
		if was.At = v.At; was != v || !at.Equal(v.At) {
			return fmt.Errorf("%w: vote %q", ErrExists, v.ID)
		}
		return nil
	}
	if b.votes == nil {
		b.votes = map[string]Vote{}
	}
	b.votes[v.ID] = v
	return nil
}

// Merge takes in that an idea is the same as another; the same once more changes nothing. The error
// is ErrInvalid or ErrExists.
func (b *Board) Merge(m Merge) error {
	if m.ID == "" || m.Idea == "" || m.At.IsZero() || m.Undone != (m.Into == "") || m.Idea == m.Into {
		return fmt.Errorf("%w: merge %q needs an ID, an idea, another one that it goes into unless it is undone, and a time", ErrInvalid, m.ID)
	}
	was, ok := b.merges[m.ID]
	if at := was.At; ok {
		if was.At = m.At; was != m || !at.Equal(m.At) {
			return fmt.Errorf("%w: merge %q", ErrExists, m.ID)
		}
		return nil
	}
	if b.merges == nil {
		b.merges = map[string]Merge{}
	}
	b.merges[m.ID] = m
	return nil
}
