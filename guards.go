package vefa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// Guard is asked about each message at the moment of sending, in the transaction that
// claims it, after the guards that are always asked: Unrepeated, Contradicting and
// Confident make some, and a host its own. Answers to customers are not asked about, nor are
// offers of campaigns that are Live.
type Guard struct {
	// Name is the Guard of its reasons; of each guard another.
	Name string
	// Messages are the names of messages that it knows, as in MessageData.Name: New refuses
	// those that are not there, or are Live. With Config.Desk a name of "campaign/…" may be the desk's.
	Messages []string
	// Ask says what is against a message. It sees what was sent before as the record has it,
	// with what leaves in the same transaction, under the locks of the customer and of the
	// address. An error stops the batch before anything was claimed.
	Ask func(ctx context.Context, s *Sending) (Objection, error)
	// Check returns why the guard cannot work; nil where there is nothing to check.
	Check func() error
}

// Objection is what a guard has against a message. The zero value lets it go.
type Objection struct {
	// Against says that the message is withheld, NotBefore, if it is after now, that it waits.
	Against   bool
	NotBefore time.Time
	Note      string // one line for people, without names and addresses
	// Reads are what it rests on, kept with a message that goes.
	Reads []crm.GuardRead
}

// Sending is a message that is about to leave. Nothing of it must be changed or kept.
type Sending struct {
	Effect   *crm.Effect
	Data     MessageData
	Message  *messaging.Message // as it will leave, its ID and Cause excepted
	At       time.Time
	Address  *crm.AddressState
	Profiles []*crm.Profile // of the customer
	Before   []Earlier      // messages to the customer that left before, in any order
	Reader   crm.Reader

	engine  *Engine
	content func() (int64, error)
}

// Earlier is a message that left before.
type Earlier struct {
	Effect *crm.Effect
	At     time.Time
	of     int64 // its content, of one that leaves in the same transaction; 0: see its guards
}

// The names of the guards that this package makes, and of what they note.
const (
	GuardContent    = "same-content"
	GuardContrary   = "contradiction"
	GuardConfidence = "recipient-confidence"
	GuardOrder      = "order"

	// recordContent is the Record of the fingerprint of what a message says, and
	// recordWithin that of how many microseconds nothing of the same fingerprint may have
	// left to the customer.
	recordContent, recordWithin = "content", "content-within"
)

// Content returns a fingerprint of what the message says: its texts without the tracked
// link, whatever the channel. It is keyed, so that it tells nothing of them.
func (s *Sending) Content() (int64, error) { return s.content() }

// Unrepeated withholds a message that says the same as another that left to the customer
// within a time before, at whatever address and by whatever channel.
func Unrepeated(within time.Duration) Guard {
	return Guard{Name: GuardContent,
		Check: func() error {
			if within <= 0 {
				return fmt.Errorf("the time within which nothing is repeated is %s", within)
			}
			return nil
		},
		Ask: func(_ context.Context, s *Sending) (Objection, error) {
			is, err := s.Content()
			if err != nil {
				return Objection{}, err
			}
			for _, b := range s.Before {
				if of, ok := b.said(); ok && of == is && b.At.After(s.At.Add(-within)) {
					return Objection{Against: true, Note: "the same was said " + b.At.UTC().Format(time.RFC3339)}, nil
				}
			}
			return Objection{Reads: []crm.GuardRead{{Record: recordContent, Version: is}, {Record: recordWithin, Version: within.Microseconds()}}}, nil
		}}
}

// said returns the fingerprint of an earlier message, where it was noted.
func (b Earlier) said() (int64, bool) {
	if b.of != 0 {
		return b.of, true
	}
	return noted(b.Effect, recordContent)
}

func noted(f *crm.Effect, record string) (int64, bool) {
	for _, g := range f.Guards {
		if g.Record == record {
			return g.Version, true
		}
	}
	return 0, false
}

// Contradiction are two messages of which the second must not follow the first: a reminder
// to pay after the receipt, a poorer offer after a better one.
type Contradiction struct {
	// First and Then are names of messages, as in MessageData.Name: "message/paid",
	// "message/reminder".
	First, Then string
	// Within is for how long; 0 means always. Two that are about different orders, visits
	// or answers do not contradict each other.
	Within time.Duration
}

// Contradicting withholds messages that contradict one that the customer got before.
func Contradicting(pairs ...Contradiction) Guard {
	g := Guard{Name: GuardContrary}
	for _, p := range pairs {
		g.Messages = append(g.Messages, p.First, p.Then)
	}
	g.Check = func() error {
		var faults []error
		if len(pairs) == 0 {
			faults = append(faults, errors.New("there are no contradictions"))
		}
		for i, p := range pairs {
			if p.First == p.Then || p.Within < 0 {
				faults = append(faults, fmt.Errorf("contradiction %d: %q after %q within %s", i, p.Then, p.First, p.Within))
			}
		}
		return errors.Join(faults...)
	}
	g.Ask = func(_ context.Context, s *Sending) (Objection, error) {
		for _, p := range pairs {
			if p.Then != s.Data.Name {
				continue
			}
			for _, b := range s.Before {
				d, err := decodeMessage(b.Effect)
				if err != nil {
					return Objection{}, err
				}
				about, is := b.Effect.About, s.Effect.About
				if d.Name != p.First || p.Within > 0 && !b.At.After(s.At.Add(-p.Within)) || about != is && about != (crm.FactKey{}) && is != (crm.FactKey{}) {
					continue
				}
				return Objection{Against: true, Note: p.First + " went out " + b.At.UTC().Format(time.RFC3339)}, nil
			}
		}
		return Objection{}, nil
	}
	return g
}

