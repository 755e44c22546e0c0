package vefa

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
	"github.com/vefacrm/vefa/messaging/link"
	"github.com/vefacrm/vefa/messaging/offer"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
)

// Config says what a retailer's evening consists of. Store, Keys, Sender and
// BaseURL must be set.
type Config struct {
	Store crm.Store
	// Now is the clock of everything. Defaults to time.Now.
	Now func() time.Time
	// LeaseNow is the clock that the leases of messages and effects go by, the same in all
	// processes; nil means the store's. A host that simulates time gives it the
	// simulated one.
	LeaseNow func() time.Time
	// Lease is how long a message or an effect that was claimed is left to the process
	// that claimed it: one should take the Sender no more than a sixteenth of it.
	// 0 means 5 minutes. Batch is how many of them a transaction may claim; 0
	// means 500.
	Lease time.Duration
	Batch int
	// Home is the zone that evenings are named in. Defaults to UTC.
	Home *time.Location
	// Currency is the home currency, as an ISO 4217 code: what rules read amounts
	// in. Defaults to TRY, as People.Region defaults to TR; New refuses "" where
	// the region is another.
	Currency string
	// Rate turns an amount in another currency into the home currency, at the rate
	// of a day, or says that it has no rate; the same question must always get the
	// same answer, and several goroutines ask. Nil has no rates. An amount without
	// a rate is null to rules, and so are the sums that it belongs to: currencies
	// never add up. NightReport.Unpriced counts the customers concerned.
	Rate func(amount crm.Money, on time.Time) (home crm.Money, ok bool)
	// Survivorship decides which source's value a customer shows.
	Survivorship crm.Survivorship
	// NewID makes customer ids; nil means UUIDs of version 7.
	NewID  func() string
	Logger *slog.Logger
	// Observer is told of durations, counts and failures; nil is told nothing.
	Observer Observer
	// Retry says how often a transaction that met another writer is run again.
	// The zero value gives up after about five seconds, with crm.ErrBusy.
	Retry crm.Retry

	// Fields are what rules read besides Facts: the host's own.
	Fields []Field
	// Kinds are the host's own kinds of facts, those that the store was given.
	Kinds []crm.Kind
	// Modules are what packages bring to the night, of this library or the host's own: kinds, fields,
	// steps, effects and events, beside those given here.
	Modules []crm.Module
	// Rules are the rules of the evening over Facts and Fields.
	Rules []*rules.Book
	// Steps are the steps of a night, in their order; nil means DefaultSteps. What
	// is left out is not done: a night without StepDeliver sends nothing.
	Steps []Step
	// Feasts are feasts whose dates move, and others that rules ask for, each with the
	// dates of its first days, such as "ramazan-bayrami": {"2025-03-30", "2026-03-20"}:
	// any(Feasts, .Name == "ramazan-bayrami" and .DaysTo == 7).
	Feasts map[string][]string
	// Events are the names of events that the host tells of by Engine.Occur. Evenings
	// tell of orders, returns, visits, answers, clicks of people and tickets by
	// themselves: order, return, visit, answer, click, ticket_opened, ticket_solved;
	// of tags that were set or taken away and of segments that were entered or left,
	// too. A rule that waits for another event is refused. What was on record before the
	// first evening of an engine whose rules wait for anything raises nothing, and what is
	// of a time after the evening's (see Evening.At) is told of by the next evening that
	// it is not after.
	Events []string
	// Breaker stops a rule that reaches many times as many customers as on earlier
	// evenings: what it plans is left out tonight and the rule is listed in
	// NightReport.Tripped. Nil stops none.
	Breaker *rules.Breaker
	// Wide names rules that a person has looked at: they may reach any number.
	Wide []string
	// Segments are the definitions that campaigns draw from, in the language of
	// [segment.Parse], each as [segment.ParseDefinitions] reads it: segment name = …. A leaf
	// is a condition on Facts and Fields, in the language of rules, as of the instant that
	// the segment is asked for:
	//
	//	segment gold = leaf("Tier == 'gold' and DaysSincePurchase <= 90") and newsletter
	//
	// It cannot read Segments and Sent, nor a field that reads them. A customer enters or
	// leaves a segment between two evenings as its conditions hold at each of them: a
	// Field.Fill that does not know the past changes no membership then.
	Segments string
	// Campaigns are drawn on their evenings.
	Campaigns []Campaign
	// Choosers pick what campaigns with a Choice offer, by the name that Choice.By gives. One
	// of the name "" takes the place of offer.Thompson.
	Choosers map[string]offer.Chooser
	// Relevance scores what a message with messaging.Campaign.Relevance means to a customer; nil
	// means offer.Relevance. It is asked when a campaign is drawn and in the transaction that
	// lets the message go. Where it fails, panics or answers what is not from 0 to 1, that message
	// alone is withheld, with the error as its reason, and no later one of the campaign takes its
	// place: a scorer that cannot answer anybody just now waits, within its context, or answers by a
	// rule of thumb, such as offer.Relevance.
	Relevance offer.Scorer
	// StoreVisit says of an order, a visit, an interaction or a fact of Config.Kinds whether it
	// shows a customer in a store, which Results count within the windows of campaigns; place is
	// nil where the fact names none that is known. Nil means AtStore.
	StoreVisit func(f *crm.Fact, place *crm.Place) bool
	// Desk, if set, is where people make further campaigns while the engine runs: see
	// Engine.Desk. Its Service and Channels are the engine's and stay unset. Every engine that
	// delivers needs it; one without fails their messages as unknown.
	Desk *campaigns.Config
	// Messages are what rules may send, by name. The Text of every message may use
	// these fields: "link", its tracked link; "name", "given", "family" and "title" of
	// the customer; "shop", the name of the place that it is about, else of the
	// customer's; "order", "amount" (a messaging.MoneyField) and "date" (a DateField) of
	// the order, visit or ticket that it is about; and what rules read under its name
	// there, Config.Fields too: "Points" (a NumberField), "TotalSpend" (a MoneyField).
	// All but the link are declared in the message's Fields, with a Fallback for where there
	// is none. New refuses others. Campaigns and invitations may use the same.
	Messages []messaging.Campaign
	// AutoReplies are what a program answers those who write, at most one for each channel.
	AutoReplies []AutoReply
	// Inbox, if set, files what customers write in tickets of a desk; nil keeps it and tells
	// nobody.
	Inbox *Inbox
	// Surveys are what rules may ask, by name.
	Surveys []Survey
	// Effects are what rules may have done besides: the host's own kinds of effects.
	Effects []Effect
	// Tasks carry out what rules call task, in the transaction that finishes them: the
	// short form of an Effect with Apply, for which a failure waits for the next evening.
	Tasks map[string]TaskFunc

	// Consent is the consent that commercial messages need.
	Consent crm.ConsentKey
	// Channels are the ways to write to people that messages use besides text messages,
	// such as email.Channel(); one without a description has one text and writes to
	// addresses of its own name.
	Channels []messaging.Channel
	// Guards are asked about each message, besides those that are always asked.
	Guards []Guard
	// Jurisdictions are countries' hours that messages with Quiet.Local or Quiet.Holidays
	// heed, besides those of messaging.Jurisdictions and in place of one of the same country.
	Jurisdictions []messaging.Jurisdiction
	// Sender hands messages to the provider; messaging.ByChannel to one for each channel.
	Sender messaging.Sender
	// BaseURL is where Handler is reachable for recipients, such as
	// https://s.example: links are BaseURL/l/… and BaseURL/s/…. It must be https,
	// or http to a loopback address where Destinations.LoopbackHTTP says so.
	BaseURL string
	// Keys are the secrets of links, survey pages, ids and hold-outs.
	Keys Keys
	// Destinations says where tracked links may lead, besides the surveys at
	// BaseURL. New refuses messages whose URL it does not allow.
	Destinations link.Destinations
	// ClientIP finds a visitor's address; nil means the connection's.
	ClientIP func(*http.Request) netip.Addr
	// Network says what is known of the range that a visitor's address is in, such
	// as link.Networks.Of; nil knows nothing. It is asked for each click, which keeps
	// the answer for its verdict.
	Network func(netip.Addr) link.Network
	// RequestID gives the idempotency key of a click; nil means a random one.
	RequestID func(*http.Request) string
	// ClicksPerLink is how many requests for one link are kept one by one in an
	// hour, by each engine; those beyond are counted, in one fact of the link and
	// the hour, and their verdict is crm.Suspected. 0 means 60.
	ClicksPerLink int
	// Brand says whose survey pages are: a name, a logo, a colour, a line about privacy.
	// The zero value shows nothing of it.
	Brand web.Brand
	// SurveyKey makes the idempotency key of a rendered survey page; nil means
	// a random one.
	SurveyKey func() string
	// FormsPerMinute is how many forms of one invitation to a survey an engine takes within a minute,
	// VisitorsPerMinute how many visitors of one SurveyLink it sends on: what is beyond is
	// answered 429. Default to 600 each; each engine counts by itself.
	FormsPerMinute, VisitorsPerMinute int
	// KioskFormsPerMinute is how many answers of one kiosk an engine takes within a minute; what is
	// beyond is answered 429 and waits on the device. Of a delivery that begins within the limit all
	// are taken. Defaults to 3,000.
	KioskFormsPerMinute int

	// Normalise returns the form in which addresses are kept, as crm.Config has
	// it. Defaults to crm.NormalAddress and, for phone numbers without a country
	// code, to those of People.Region.
	Normalise crm.Normaliser
	// Conflicts says what Service's imports do with a record whose version is
	// there with other content, as crm.Config has it.
	Conflicts crm.ConflictPolicy
	// NameSearch keeps an index of names, by which Service's SearchName finds customers,
	// as crm.Config has it.
	NameSearch bool
	// People configures record linkage.
	People people.Options
	// TrainAt is how many profiles there must be before a linkage model is
	// learnt. Below, those who are clearly one person by a model that rests on
	// assumptions ([people.Linker.Assumed]) are merged, odds of 32 to 1, unless birth or
	// gender differ or one has half a name, and the report says so. Defaults to 100; negative means that only people merge.
	// With few records a model rests on assumptions; it is learnt again whenever
	// they have doubled.
	TrainAt int
	// AnswerWithin is how long a survey takes answers. Defaults to 30 days.
	AnswerWithin time.Duration
	// NotMeWithin is how long the page of a message hears "this was not for me";
	// then the link says nothing about an address any more. Replies are heard at
	// all times. Defaults to AnswerWithin.
	NotMeWithin time.Duration
	// Resident is up to how many profiles everybody is kept in memory between
	// evenings, at about a kilobyte for a customer with four orders. The customers of a
	// larger record are read page by page in each step that looks at all of them, which
	// takes longer and no more memory however many there are, besides that of segments
	// and record linkage. 0 means 250,000; negative: none are kept.
	Resident int
	// Progress hears how far a night is; may be nil. It must be quick. step is the name of a step, such as
	// StepRules, or of a part of one: "load", "plan", "campaign " with its name. total is 0 where it is not
	// known how many there are.
	Progress func(step string, done, total int)
}

