package campaigns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// kind is the kind of the documents that lives are.
const kind = "campaign-life"

// The errors of a Desk, for errors.Is.
var (
	// ErrState: the campaign is not at the step that the verb needs.
	ErrState = errors.New("campaigns: not at this step")
	// ErrChanged: the campaign is not what the person looked at any more.
	ErrChanged = errors.New("campaigns: changed since it was looked at")
	// ErrAuthor: who wrote it cannot approve it.
	ErrAuthor = errors.New("campaigns: its author cannot approve it")
	// ErrUntested: no test message of it was looked at.
	ErrUntested = errors.New("campaigns: not tested")
)

// Config configures a Desk.
type Config struct {
	// Service must be set for New; in vefa.Config.Desk it stays unset, because an engine
	// gives the desk its own.
	Service *crm.Service
	// Channels are those that the host describes himself, as for messaging.Campaign.Validate.
	Channels []messaging.Channel
	// Approvers is how many people must approve a campaign, none of whom has written it, and
	// each once; 0 means 1. Large asks for more where a campaign is larger or dearer; nil
	// asks for none.
	Approvers int
	Large     func(audience string, c *messaging.Campaign) (more int)
	// Untested lets campaigns be approved without a test.
	Untested bool
	// Complete is asked about each draft first: it may fill in what is the same for all
	// campaigns, which is then part of what is approved, and refuses what could not be sent.
	// Nil fills in nothing and refuses nothing.
	Complete func(audience string, c *messaging.Campaign) error
}

// Desk is where people work on campaigns. It is safe for concurrent use.
type Desk struct{ cfg Config }

