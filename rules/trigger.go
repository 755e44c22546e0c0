package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/program"
)

// Trigger says when a rule is looked at. In a file it is written evening,
// manual, {event: order}, {tag_added: vip}, {tag_removed: red},
// {segment_entered: lapsed}, {segment_left: lapsed} or
// {date: Born, yearly: true, before: 7d}.
//
// An event, a tag or a segment is an occasion that somebody tells of once: what is on
// record before rules wait for it raises nothing. Ask for that in a rule of the evening.
type Trigger struct {
	// Kind may be left empty where Event or Date says it; with neither it is OnEvening.
	Kind    TriggerKind `json:"kind,omitempty"`
	Event   string      `json:"event,omitempty"`   // of OnEvent: the kind of event
	Tag     string      `json:"tag,omitempty"`     // of OnTagAdded and OnTagRemoved
	Segment string      `json:"segment,omitempty"` // of OnSegmentEntered and OnSegmentLeft

	Date   string `json:"date,omitempty"`   // of OnDate: a time, such as Born or row.WarrantyEnd
	Yearly bool   `json:"yearly,omitempty"` // every year on that day, as birthdays are
	Before string `json:"before,omitempty"` // whole days or weeks before the date, such as 7d
	After  string `json:"after,omitempty"`  // or after it
}

// TriggerKind names a kind of trigger.
type TriggerKind string

// The triggers. OnDate is looked at every evening; its day is part of the
// condition.
const (
	OnEvening        TriggerKind = "evening" // by Evening (default)
	OnEvent          TriggerKind = "event"   // by Event with the same kind of event
	OnManual         TriggerKind = "manual"  // by Manual with the rule's name
	OnTagAdded       TriggerKind = "tag_added"
	OnTagRemoved     TriggerKind = "tag_removed"
	OnSegmentEntered TriggerKind = "segment_entered"
	OnSegmentLeft    TriggerKind = "segment_left"
	OnDate           TriggerKind = "date"
)

var triggerKinds = []TriggerKind{OnEvening, OnManual, OnEvent, OnTagAdded, OnTagRemoved, OnSegmentEntered, OnSegmentLeft, OnDate}

// String spells the trigger as files do.
func (t Trigger) String() string {
	switch t.Kind {
	case OnEvent:
		return "event: " + t.Event
	case OnTagAdded, OnTagRemoved:
		return string(t.Kind) + ": " + t.Tag
	case OnSegmentEntered, OnSegmentLeft:
		return string(t.Kind) + ": " + t.Segment
	case OnDate:
		s := "date: " + t.Date
		if t.Yearly {
			s += ", yearly"
		}
		if t.Before != "" {
			s += ", before: " + t.Before
		}
		if t.After != "" {
			s += ", after: " + t.After
		}
		return s
	case "":
		return string(OnEvening)
	}
	return string(t.Kind)
}

// occasion is what makes two triggers the same occurrence.
func (t Trigger) occasion() Trigger {
	return Trigger{Kind: t.Kind, Event: t.Event, Tag: fold.Compose(t.Tag), Segment: fold.Compose(t.Segment)}
}

// check fills in the kind and returns what is wrong with the trigger, or "".
func (t *Trigger) check() string {
	subjects := []struct {
		kinds []TriggerKind
		what  string
		text  string
	}{
		{[]TriggerKind{OnEvent}, "event", t.Event},
		{[]TriggerKind{OnTagAdded, OnTagRemoved}, "tag", t.Tag},
		{[]TriggerKind{OnSegmentEntered, OnSegmentLeft}, "segment", t.Segment},
		{[]TriggerKind{OnDate}, "date", t.Date},
	}
	t.Tag, t.Segment = fold.Compose(t.Tag), fold.Compose(t.Segment)
	if t.Kind == "" {
		switch {
		case t.Event != "":
			t.Kind = OnEvent
		case t.Date != "":
			t.Kind = OnDate
		default:
			t.Kind = OnEvening
		}
	}
	if !slices.Contains(triggerKinds, t.Kind) {
		names := make([]string, len(triggerKinds))
		for i, k := range triggerKinds {
			names[i] = string(k)
		}
		return fmt.Sprintf("must be %s or %s, not %q%s", strings.Join(names[:len(names)-1], ", "), names[len(names)-1], t.Kind, didYouMean(string(t.Kind), names))
	}
	for _, s := range subjects {
		switch belongs := slices.Contains(s.kinds, t.Kind); {
		case !belongs && s.text != "":
			return fmt.Sprintf("%s belongs to another trigger than %s", article(s.what), t.Kind)
		case belongs:
			if msg := checkText(s.text, maxName); msg != "" {
				return "the " + s.what + " " + msg
			}
		}
	}
	if t.Kind != OnDate && (t.Yearly || t.Before != "" || t.After != "") {
		return "yearly, before and after belong to the trigger date only"
	}
	return ""
}

