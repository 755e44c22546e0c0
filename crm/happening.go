package crm

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Answer is a finished response to a survey.
type Answer struct {
	Survey  string         `json:"survey"`
	Effect  EffectID       `json:"effect,omitempty"` // the invitation
	About   FactKey        `json:"about,omitzero"`   // the order or visit that was asked about
	Metric  string         `json:"metric,omitempty"` // "nps", "csat", "ces"
	Score   int            `json:"score"`
	Bad     bool           `json:"bad,omitempty"` // below the survey's threshold: a ticket is owed
	Comment string         `json:"comment,omitempty"`
	Values  map[string]any `json:"values,omitempty"`
}

// FactKind returns KindAnswer.
func (*Answer) FactKind() FactKind { return KindAnswer }

func (a *Answer) validate() error {
	err := checkKeyText("survey", a.Survey, false)
	if len(a.Values) > 0 {
		if _, e := json.Marshal(a.Values); e != nil {
			err = errors.Join(err, fieldError("values", "cannot be written as JSON: "+e.Error()))
		}
	}
	return err
}

// Verdict says whether a click came from a person.
type Verdict string

// The verdicts.
const (
	Human     Verdict = "human"
	Suspected Verdict = "suspected"
	Machine   Verdict = "machine"
)

// Click is one request for a tracked link. Raw events are kept; the verdict
// can be computed again.
type Click struct {
	Effect     EffectID `json:"effect"`             // the message that carried the link
	Campaign   string   `json:"campaign,omitempty"` // its cause
	Method     string   `json:"method,omitempty"`
	Agent      string   `json:"agent,omitempty"`
	Verdict    Verdict  `json:"verdict"`
	Reasons    []string `json:"reasons,omitempty"`
	Classifier string   `json:"classifier,omitempty"` // its version
	// Signals is what else was seen of the request, in the recorder's own form,
	// so that the verdict can be computed again. It names nobody.
	Signals string `json:"signals,omitempty"`
	// Count is not 0 where the fact stands for so many requests that were
	// counted without a look at each, because one link had too many within an
	// hour. Its Verdict is about none of them in particular.
	Count int64 `json:"count,omitempty"`
}

// Requests returns how many requests the fact stands for, at least 1.
func (c *Click) Requests() int64 { return max(1, c.Count) }

// FactKind returns KindClick.
func (*Click) FactKind() FactKind { return KindClick }

func (c *Click) validate() error {
	if c.Count < 0 {
		return fieldError("count", "is negative")
	}
	switch c.Verdict {
	case Human, Suspected, Machine:
		return nil
	}
	return fieldError("verdict", fmt.Sprintf("%q is not known", c.Verdict))
}

// Interaction is a contact with the customer: a call, a chat, a shop visit, a
// social post, a reply to a message.
type Interaction struct {
	Channel   string `json:"channel"`
	Direction string `json:"direction,omitempty"` // "in" or "out"
	Topic     string `json:"topic,omitempty"`
	Text      string `json:"text,omitempty"`
	Employee  string `json:"employee,omitempty"`
}

// FactKind returns KindInteraction.
func (*Interaction) FactKind() FactKind { return KindInteraction }

func (i *Interaction) validate() error { return checkKeyText("channel", i.Channel, false) }

// Note is a remark by a member of staff.
type Note struct {
	Text  string `json:"text"`
	Actor string `json:"actor,omitempty"`
}

// FactKind returns KindNote.
func (*Note) FactKind() FactKind { return KindNote }

func (n *Note) validate() error {
	if n.Text == "" {
		return fieldError("text", "must not be empty")
	}
	return nil
}

// TagChange sets or clears a tag on a profile. The current tags are the fold
// of all changes: per tag the one with the latest (time, key) counts.
type TagChange struct {
	Tag     string    `json:"tag"`
	Off     bool      `json:"off,omitempty"` // true clears the tag
	By      string    `json:"by,omitempty"`  // "rule/battery", "staff/ayse"
	Why     string    `json:"why,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
}

// FactKind returns KindTag.
func (*TagChange) FactKind() FactKind { return KindTag }

func (t *TagChange) validate() error {
	return errors.Join(checkKeyText("tag", t.Tag, false), checkTime("expires", t.Expires))
}
