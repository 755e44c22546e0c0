package crm

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/internal/fold"
)

// Answer is a finished response to a survey.
type Answer struct {
	// Survey is the name of the survey in the host's configuration, as vefa.Survey.Name.
	Survey string   `json:"survey"`
	Effect EffectID `json:"effect,omitempty"` // the invitation
	About  FactKey  `json:"about,omitzero"`   // the order or visit that was asked about
	Metric string   `json:"metric,omitempty"` // "nps", "csat", "ces"
	// Score is on the scale of Metric; 0 and no Metric where nothing was measured.
	Score int  `json:"score"`
	Bad   bool `json:"bad,omitempty"` // below the survey's threshold: a ticket is owed
	// Outside says that it was given before the experience that it is about began, or too long
	// after it to be about that alone.
	Outside bool `json:"outside,omitempty"`
	// Comment is what the respondent wrote, as typed.
	Comment string `json:"comment,omitempty"`
	// Values are all answers by question, as JSON gives them back.
	Values map[string]any `json:"values,omitempty"`
	// Version is that of the definition which was asked, Language the one it was read in.
	// Of answers that were stored before these were kept they are empty, as is what follows.
	Version  string `json:"version,omitempty"`
	Language string `json:"language,omitempty"`
	// Begun is when the first page was read or kept, as far as is known; the fact's At is when the answer was
	// finished.
	Begun time.Time `json:"begun,omitzero"`
	// Channel is how it came: "personal" by a message's link, "poster" or "kiosk" by one that
	// everybody may open, or a host's own word. Link is the code of such a link.
	Channel string `json:"channel,omitempty"`
	Link    string `json:"link,omitempty"`
	// OverQuota is the quota that was full when the answer came; it counts for nothing then.
	OverQuota string `json:"over_quota,omitempty"`
}

