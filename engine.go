package vefa

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
	"github.com/vefacrm/vefa/messaging/delivery"
	"github.com/vefacrm/vefa/messaging/link"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
)

// Engine binds the engines to the record. It owns no goroutine and opens
// nothing. Everything may be called at any time from many goroutines: nights wait
// for one another, and nothing else waits for a night.
type Engine struct {
	cfg        Config
	svc        *crm.Service
	vocab      *rules.Vocabulary
	schema     *rules.Schema[Facts]
	extended   *rules.Extended[Facts] // of Config.Fields; nil without
	rules      *rules.Engine[Facts]
	linker     *people.Linker
	keys       derived
	hours      *messaging.Hours
	clicks     *link.Log
	redirect   *link.Handler
	pages      *web.Handler
	kiosks     *web.KioskHandler
	outbox     messaging.Outbox
	deliveries delivery.Log                   // of what providers report
	within     []crm.EffectHandler            // of what is carried out in the record, the host's included
	outside    []crm.EffectHandler            // of what the host does in the world
	own        map[crm.EffectKind]bool        // of the host's kinds
	messages   map[string]*messaging.Campaign // by the effect's cause or by rules' names
	surveys    map[string]string              // of a message that invites: the survey
	versions   map[*survey.Definition]string  // of surveys
	cells      map[string][]cell              // of surveys: their quotas
	openLinks  map[uint32]openLink            // by SurveyLink.number
	submits    together[*submission]
	looks      together[*look]
	scripts    map[string]*messaging.Script
	desk       *campaigns.Desk // nil without Config.Desk
	lessons    taught
	shown      map[string]bool // fields of rules that messages show
	defs       []segment.Definition
	// conditions are what defs ask of fields; nil: nothing
	conditions *conditions

	// keysKnown: the record was seen to be of these keys
	keysKnown atomic.Bool

	turn  chan struct{} // holds one token while a verb works with what follows
	share *share        // of the night that runs, with other processes; nil: by itself
	// offered is how those who help read everybody while this process is at linkage
	offered *indexing
	loaded  bool
	pop     *population // everybody; nil where they are read page by page
	feed    *feed
	// profiles is how many there were when all were last looked through, 0: unknown
	profiles int
	// turning are, of customers who are read page by page, when time alone changes their
	// tags next: person.nextTurn
	turning map[crm.ProfileKey]int64
	places  *crm.Places
	tags    []TagDef
	people  *people.Index
	seg     *segment.Index
	// view is what seg was when it was last brought up to date, for those who do
	// not wait
	view atomic.Pointer[segment.View]
	// checked is the instant up to which time was taken into the segments
	checked int64
	// changed are profiles that record linkage has not looked at yet
	changed map[crm.ProfileKey]bool
	// unseen is the position from which on changes are in the population and
	// unknown to record linkage; nil where there are none
	unseen *crm.Position
	// looked is what it saw of each profile when it last looked, by sawKey
	looked map[uint64]saw
	seed   maphash.Seed // of sawKey
	// live is what linkage knew when it last ended, for those who do not wait; nil:
	// nothing yet
	live atomic.Pointer[everyone]
	// building holds one token while one of them makes it
	building   chan struct{}
	remembered remembered
	writer     string // tells this engine's counts of clicks from others
}