// Confidence says which messages are private, and when an address is sure enough for them.
type Confidence struct {
	// Private are names of messages, as in MessageData.Name, that only the customer may read.
	Private []string
	// MinBits is the least weight of evidence, in bits of odds, by which record linkage must
	// have put the record that the message is about, and the one that has the address, with
	// the customer's others; 0 means 7, odds of 128 to 1. What a person decided is sure.
	MinBits float64
}

// Confident withholds private messages to an address of which it is doubtful whether the
// customer alone reads what goes there: another customer has it, too, as a shared number
// or one that was given to somebody else; one of the customer's records disowned it; or
// it is of another record than the message, and linkage was not sure that both are one
// person's.
func Confident(c Confidence) Guard {
	least := c.MinBits
	if least == 0 {
		least = 7
	}
	return Guard{Name: GuardConfidence, Messages: c.Private,
		Check: func() error {
			if len(c.Private) == 0 || !(least > 0) {
				return fmt.Errorf("%d messages are private, with at least %v bits", len(c.Private), least)
			}
			return nil
		},
		Ask: func(ctx context.Context, s *Sending) (Objection, error) {
			if !slices.Contains(c.Private, s.Data.Name) {
				return Objection{}, nil
			}
			why, err := doubt(ctx, s, least)
			return Objection{Against: why != "", Note: why}, err
		}}
}

// doubt says what is doubtful about the address of a message, "" if nothing is.
func doubt(ctx context.Context, s *Sending, least float64) (string, error) {
	to := s.Message.To
	own := map[crm.ProfileKey]bool{}
	var having []crm.ProfileKey
	about := s.engine.about(s.Effect, s.Data)
	direct := false
	for _, p := range s.Profiles {
		own[p.ProfileKey] = true
		if slices.Contains(p.Disowned, to) {
			return "a record of the customer disowned the address", nil
		}
		if slices.ContainsFunc(p.Contacts, func(c crm.Contact) bool { return c.Address == to && !c.Masked }) {
			having = append(having, p.ProfileKey)
			direct = direct || p.ProfileKey == about
		}
	}
	refs, err := s.Reader.Refs(ctx, crm.RefContact, mostHolders, crm.RefKey(to.String()))
	if err != nil {
		return "", err
	}
	var others []crm.ProfileKey
	for _, r := range refs[0] {
		if k := r.Subject.Profile; !own[k] {
			others = append(others, k)
		}
	}
	profiles, err := s.Reader.Profiles(ctx, others...)
	if err != nil {
		return "", err
	}
	for _, p := range profiles {
		if p != nil && slices.Contains(p.Reachable(to.Channel), to) {
			return "another customer has the address, too", nil
		}
	}
	if direct {
		return "", nil
	}
	logs, err := s.Reader.Links(ctx, append(having, about)...)
	if err != nil {
		return "", err
	}
	for _, log := range logs {
		if bits, sure := certainty(log); !sure && bits < least {
			return fmt.Sprintf("the address is of another record, linked with %.1f bits", bits), nil
		}
	}
	return "", nil
}

// certainty returns by how many bits record linkage placed a profile where it is; sure: it
// did not, but a person, or the profile is where it began.
func certainty(log []crm.Link) (bits float64, sure bool) {
	for _, l := range slices.Backward(log) {
		if l.Kind != crm.LinkNotMe && !l.Stays {
			return l.Evidence.Weight, l.Kind != crm.LinkMatched
		}
	}
	return 0, true
}

// checkGuards reports every fault of Config.Guards.
func (e *Engine) checkGuards() error {
	var faults []error
	seen := map[string]bool{}
	for i, g := range e.cfg.Guards {
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("vefa: Config.Guards[%d] %q: "+format, append([]any{i, g.Name}, args...)...))
		}
		if g.Name == "" || seen[g.Name] {
			fault("its name is empty or there twice")
		}
		seen[g.Name] = true
		if g.Ask == nil {
			fault("Ask must be set")
		}
		if g.Check != nil {
			if err := g.Check(); err != nil {
				fault("%w", err)
			}
		}
		for _, name := range g.Messages {
			if e.messages[name] == nil && !(e.cfg.Desk != nil && strings.HasPrefix(name, "campaign/")) { // the desk may have it
				fault("there is no message %q", name)
			}
			if c := e.liveCampaign(strings.TrimPrefix(name, "campaign/")); c != nil && name == c.Cause() {
				fault("%q is live: its offers are no messages, and no guard is asked about them", name)
			}
		}
	}
	return errors.Join(faults...)
}