// New checks the configuration.
func New(cfg Config) (*Desk, error) {
	var faults []error
	if cfg.Service == nil {
		faults = append(faults, errors.New("campaigns: Config.Service must be set"))
	}
	if cfg.Approvers < 0 {
		faults = append(faults, fmt.Errorf("campaigns: Config.Approvers is %d", cfg.Approvers))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if cfg.Approvers == 0 {
		cfg.Approvers = 1
	}
	return &Desk{cfg}, nil
}

// In returns the desk in a transaction of the caller's.
func (d *Desk) In(tx crm.Tx) *Desk {
	cfg := d.cfg
	cfg.Service = cfg.Service.In(tx)
	return &Desk{cfg}
}

// Get returns a campaign; crm.ErrNotFound if there is none of the name.
func (d *Desk) Get(ctx context.Context, name string) (l *Life, err error) {
	err = d.cfg.Service.Store().View(ctx, func(r crm.Reader) error {
		if l, err = read(ctx, r, name); err == nil && l == nil {
			err = notFound(name)
		}
		return err
	})
	return l, err
}

// All returns every campaign, by name; with states only those that are in one of them.
func (d *Desk) All(ctx context.Context, states ...State) (out []*Life, err error) {
	err = d.cfg.Service.Store().View(ctx, func(r crm.Reader) error {
		out = nil
		for doc, err := range crm.Documents(ctx, r, kind) {
			if err != nil {
				return err
			}
			l, err := decode(doc)
			if err != nil {
				return err
			}
			if len(states) == 0 || slices.Contains(states, l.State) {
				out = append(out, l)
			}
		}
		return nil
	})
	return out, err
}

// Due returns the campaigns that are scheduled and should begin now, the earliest first.
func (d *Desk) Due(ctx context.Context) ([]*Life, error) {
	all, err := d.All(ctx, Scheduled)
	now := d.cfg.Service.Now()
	all = slices.DeleteFunc(all, func(l *Life) bool { return l.At.After(now) })
	slices.SortStableFunc(all, func(a, b *Life) int { return a.At.Compare(b.At) })
	return all, err
}

// Draft makes a campaign, or changes one that has not begun: it then has to be tested,
// approved and scheduled again. A draft that changes nothing leaves all as it is.
func (d *Desk) Draft(ctx context.Context, by, audience string, c messaging.Campaign) (*Life, error) {
	faults := []error{actor(by)}
	if d.cfg.Complete != nil {
		faults = append(faults, d.cfg.Complete(audience, &c))
	}
	faults = append(faults, c.Validate(d.cfg.Channels...))
	if strings.TrimSpace(audience) == "" {
		faults = append(faults, fmt.Errorf("%w: it has no audience", messaging.ErrCampaign))
	}
	s, err := seal(audience, &c)
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	return d.change(ctx, c.Name, func(l *Life) (*Life, error) {
		switch {
		case l == nil:
			l = &Life{State: Draft}
		case l.State != Draft && l.State != Approved && l.State != Scheduled:
			return nil, wrongState(l, "draft")
		case l.Seal == s:
			return l, errAlready
		}
		if l.State != Draft { // what follows is another campaign, by other authors
			l.Authors = nil
		}
		l.Campaign, l.Audience, l.Seal, l.State = c, audience, s, Draft
		l.Tests, l.Approvals, l.At = nil, nil, time.Time{}
		if !slices.Contains(l.Authors, by) {
			l.Authors = append(l.Authors, by)
		}
		l.note(Entry{d.cfg.Service.Now(), by, "draft", s, ""})
		return l, nil
	})
}

// Tested notes that somebody has looked at a test message of the campaign as it is under the
// seal.
func (d *Desk) Tested(ctx context.Context, name, by string, of Seal, note string) (*Life, error) {
	return d.step(ctx, name, "test", by, note, func(l *Life, e Entry) error {
		if l.State != Draft {
			return wrongState(l, "test")
		}
		if l.Seal != of {
			return changed(l)
		}
		e.Seal = of
		l.Tests = append(l.Tests, e)
		return nil
	})
}

// Approve notes that somebody who has not written the campaign approves it as it is under the
// seal. With the last approval that it takes it is Approved.
func (d *Desk) Approve(ctx context.Context, name, by string, of Seal) (*Life, error) {
	return d.step(ctx, name, "approve", by, "", func(l *Life, e Entry) error {
		switch {
		case l.Seal != of:
			return changed(l)
		case l.State != Draft:
			return wrongState(l, "approve")
		case slices.Contains(l.Authors, by):
			return fmt.Errorf("%w: %q is by %s", ErrAuthor, name, strings.Join(l.Authors, ", "))
		case len(l.Tests) == 0 && !d.cfg.Untested:
			return fmt.Errorf("%w: %q", ErrUntested, name)
		case slices.ContainsFunc(l.Approvals, func(o Entry) bool { return o.By == by }):
			return errAlready
		}
		e.Seal = of
		if l.Approvals = append(l.Approvals, e); len(l.Approvals) >= d.needs(l.Audience, &l.Campaign) {
			l.State = Approved
		}
		return nil
	})
}

// needs is how many approvals a campaign takes.
func (d *Desk) needs(audience string, c *messaging.Campaign) int {
	n := d.cfg.Approvers
	if d.cfg.Large != nil {
		n += max(0, d.cfg.Large(audience, c))
	}
	return n
}

// Missing returns how many approvals a campaign still takes: none of one that has begun, but for one
// whose budget is being raised as many more people as that takes.
func (d *Desk) Missing(l *Life) int {
	if r := l.Raising; r != nil {
		c := l.Campaign
		c.Budget = r.To
		return max(0, d.needs(l.Audience, &c)-len(r.By))
	}
	if !l.Began.IsZero() {
		return 0
	}
	return max(0, d.needs(l.Audience, &l.Campaign)-len(l.Approvals))
}

// Schedule lets an approved campaign begin at an instant, or at another one than it was
// scheduled for; one in the past is now.
func (d *Desk) Schedule(ctx context.Context, name, by string, at time.Time) (*Life, error) {
	return d.step(ctx, name, "schedule", by, at.UTC().Format(time.RFC3339), func(l *Life, _ Entry) error {
		if l.State != Approved && l.State != Scheduled {
			return wrongState(l, "schedule")
		}
		if !l.Campaign.End.IsZero() && !at.Before(l.Campaign.End) {
			return fmt.Errorf("%w: %q ends on %s, before it would begin", messaging.ErrCampaign, name, l.Campaign.End.UTC().Format(time.RFC3339))
		}
		l.State, l.At = Scheduled, crm.Micros(at)
		return nil
	})
}

// Begin notes that the audience of a scheduled campaign that is due was drawn and its effects
// are planned: from here on it is Sending, and its audience is fixed. Beginning again changes nothing.
func (d *Desk) Begin(ctx context.Context, name, by string, of Seal, drawn Audience) (*Life, error) {
	return d.step(ctx, name, "begin", by, "", func(l *Life, e Entry) error {
		switch {
		case l.Seal != of:
			return changed(l)
		case l.State == Sending || l.State == Paused:
			return errAlready
		case l.State != Scheduled || l.At.After(e.At):
			return wrongState(l, "begin")
		}
		l.State, l.Began, l.Drawn = Sending, e.At, &drawn
		return nil
	})
}

// Raise gives a campaign that has begun a larger budget: each of its bounds may become larger
// or be lifted, none smaller, and money stays in its currency. It takes as many people as a
// draft with that budget takes approvals (Config.Approvers and Large), none of whom has written the
// campaign, each of whom has seen it as it is under the seal and raises it to the same: those
// before the last are kept in Life.Raising and change nothing, and another budget begins anew.
// One that was closed sends again: what the old budget did not pay leaves if it still may. The
// seal stays that of what was approved first; the log tells of each who raised it. Raising it to
// what it is changes nothing.
func (d *Desk) Raise(ctx context.Context, name, by string, of Seal, to messaging.Budget) (*Life, error) {
	return d.step(ctx, name, "raise", by, fmt.Sprintf("messages %d, money %s", to.Messages, to.Money), func(l *Life, e Entry) error {
		was := l.Campaign.Budget
		lower := to.Messages != 0 && to.Messages < was.Messages || to.Messages != 0 && was.Messages == 0 ||
			to.Money != (crm.Money{}) && (to.Money.Amount < was.Money.Amount || was.Money.Currency != to.Money.Currency)
		switch {
		case l.Seal != of:
			return changed(l)
		case l.State != Sending && l.State != Paused && l.State != Closed:
			return wrongState(l, "raise")
		case slices.Contains(l.Authors, by):
			return fmt.Errorf("%w: %q is by %s", ErrAuthor, name, strings.Join(l.Authors, ", "))
		case to == was:
			return errAlready
		case lower:
			return fmt.Errorf("%w: a budget of messages %d, money %s can only be raised", messaging.ErrCampaign, was.Messages, was.Money)
		}
		c := l.Campaign
		c.Budget = to
		if err := c.Validate(d.cfg.Channels...); err != nil {
			return err
		}
		if l.Raising == nil || l.Raising.To != to {
			l.Raising = &Raising{To: to}
		}
		if slices.ContainsFunc(l.Raising.By, func(o Entry) bool { return o.By == by }) {
			return errAlready
		}
		e.Seal = of
		if l.Raising.By = append(l.Raising.By, e); d.Missing(l) > 0 {
			return nil
		}
		l.Raising = nil
		if l.Campaign.Budget = to; l.State == Closed {
			l.State, l.Ended = Sending, time.Time{}
		}
		return nil
	})
}

// Pause keeps back what has not left, until Resume.
func (d *Desk) Pause(ctx context.Context, name, by, why string) (*Life, error) {
	return d.move(ctx, name, "pause", by, why, Paused, Sending)
}

// Resume lets a paused campaign go on.
func (d *Desk) Resume(ctx context.Context, name, by, why string) (*Life, error) {
	return d.move(ctx, name, "resume", by, why, Sending, Paused)
}

// Cancel ends a campaign: what has not left never does.
func (d *Desk) Cancel(ctx context.Context, name, by, why string) (*Life, error) {
	return d.move(ctx, name, "cancel", by, why, Cancelled, Draft, Approved, Scheduled, Sending, Paused)
}

// Close ends a campaign of which all has left.
func (d *Desk) Close(ctx context.Context, name, by string) (*Life, error) {
	return d.move(ctx, name, "close", by, "", Closed, Sending)
}

// move takes a campaign from one of some states to another. Where it is there already,
// nothing changes: a verb whose answer was lost may be called again.
func (d *Desk) move(ctx context.Context, name, verb, by, why string, to State, from ...State) (*Life, error) {
	return d.step(ctx, name, verb, by, why, func(l *Life, e Entry) error {
		switch {
		case l.State == to:
			return errAlready
		case !slices.Contains(from, l.State):
			return wrongState(l, verb)
		}
		if l.State = to; to.Final() {
			l.Ended = e.At
		}
		return nil
	})
}

// errAlready says that there is nothing to write.
var errAlready = errors.New("campaigns: already done")

// step changes a campaign that is there and notes who did it.
func (d *Desk) step(ctx context.Context, name, verb, by, note string, fn func(*Life, Entry) error) (*Life, error) {
	if err := actor(by); err != nil {
		return nil, err
	}
	return d.change(ctx, name, func(l *Life) (*Life, error) {
		if l == nil {
			return nil, notFound(name)
		}
		e := Entry{At: d.cfg.Service.Now(), By: by, Verb: verb, Note: crm.Clip(note, 500)}
		if err := fn(l, e); err != nil {
			return l, err
		}
		l.note(e)
		return l, nil
	})
}

// change reads a campaign, lets fn change it and writes it, all in one transaction that is run
// again when somebody else wrote it meanwhile.
func (d *Desk) change(ctx context.Context, name string, fn func(*Life) (*Life, error)) (out *Life, err error) {
	err = d.cfg.Service.Update(ctx, func(tx crm.Tx) error {
		old, err := read(ctx, tx, name)
		if err != nil {
			return err
		}
		rev := int64(0)
		if old != nil {
			rev = old.Rev
		}
		next, err := fn(old)
		if errors.Is(err, errAlready) {
			out = next
			return nil
		}
		if err != nil {
			return err
		}
		doc, err := crm.NewDocument(kind, name, next)
		if err != nil {
			return err
		}
		doc.Rev = rev
		if err := tx.PutDocuments(ctx, doc); err != nil {
			return err
		}
		next.Rev, out = doc.Rev, next
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func read(ctx context.Context, r crm.Reader, name string) (*Life, error) {
	docs, err := r.Documents(ctx, kind, name)
	if err != nil || docs[0] == nil {
		return nil, err
	}
	return decode(docs[0])
}

func decode(doc *crm.Document) (*Life, error) {
	l := new(Life)
	if err := doc.Decode(l); err != nil {
		return nil, err
	}
	l.Rev = doc.Rev
	return l, nil
}

func actor(by string) error {
	if strings.TrimSpace(by) == "" || len(by) > 200 {
		return fmt.Errorf("%w: who does it must be named", messaging.ErrCampaign)
	}
	return nil
}

func notFound(name string) error {
	return &crm.Error{Op: "find", Entity: "campaign", ID: name, Kind: crm.ErrNotFound}
}

func wrongState(l *Life, verb string) error {
	return fmt.Errorf("%w: %q is %s: %s", ErrState, l.Campaign.Name, l.State, cmp.Or(map[State]string{
		Cancelled: "it is over", Closed: "it is over", Draft: "it is not approved",
	}[l.State], verb+" comes at another step"))
}

func changed(l *Life) error {
	last := l.Log[len(l.Log)-1]
	return fmt.Errorf("%w: %q, by %s on %s", ErrChanged, l.Campaign.Name, last.By, last.At.UTC().Format(time.RFC3339))
}