// New checks the whole configuration, reports every fault of it at once, joined
// by errors.Join, and returns an engine. It reads and writes nothing.
func New(cfg Config) (*Engine, error) {
	cfg = cfg.withDefaults()
	unfit := cfg.takeModules()
	e := &Engine{cfg: cfg, writer: rand.Text()[:16], seed: maphash.MakeSeed(), vocab: rules.NewVocabulary(), messages: map[string]*messaging.Campaign{}, surveys: map[string]string{}, scripts: map[string]*messaging.Script{}, shown: map[string]bool{}, turn: make(chan struct{}, 1), building: make(chan struct{}, 1)}
	var faults []error
	check := func(err error) bool {
		if err != nil {
			faults = append(faults, err)
		}
		return err == nil
	}
	check(unfit)
	check(e.cfg.validate())
	e.svc = crm.New(cfg.Store, crm.Config{Kinds: cfg.Kinds, Now: cfg.Now, NewID: cfg.NewID, Logger: cfg.Logger, Survivorship: cfg.Survivorship, Normalise: cfg.Normalise, Conflicts: cfg.Conflicts, Retry: cfg.Retry, NameSearch: cfg.NameSearch})
	var err error
	compiled := false
	if e.schema, e.extended, err = schemaOf(&cfg, e.vocab); check(err) {
		e.rules = rules.NewEngine(e.schema, e.checkActions, e.checkTriggers)
		_, err = e.schema.Compile(cfg.Rules...)
		compiled = check(err)
	}
	check(e.collectEffects())
	e.defs, err = cfg.definitions()
	defined := check(err)
	e.linker, err = people.New(cfg.People)
	check(err)
	keyed := false
	if cfg.keysFit() {
		e.keys, err = cfg.derive()
		keyed = check(err)
	}
	check(e.collectMessages(keyed))
	check(e.checkAutoReplies())
	e.versions = versions(cfg.Surveys)
	check(e.checkQuotas())
	check(e.collectLinks())
	check(e.openDesk())
	check(e.checkHours())
	check(e.checkGuards())
	if defined {
		check(e.checkSegments())
		if e.schema != nil {
			check(e.collectConditions())
		}
	}
	if compiled {
		check(e.rules.Load(cfg.Rules...))
	}
	e.clicks, err = link.NewLog(link.LogConfig{Sink: e.sinkClicks, Surplus: e.sinkSurplus, PerLink: cfg.ClicksPerLink,
		OnError: func(err error) { cfg.Logger.Warn("vefa: clicks", "err", err) }})
	check(err)
	if len(faults) > 0 { // what follows is made of what was checked
		return nil, errors.Join(faults...)
	}
	if e.redirect, err = link.NewHandler(link.Config{Codec: e.keys.links, Resolver: e.destination, Onward: e.onward, Log: e.clicks,
		VisitorKey: e.visitorKey, Allow: cfg.destinations(), Now: cfg.Now, RequestID: cfg.RequestID, ClientIP: cfg.ClientIP, Network: cfg.Network}); err != nil {
		return nil, err
	}
	if e.pages, err = web.New(web.Config{Store: (*invitations)(e), Tokens: e.keys.surveys.Parse, Path: "/s/", Brand: cfg.Brand, Now: cfg.Now, NewKey: cfg.SurveyKey, Key: e.keys.clock, PerMinute: cfg.FormsPerMinute, Logger: cfg.Logger}); err != nil {
		return nil, err
	}
	if e.kiosks, err = web.NewKiosk(web.KioskConfig{Store: (*kiosks)(e), Tokens: e.keys.kiosks.Parse, Brand: cfg.Brand, Now: cfg.Now, PerMinute: cfg.KioskFormsPerMinute, Logger: cfg.Logger}); err != nil {
		return nil, err
	}
	e.deliveries = delivery.Log{Service: e.svc}
	e.outbox = messaging.Outbox{Sender: cfg.Sender, Prepare: e.prepare, Guard: e.decide, Render: e.render}
	return e, nil
}

// collectMessages names every message that may go out, parses its text and, where
// the keys make links, renders it once.
func (e *Engine) collectMessages(keyed bool) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("vefa: message "+format, args...))
	}
	add := func(name string, c *messaging.Campaign) {
		if e.messages[name] != nil {
			faults = append(faults, fmt.Errorf("vefa: two messages are named %q", name))
			return
		}
		e.messages[name] = c
		if len(c.Variants) > 0 && name != c.Cause() {
			fault("%q has variants, between which only campaigns draw", name)
		}
		if c.Validate(e.cfg.Channels...) != nil { // reported already
			return
		}
		s, err := c.Script(e.cfg.Channels...)
		if err != nil {
			fault("%q: %w", name, err)
			return
		}
		e.scripts[name] = s
		shown, err := e.checkMessage(name, c, s, keyed)
		if err != nil {
			faults = append(faults, err)
		}
		for _, field := range shown {
			e.shown[field] = true
		}
	}
	for i := range e.cfg.Campaigns {
		c := &e.cfg.Campaigns[i]
		c.Consent = e.cfg.Consent
		add(c.Cause(), &c.Campaign)
		c.checkLive(func(format string, args ...any) { faults = append(faults, fmt.Errorf("vefa: "+format, args...)) })
	}
	for i := range e.cfg.Messages {
		c := &e.cfg.Messages[i]
		c.Consent = e.cfg.Consent
		add(messageName("message", c.Name), c)
	}
	for i := range e.cfg.Surveys {
		s := &e.cfg.Surveys[i]
		s.Invitation.Consent = e.cfg.Consent
		name := messageName("survey", s.Name)
		e.surveys[name] = s.Name
		add(name, &s.Invitation)
		for n := range len(s.Reminders) {
			name := reminderName(s.Name, n+1)
			e.surveys[name] = s.Name
			add(name, e.cfg.reminder(s, n+1))
		}
	}
	return errors.Join(faults...)
}