// further asks Config.Guards and the order about the messages of a batch.
type further struct {
	e        *Engine
	tx       crm.Tx
	now      time.Time
	messages map[crm.EffectID]*messaging.Message
	content  map[crm.EffectID]int64
	causes   map[crm.EffectID]*crm.Effect
}

// renderedOf is the key of the messages of a batch that were rendered.
type renderedOf struct{}

func (e *Engine) further(ctx context.Context, tx crm.Tx, effects []*crm.Effect, now time.Time) (*further, error) {
	causes, err := causesOf(ctx, tx, effects)
	messages, _ := ctx.Value(renderedOf{}).(map[crm.EffectID]*messaging.Message)
	return &further{e, tx, now, messages, map[crm.EffectID]int64{}, causes}, err
}

// causesOf reads the effects that others must follow.
func causesOf(ctx context.Context, r crm.Reader, effects []*crm.Effect) (map[crm.EffectID]*crm.Effect, error) {
	var ids []crm.EffectID
	for _, f := range effects {
		d, err := decodeMessage(f)
		if err != nil {
			return nil, err
		}
		if d.After != "" {
			ids = append(ids, d.After)
		}
	}
	found, err := r.Effects(ctx, ids...)
	out := map[crm.EffectID]*crm.Effect{}
	for i, f := range found {
		if f != nil {
			out[ids[i]] = f
		}
	}
	return out, err
}

// inOrder says until when a message waits for the one that it follows: while that is not
// sent, or is being handed over. One that ended otherwise holds up nothing.
func inOrder(d MessageData, causes map[crm.EffectID]*crm.Effect, now time.Time) Objection {
	f := causes[d.After]
	if f == nil || f.State != crm.Planned && f.State != crm.Sent {
		return Objection{}
	}
	next := now
	if f.State == crm.Planned && f.Due.After(next) {
		next = f.Due
	}
	return Objection{NotBefore: next.Add(time.Minute), Note: "what it follows has not left yet"}
}

// ask adds what the order and the guards say about a message to a verdict.
func (g *further) ask(ctx context.Context, f *crm.Effect, c *claimed, at *crm.AddressState, v *messaging.Verdict) error {
	if c.data.After != "" {
		object(v, GuardOrder, inOrder(c.data, g.causes, g.now), g.now)
	}
	if len(g.e.cfg.Guards) == 0 {
		return nil
	}
	s := &Sending{Effect: f, Data: c.data, Message: g.messages[f.ID], At: g.now, Address: at, Profiles: c.profiles, Reader: g.tx, engine: g.e}
	if s.Message == nil {
		return fmt.Errorf("vefa: effect %s was not rendered", f.ID)
	}
	s.content = func() (int64, error) { return g.e.fingerprint(s.Message, c.data) }
	for _, r := range c.sent {
		if r.counts(f) {
			s.Before = append(s.Before, Earlier{r.Effect, r.at, g.content[r.ID]})
		}
	}
	for _, guard := range g.e.cfg.Guards {
		o, err := guard.Ask(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", guard.Name, err)
		}
		object(v, guard.Name, o, g.now)
	}
	if of, ok := noted(&crm.Effect{Guards: v.Reads}, recordContent); ok {
		g.content[f.ID] = of
	}
	return nil
}

// object adds an objection to a verdict. The first that withholds decides.
func object(v *messaging.Verdict, guard string, o Objection, now time.Time) {
	wait := !o.Against && crm.Micros(o.NotBefore).After(now)
	v.Reasons = append(v.Reasons, crm.Reason{Guard: guard, Pass: !o.Against && !wait, Note: o.Note})
	v.Reads = append(v.Reads, o.Reads...)
	switch {
	case o.Against && v.Outcome != messaging.Withhold:
		v.Outcome, v.Guard, v.NotBefore = messaging.Withhold, guard, time.Time{}
	case wait && (v.Outcome == messaging.Send || v.Outcome == messaging.Defer && o.NotBefore.After(v.NotBefore)):
		v.Outcome, v.Guard, v.NotBefore = messaging.Defer, guard, o.NotBefore
	}
}

// fingerprint is Sending.Content.
func (e *Engine) fingerprint(m *messaging.Message, d MessageData) (int64, error) {
	link, err := e.trackedURL(d.Link)
	if err != nil {
		return 0, err
	}
	var all strings.Builder
	add := func(name, text string) {
		text = strings.TrimSpace(strings.ReplaceAll(text, link, ""))
		fmt.Fprintf(&all, "%d %s %d %s", len(name), name, len(text), text)
	}
	add("text", m.Text)
	names := make([]string, 0, len(m.Parts))
	for name := range m.Parts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		add(name, m.Parts[name])
	}
	id := e.keys.ids.ID("content", crm.OfAddress(crm.Address{Channel: "content", Value: "content"}), crm.FactKey{}, all.String())
	n, err := strconv.ParseInt(string(id[3:18]), 16, 64)
	return n + 1, err // 0 stands for none
}