// Validate reports every fault of the answer.
func (a *Answer) Validate() error {
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

func (v Verdict) known() bool { return v == Human || v == Suspected || v == Machine }

// Click is one request for a tracked link. Raw events are kept; the verdict
// can be computed again.
type Click struct {
	Effect   EffectID `json:"effect"`             // the message that carried the link
	Campaign string   `json:"campaign,omitempty"` // its cause
	Method   string   `json:"method,omitempty"`
	Agent    string   `json:"agent,omitempty"`
	// Verdict is what the Classifier made of the request; Reasons are its words for why.
	Verdict    Verdict  `json:"verdict"`
	Reasons    []string `json:"reasons,omitempty"`
	Classifier string   `json:"classifier,omitempty"` // its version
	// Earlier are the last verdicts by each other version of the Classifier, oldest
	// first: reports that were made then counted by them.
	Earlier []ClickVerdict `json:"earlier,omitempty"`
	// Signals is what else was seen of the request, in the recorder's own form,
	// so that the verdict can be computed again. It names nobody.
	Signals string `json:"signals,omitempty"`
	// Count is not 0 where the fact stands for so many requests that were
	// counted without a look at each, because one link had too many within an
	// hour. Its Verdict is about none of them in particular.
	Count int64 `json:"count,omitempty"`
}

// ClickVerdict is what a version of a classifier made of a click.
type ClickVerdict struct {
	Verdict    Verdict  `json:"verdict"`
	Reasons    []string `json:"reasons,omitempty"`
	Classifier string   `json:"classifier,omitempty"` // the version
}

// Judge sets what a version of a classifier makes of the click. The verdict of
// another version goes to Earlier, that of the same one is replaced. It reports
// whether anything changed.
func (c *Click) Judge(v ClickVerdict) bool {
	if c.Classifier == v.Classifier && c.Verdict == v.Verdict && slices.Equal(c.Reasons, v.Reasons) {
		return false
	}
	if c.Classifier != v.Classifier {
		c.Earlier = append(slices.Clip(c.Earlier), ClickVerdict{c.Verdict, c.Reasons, c.Classifier})
	}
	c.Verdict, c.Reasons, c.Classifier = v.Verdict, v.Reasons, v.Classifier
	return true
}

// Requests returns how many requests the fact stands for, at least 1.
func (c *Click) Requests() int64 { return max(1, c.Count) }

// Validate reports every fault of the click.
func (c *Click) Validate() error {
	if c.Count < 0 {
		return fieldError("count", "is negative")
	}
	if !c.Verdict.known() {
		return fieldError("verdict", fmt.Sprintf("%q is not known", c.Verdict))
	}
	for _, v := range c.Earlier {
		if !v.Verdict.known() {
			return fieldError("earlier", fmt.Sprintf("%q is not known", v.Verdict))
		}
	}
	return nil
}

// Interaction is a contact with the customer: a call, a chat, a shop visit, a
// social post, a reply to a message.
type Interaction struct {
	// Channel must be set: "call", "chat", "store", "social", …
	Channel   string `json:"channel"`
	Direction string `json:"direction,omitempty"` // "in" or "out"
	Topic     string `json:"topic,omitempty"`
	Text      string `json:"text,omitempty"`
	// Employee is who spoke, by the source's own id; empty of a machine.
	Employee string `json:"employee,omitempty"`
	// Ref is the channel's own id of it, such as the Message-ID of mail: what an answer
	// names. It may be empty.
	Ref string `json:"ref,omitempty"`
}

// Validate reports every fault of the interaction.
func (i *Interaction) Validate() error { return checkKeyText("channel", i.Channel, false) }

// Note is a remark by a member of staff.
type Note struct {
	// Text must not be empty.
	Text string `json:"text"`
	// Actor is who wrote it, by the host's own id.
	Actor string `json:"actor,omitempty"`
}

// Validate reports every fault of the note.
func (n *Note) Validate() error {
	if n.Text == "" {
		return fieldError("text", "must not be empty")
	}
	return nil
}

// TagChange sets or clears a tag on a profile. The current tags are the fold
// of all changes: per tag the one with the latest (time, key) counts.
type TagChange struct {
	Tag string `json:"tag"`           // kept in Unicode's form C: one name, however its accents are typed
	Off bool   `json:"off,omitempty"` // true clears the tag
	By  string `json:"by,omitempty"`  // "rule/battery", "staff/ayse"
	// Why is one line for people.
	Why     string    `json:"why,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
}

// Validate reports every fault of the change.
func (t *TagChange) Validate() error {
	return errors.Join(checkKeyText("tag", t.Tag, false), checkTime("expires", t.Expires))
}

func (t *TagChange) composed() FactData {
	name := fold.Compose(t.Tag)
	if name == t.Tag {
		return t
	}
	c := *t
	c.Tag = name
	return &c
}

// onParty is what the doings of a person hang on.
const onParty = OnProfile | OnAddress

// exampleTime is the time in the examples of the library's own kinds, with
// microseconds.
var exampleTime = time.Date(2025, 3, 2, 18, 30, 15, 123456000, time.UTC)

const exampleEffect EffectID = "2a90123456789abcdef0123456789ab"

func answerKind() Kind {
	return Kind{
		Name: KindAnswer, New: func() FactData { return new(Answer) }, Subject: onParty,
		Example: func() FactData {
			return &Answer{
				Survey: "after-sale", Effect: exampleEffect, About: FactKey{KindOrder, "till", "TR/1"}, Metric: "nps", Score: -3, Bad: true, Outside: true, Comment: "Çok \"kötü\"\n😡",
				Values:  map[string]any{"q1": "evet", "q2": 3.5, "q3": []any{"a", nil, true}, "q4": map[string]any{"x": "y"}},
				Version: "2025-03", Language: "tr-TR", Begun: exampleTime, Channel: "poster", Link: "till-1", OverQuota: "men",
			}
		},
	}
}

// clickKind describes Click, which is in a Digest without what was seen of the
// request: that differs from run to run.
func clickKind() Kind {
	return Kind{
		Name: KindClick, New: func() FactData { return new(Click) }, Subject: onParty,
		Digest: func(f *Fact) []string {
			c := f.Data.(*Click)
			return []string{stamp(f.At), string(c.Effect), string(c.Verdict) + counted(c.Count)}
		},
		Example: func() FactData {
			return &Click{Effect: exampleEffect, Campaign: "campaign/spring", Method: "GET", Agent: "Mozilla/5.0 (\"x\")", Verdict: Suspected,
				Reasons: []string{"fast", "known range"}, Classifier: "2025-01", Signals: "dc=eu;\"q\"", Count: 1 << 40,
				Earlier: []ClickVerdict{{Verdict: Human, Classifier: "2024-12"}, {Verdict: Machine, Reasons: []string{"fast"}}}}
		},
	}
}

func interactionKind() Kind {
	return Kind{
		Name: KindInteraction, New: func() FactData { return new(Interaction) }, Subject: onParty | OnRecord,
		Example: func() FactData {
			return &Interaction{Channel: "call", Direction: "in", Topic: "garanti", Text: "Merhaba\n\tdünya", Employee: "e-9", Ref: "1@mail.example"}
		},
	}
}

func noteKind() Kind {
	return Kind{
		Name: KindNote, New: func() FactData { return new(Note) }, Subject: onParty | OnRecord, Known: true,
		Example: func() FactData { return &Note{Text: "ölçü: 18 mm", Actor: "e-9"} },
	}
}

// tagKind describes TagChange, whose fold is in a Digest.
func tagKind() Kind {
	return Kind{
		Name: KindTag, New: func() FactData { return new(TagChange) }, Subject: OnProfile, Known: true, folded: true,
		Table: "tags",
		Columns: []Column{
			ColumnOf("tag", func(t *TagChange) string { return t.Tag }),
			ColumnOf("cleared", func(t *TagChange) bool { return t.Off }),
			ColumnOf("actor", func(t *TagChange) string { return t.By }),
			ColumnOf("expires", func(t *TagChange) time.Time { return t.Expires }),
		},
		Example: func() FactData {
			return &TagChange{Tag: "kırmızı", Off: true, By: "rule/battery", Why: "two years", Expires: exampleTime}
		},
	}
}