// checkMessage reports why a message cannot go out with this configuration, and returns
// which fields of rules it shows.
func (e *Engine) checkMessage(name string, c *messaging.Campaign, s *messaging.Script, keyed bool) (shown []string, err error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("vefa: message "+format, args...))
	}
	if err := e.checkChoice(c); err != nil {
		fault("%q: %w", name, err)
	}
	live := e.liveCampaign(c.Name)
	offered := live != nil && c == &live.Campaign // a live campaign is not sent
	if by, ok := e.cfg.Sender.(messaging.ByChannel); ok && !offered {
		for _, ch := range s.Channels() {
			if by[ch] == nil {
				fault("%q says something on channel %q, for which Config.Sender has no sender", name, ch)
			}
		}
	}
	if shown, err = e.checkFields(c); err != nil {
		fault("%q: %w", name, err)
		return shown, errors.Join(faults...)
	}
	if c.URL == "" && e.surveys[name] == "" && slices.ContainsFunc(c.Fields, func(f messaging.Field) bool { return f.Name == "link" }) {
		fault("%q has a link and no URL that it leads to", name)
	}
	if !keyed || e.cfg.checkBase() != nil {
		return shown, errors.Join(faults...)
	}
	// As it would go out about a customer of whom nothing else is known.
	url, err := e.trackedURL(1)
	for _, way := range append([]messaging.Variant{{}}, c.Variants...) {
		for _, ch := range s.Channels() {
			if err == nil {
				_, err = s.Variant(way.Name).Render(ch, messaging.Values{"link": url})
			}
		}
	}
	if err != nil {
		fault("%q could not go out: %w", name, err)
	}
	return shown, errors.Join(faults...)
}

// checkSegments reports segments that campaigns draw from and nothing defines, and tags that are
// named like a field: a bare word in a segment is a tag, and who writes SMSConsent there means
// the field, which is never a tag.
func (e *Engine) checkSegments() error {
	var faults []error
	if e.schema != nil {
		fields := e.schema.Fields()
		for _, d := range e.defs {
			for _, tag := range d.References().Tags {
				if slices.ContainsFunc(fields, func(f rules.Field) bool { return f.Name == tag }) {
					faults = append(faults, fmt.Errorf("vefa: segments: %q asks for the tag %q, which is the name of a field: a condition on the field is written leaf(\"…\"), such as leaf(%q) for one that is true or false", d.Name, tag, tag))
				}
			}
		}
	}
	for i := range e.cfg.Campaigns {
		c := &e.cfg.Campaigns[i]
		if c.Segment != "" && !e.defines(c.Segment) {
			faults = append(faults, fmt.Errorf("vefa: campaign %q draws from segment %q, which Config.Segments does not define", c.Name, c.Segment))
		}
	}
	return errors.Join(faults...)
}

// defines reports whether Config.Segments defines a segment.
func (e *Engine) defines(name string) bool {
	return slices.ContainsFunc(e.defs, func(d segment.Definition) bool { return d.Name == name })
}

// ruleFault is a fault of a rule that only the configuration shows.
func ruleFault(set *rules.Set[Facts], r *rules.Rule, field, format string, args ...any) error {
	return fmt.Errorf("vefa: rules: %w", set.Fault(r.Name, field, fmt.Sprintf(format, args...)))
}