// Campaign is a campaign and whom it is drawn from.
type Campaign struct {
	messaging.Campaign
	// Segment names the definition that it is drawn from.
	Segment string
	// On are the evenings on which it is drawn, as dates in Config.Home.
	On []string
	// Live says that it is offered to customers who wait, at a till or on a page, and sent to
	// nobody: by rules with the action offer and its name on an event of Config.Events, in the
	// call of Engine.Occur. It has no Segment, evenings, URL or fields, and nothing of what says when
	// somebody may be written to (Policy, Caps, Cadence, Relevance, Quiet, Budget, Velocity):
	// New refuses those. Start and End, tags and unsolved tickets, Holdout and Choice are as for others.
	Live bool
}

// Survey is a survey that rules may ask for and the message that invites.
type Survey struct {
	Name       string
	Definition *survey.Definition
	// Earlier are definitions that kiosks asked before: their answers are checked by what was
	// asked, also when they come weeks later.
	Earlier []*survey.Definition
	// Invitation is the message that asks. Its Name is the survey's where it has none,
	// and {link} in its Text needs no Field, as in every message of a Config. Without {link}
	// nobody gets to the page: that is for invitations that somebody reads out, by phone.
	Invitation messaging.Campaign
	// Quotas limit how many answers there are, Links are further ways to the survey. Limits
	// that contradict one another are a LimitError of New.
	Quotas []Quota
	Links  []SurveyLink
	// NoFollowUp takes from the thank-you page the form in which respondents whom a message asked
	// write to the desk, which is there where Config.Inbox is set.
	NoFollowUp bool
	// Replies takes a reply to the message that asks for the whole answer where it is a point of the
	// scale of the first question, as invite.ParseRating reads it: a survey for which that is not
	// enough is refused. The message should say so ("Reply with 0 to 10"). What else comes is a message to the
	// desk, as are replies after another message to the address.
	Replies bool
	// Reminders go to those who have not answered, one after the other.
	Reminders []Reminder
}