// article puts a or an before a noun of a message.
func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// days returns how many days from today the date of OnDate must lie: positive
// before it, negative after it.
func (t *Trigger) days() (int, string) {
	if t.Before != "" && t.After != "" {
		return 0, "before and after cannot both be given"
	}
	text := t.Before + t.After
	d, err := program.ParseDelay(text)
	switch {
	case err != nil:
		return 0, err.Error()
	case d.Months != 0 || d.Exact != 0:
		return 0, fmt.Sprintf("%q is not a number of days: write 7d or 2w", text)
	case t.Yearly && t.After != "" && d.Days > 0:
		return 0, "a yearly date is looked forward to: use before, or a delay of the action"
	case t.Yearly && d.Days > 365:
		return 0, "a yearly date is at most 365 days ahead"
	case t.After != "":
		return -d.Days, ""
	}
	return d.Days, ""
}

// condition is what a rule of OnDate asks of today, in the rule language.
func (t *Trigger) condition() string {
	n, _ := t.days()
	switch {
	case t.Yearly:
		return fmt.Sprintf("daysToAnniversary(%s) == %d", t.Date, n)
	case n < 0:
		return fmt.Sprintf("daysSince(%s) == %d", t.Date, -n)
	}
	return fmt.Sprintf("daysUntil(%s) == %d", t.Date, n)
}

// trigger checks when a rule is looked at and returns what a date asks for.
func (c *compiler) trigger(r *Rule, path string, each *ir.Field, fault func(string, string, ...any)) *ir.Term {
	if msg := r.On.check(); msg != "" {
		fault("on", "%s", msg)
		return nil
	}
	for i := range r.CancelAt {
		t := &r.CancelAt[i]
		where := fmt.Sprintf("cancel_at[%d]", i)
		switch msg := t.check(); {
		case msg != "":
			fault(where, "%s", msg)
		case t.Kind == OnEvening || t.Kind == OnManual || t.Kind == OnDate:
			fault(where, "must be an event, a tag or a segment, not %s: write a condition in cancel_on", t.Kind)
		}
	}
	if r.On.Kind != OnDate {
		return nil
	}
	if _, msg := r.On.days(); msg != "" {
		fault("on", "%s", msg)
		return nil
	}
	if r.Once == "" && r.On.Yearly {
		r.Once = oncePerYear
	}
	of, faults := c.front.value(r.On.Date, each)
	if len(faults) > 0 {
		c.exprFaults(path+".on.date", r.Name, "on.date", r.On.Date, faults)
		return nil
	}
	if of.Kind != ir.Time && of.Kind != ir.Day {
		fault("on.date", "a time is needed, not a value of kind %s", of.Kind)
		return nil
	}
	t, _ := c.front.compile(r.On.condition(), each)
	return t
}

// Occasions lists what rules of the set wait for or are cancelled by: events, tags
// and segments, each once.
func (s *Set[F]) Occasions() []Trigger {
	var out []Trigger
	add := func(t Trigger) {
		switch t = t.occasion(); t.Kind {
		case OnEvent, OnTagAdded, OnTagRemoved, OnSegmentEntered, OnSegmentLeft:
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	for _, c := range s.rules {
		if c.rule.Disabled {
			continue
		}
		add(c.rule.On)
		for _, t := range c.rule.CancelAt {
			add(t)
		}
	}
	return out
}

// On is Evening for the rules of an occasion: {Kind: OnTagAdded, Tag: "vip"},
// a segment that was entered or left, an event. Evenings and manual rules have
// verbs of their own. For an occasion that is about some rows, is names them by the
// Rows field and the row's number in it: a rule with Each fires for those rows alone.
// A nil is names all rows. It is not asked of evenings.
func (s *Set[F]) On(dst []Firing, t Trigger, facts *F, m *Moment, is func(each string, row int) bool) ([]Firing, error) {
	switch t.Kind {
	case OnEvent:
		return s.event(dst, t.Event, facts, m, is)
	case OnEvening, "":
		return s.Evening(dst, facts, m)
	}
	rules := s.hooks[t.occasion()]
	if len(rules) == 0 {
		return dst, nil
	}
	return s.run(dst, rules, facts, m, is)
}