// checkActions reports things that rules do which the configuration does not have.
func (e *Engine) checkActions(set *rules.Set[Facts]) error {
	var faults []error
	for _, r := range set.Rules() {
		if r.Each != "" && slices.ContainsFunc(e.cfg.Fields, func(f Field) bool { return f.Rows == "" && f.Name == r.Each }) {
			faults = append(faults, ruleFault(set, r, "each", "the rows of Config.Fields are no records that it could be once for: write any(%s, …)", r.Each))
		}
		for i, a := range r.Then {
			known := true
			switch t, _ := e.schema.Action(a.Kind); t.Effect {
			case crm.EffectMessage:
				known = e.messages[messageName(a.Kind, a.Name)] != nil
			case crm.EffectTask:
				known = e.cfg.Tasks[a.Name] != nil
			case EffectOffer:
				if err := e.checkOffer(r, a); err != nil {
					faults = append(faults, ruleFault(set, r, fmt.Sprintf("then[%d]", i), "%v", err))
				}
			}
			if !known {
				faults = append(faults, ruleFault(set, r, fmt.Sprintf("then[%d]", i), "there is no %s %q", a.Kind, a.Name))
			}
		}
	}
	return errors.Join(faults...)
}

// Service returns the record that the engine works on.
func (e *Engine) Service() *crm.Service { return e.svc }

// Rules returns the rules in force; Load replaces them while nights run, and refuses
// what New refuses.
func (e *Engine) Rules() *rules.Engine[Facts] { return e.rules }

// Handler serves tracked links under /l/, surveys under /s/, their SurveyLinks under /q/ and kiosks under /k/, and the same below
// the path of Config.BaseURL: with https://shop.example/care it may be mounted as
// "/care/" as it is, or at the root behind a proxy that cuts the path off. Run the
// click log with Clicks().Run while it serves.
func (e *Engine) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/l/", e.observed("page/link", e.redirect))
	mux.Handle("/s/", e.observed("page/survey", e.pages))
	mux.Handle("/k/", e.observed("page/kiosk", e.kiosks))
	base, err := url.Parse(e.cfg.BaseURL)
	if err != nil {
		base = &url.URL{}
	}
	mux.Handle("/q/", e.observed("page/poster", &web.Posters{Path: "/q/", Find: e.findLink, Mint: e.keys.surveys.Mint, Surveys: base.Path + "/s/", Now: e.cfg.Now, PerMinute: e.cfg.VisitorsPerMinute}))
	if base.Path != "" {
		mux.Handle("/", http.StripPrefix(base.Path, mux))
	}
	return mux
}

// Clicks is the log that the redirects write to. The host runs it; a night
// flushes it.
func (e *Engine) Clicks() *link.Log { return e.clicks }

func (e *Engine) progress(step string, done, total int) {
	if e.cfg.Progress != nil {
		e.cfg.Progress(step, done, total)
	}
}

// lock waits until no other verb works with what is kept in memory, but no
// longer than ctx allows.
func (e *Engine) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case e.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("vefa: waiting for another call of this engine, such as its night: %w", ctx.Err())
	}
}

// tryLock is lock that does not wait.
func (e *Engine) tryLock() bool {
	select {
	case e.turn <- struct{}{}:
		return true
	default:
		return false
	}
}

// release is deferred by the holder of the lock. A panic of a function that the
// host gave becomes the verb's error; what is kept in memory is then read again,
// because a change of it may have been cut in half.
func (e *Engine) release(op string, err *error) {
	if v := recover(); v != nil {
		*err = crm.Panicked(op, v)
		e.forget()
	}
	<-e.turn
}

// Close forgets what is kept in memory; the next night reads it again. It waits
// for the verb that is running, and closes nothing of the host's.
func (e *Engine) Close() {
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	e.forget()
}

func (e *Engine) forget() {
	e.view.Store(nil)
	e.live.Store(nil)
	e.unsettle(true)
	e.loaded, e.pop, e.feed, e.turning, e.people, e.seg, e.changed, e.unseen, e.remembered, e.offered = false, nil, nil, nil, nil, nil, nil, nil, remembered{}, nil
}