// declareLink adds the field of the link to a message whose text has one and that does
// not declare it itself.
func (c *Config) declareLink(m *messaging.Campaign) {
	if m.Shows("link") &&
		!slices.ContainsFunc(m.Fields, func(f messaging.Field) bool { return f.Name == "link" }) {
		m.Fields = append(slices.Clone(m.Fields), messaging.Field{Name: "link", Type: messaging.LinkField, Max: max(60, len(c.BaseURL)+30)})
	}
}

// TaskFunc carries out one task of a rule in the transaction that marks it
// done; the service writes into that transaction, and the store may call it
// again. An error takes back what it wrote and leaves the task to the next
// evening, with the error as its reason; the rest of this evening goes on.
type TaskFunc func(ctx context.Context, svc *crm.Service, e *crm.Effect) error

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Home == nil {
		c.Home = time.UTC
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Currency == "" && (c.People.Region == "" || c.People.Region == "TR") {
		c.Currency = "TRY"
	}
	if c.Normalise == nil {
		c.Normalise = inRegion(c.People.Region)
	}
	if c.TrainAt == 0 {
		c.TrainAt = 100
	}
	if c.AnswerWithin == 0 {
		c.AnswerWithin = 30 * 24 * time.Hour
	}
	if c.NotMeWithin == 0 {
		c.NotMeWithin = c.AnswerWithin
	}
	switch {
	case c.Resident == 0:
		c.Resident = 250_000
	case c.Resident < 0:
		c.Resident = 0
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	c.Campaigns, c.Messages, c.Surveys = slices.Clone(c.Campaigns), slices.Clone(c.Messages), slices.Clone(c.Surveys)
	for i := range c.Campaigns {
		c.declareLink(&c.Campaigns[i].Campaign)
	}
	for i := range c.Messages {
		c.declareLink(&c.Messages[i])
	}
	for i := range c.Surveys {
		c.Surveys[i].Links = slices.Clone(c.Surveys[i].Links)
		for j := range c.Surveys[i].Links {
			l := &c.Surveys[i].Links[j]
			l.Channel = cmp.Or(l.Channel, "poster")
		}
		if s := &c.Surveys[i]; s.Invitation.Name == "" {
			s.Invitation.Name = s.Name
		}
		c.declareLink(&c.Surveys[i].Invitation)
	}
	if c.Steps == nil {
		c.Steps = DefaultSteps()
	}
	c.Steps = slices.Clone(c.Steps)
	c.Modules = slices.Clone(c.Modules)
	// The consent is written into these; the host's own stay as they are.
	c.Campaigns, c.Messages, c.Surveys = slices.Clone(c.Campaigns), slices.Clone(c.Messages), slices.Clone(c.Surveys)
	return c
}

func (c *Config) validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("vefa: Config."+format, args...))
		}
	}
	fault(c.Store == nil, "Store must be set")
	fault(c.Sender == nil, "Sender must be set")
	fault(len(c.Currency) != 3 || strings.Trim(c.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "", "Currency %q is no ISO 4217 code, such as TRY", c.Currency)
	for _, name := range slices.Sorted(maps.Keys(c.Feasts)) {
		fault(name == "" || len(name) > 128, "Feasts: a name has 1 to 128 bytes, not %q", name)
		for _, day := range c.Feasts[name] {
			_, err := time.Parse(time.DateOnly, day)
			fault(err != nil, "Feasts[%q]: %q is no date, such as 2025-03-30", name, day)
		}
	}
	fault(c.Desk != nil && (c.Desk.Service != nil || c.Desk.Channels != nil), "Desk: Service and Channels are the engine's")
	c.checkInbox(fault)
	fault(c.FormsPerMinute < 0, "FormsPerMinute is %d", c.FormsPerMinute)
	fault(c.VisitorsPerMinute < 0, "VisitorsPerMinute is %d", c.VisitorsPerMinute)
	fault(c.KioskFormsPerMinute < 0, "KioskFormsPerMinute is %d", c.KioskFormsPerMinute)
	fault(c.ClicksPerLink < 0, "ClicksPerLink is %d", c.ClicksPerLink)
	fault(c.Batch < 0, "Batch is %d", c.Batch)
	fault(c.Lease < 0, "Lease is %s", c.Lease)
	fault(c.AnswerWithin < 0, "AnswerWithin is %s", c.AnswerWithin)
	fault(c.NotMeWithin < 0 && c.AnswerWithin >= 0, "NotMeWithin is %s", c.NotMeWithin)
	fault(len(c.Feasts) > 100, "Feasts: there are %d, at most 100 are possible", len(c.Feasts))
	if err := c.Brand.Validate(); err != nil {
		faults = append(faults, fmt.Errorf("vefa: Config.Brand: %w", err))
	}
	if err := c.Conflicts.Validate(); err != nil {
		faults = append(faults, fmt.Errorf("vefa: Config: %w", err))
	}
	if err := c.checkBase(); err != nil {
		faults = append(faults, fmt.Errorf("vefa: Config.BaseURL: %w", err))
	}
	c.checkKeys(fault)
	allowed := c.destinations()
	leads := func(what, name, url string) {
		if url == "" {
			return
		}
		if err := allowed.Check(url); err != nil {
			faults = append(faults, fmt.Errorf("vefa: %s %q: Config.Destinations: %w", what, name, err))
		}
	}
	if len(c.Surveys) > 0 && c.BaseURL != "" {
		if err := allowed.Check(c.BaseURL + "/s/"); err != nil {
			faults = append(faults, fmt.Errorf("vefa: Config.BaseURL: links lead to the surveys there: %w", err))
		}
	}
	if err := checkSteps(c.Steps); err != nil {
		faults = append(faults, err)
	}
	for i := range c.Campaigns {
		x := &c.Campaigns[i]
		leads("campaign", x.Name, x.URL)
		if err := x.Validate(c.Channels...); err != nil {
			faults = append(faults, fmt.Errorf("vefa: campaign %q: %w", x.Name, err))
		}
		fault(x.Segment == "" && !x.Live, "Campaigns[%d] %q names no segment", i, x.Name)
		for _, day := range x.On {
			_, err := time.Parse(time.DateOnly, day)
			fault(err != nil, "Campaigns[%d] %q: %q is no date", i, x.Name, day)
		}
	}
	for i := range c.Messages {
		leads("message", c.Messages[i].Name, c.Messages[i].URL)
		if err := c.Messages[i].Validate(c.Channels...); err != nil {
			faults = append(faults, fmt.Errorf("vefa: message %q: %w", c.Messages[i].Name, err))
		}
	}
	for i := range c.Surveys {
		s := &c.Surveys[i]
		fault(s.Name == "", "Surveys[%d].Name must be set", i)
		fault(s.Definition == nil, "Surveys[%d].Definition of %q must be set", i, s.Name)
		if err := s.Invitation.Validate(c.Channels...); err != nil {
			faults = append(faults, fmt.Errorf("vefa: survey %q: %w", s.Name, err))
		}
		if s.Replies && s.Definition != nil {
			if _, _, _, err := replyScale(s.Definition); err != nil {
				faults = append(faults, fmt.Errorf("vefa: survey %q: Replies: %w", s.Name, err))
			}
		}
		if err := c.checkReminders(s); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// destinations is where links may lead: the host's, and the surveys.
func (c *Config) destinations() link.Destinations {
	d := c.Destinations
	if u, err := url.Parse(c.BaseURL); err == nil && len(d.Hosts) > 0 && u.Hostname() != "" {
		d.Hosts = append(slices.Clone(d.Hosts), strings.ToLower(u.Hostname()))
	}
	return d
}

// checkBase refuses a BaseURL that recipients cannot or should not follow. Its
// host is the host's own word, so it may be a private one.
func (c *Config) checkBase() error {
	if c.BaseURL == "" {
		return errors.New("must be set")
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil {
		return fmt.Errorf("%w: it is not a URL", link.ErrDestination)
	}
	if strings.ContainsAny(c.BaseURL, "?#") {
		return fmt.Errorf("%w: a query or a fragment, before the path of a link", link.ErrDestination)
	}
	own := link.Destinations{Hosts: []string{strings.ToLower(u.Hostname())}, LoopbackHTTP: c.Destinations.LoopbackHTTP}
	return own.Check(c.BaseURL + "/l/")
}

// definitions parses Config.Segments and checks that they can be defined
// together: circles and names that nothing defines show only then.
func (c *Config) definitions() ([]segment.Definition, error) {
	defs, err := segment.ParseDefinitions(c.Segments, segment.Limits{})
	if err == nil {
		err = define(segment.NewIndex(segment.Options{}), defs)
	}
	if err != nil {
		return nil, fmt.Errorf("vefa: segments: %w", err)
	}
	return defs, nil
}
