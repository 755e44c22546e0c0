package vefa

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// AuditReport counts what must never happen. It is computed from the stored
// record alone: ledgers, holds, tags, link decisions and effects, none of them
// counted by the code that sends.
type AuditReport struct {
	Sent int `json:"sent"` // messages that were claimed for sending

	EffectsRepeated         int `json:"effects_repeated"`
	SentWithoutConsent      int `json:"sent_without_consent"`
	SentToOpenTicket        int `json:"sent_to_open_ticket"`
	SentToExcludedTag       int `json:"sent_to_excluded_tag"`
	SurveyBeforeDelivery    int `json:"survey_before_delivery"`
	AnswersBadWithoutTicket int `json:"answers_bad_without_ticket"`
	// SentBeforeCause counts messages that left before the one that they follow, and
	// ContentRepeated those that said what the customer had just got, where Unrepeated was
	// asked.
	SentBeforeCause int `json:"sent_before_cause,omitempty"`
	ContentRepeated int `json:"content_repeated,omitempty"`
	// RecordContradicts counts the places where the record contradicts itself, see
	// crm/audit.Record.
	RecordContradicts int `json:"record_contradicts"`

	// Findings name the first twenty offenders, by the keys of the records
	// concerned.
	Findings []string `json:"findings,omitempty"`
}

// Clean reports whether nothing was found.
func (r AuditReport) Clean() bool {
	return r.EffectsRepeated+r.SentWithoutConsent+r.SentToOpenTicket+r.SentToExcludedTag+r.SurveyBeforeDelivery+r.AnswersBadWithoutTicket+r.SentBeforeCause+r.ContentRepeated+r.RecordContradicts == 0
}

// maxFindings bounds AuditReport.Findings.
const maxFindings = 20

func (r *AuditReport) find(counter *int, format string, args ...any) {
	*counter++
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
	}
}

// audit holds what the checks read once.
type audit struct {
	ctx     context.Context
	r       crm.Reader
	consent crm.ConsentKey
	tags    []TagDef
	report  AuditReport
	// where profiles were at what time; only those that ever moved
	moved map[crm.ProfileKey][]crm.Link
	now   map[crm.ProfileKey]crm.CustomerID
	ever  map[crm.CustomerID][]crm.ProfileKey
	sent  []*crm.Effect
	data  map[crm.EffectID]MessageData
	// erasures know what addresses had said that were erased since
	erasures []Erasures
}

// Audit reads the whole record and counts what must never happen. A consent,
// a suppression or a ticket counts against a message only if it was recorded
// before the message was claimed: the claim notes the version of the address
// that it read, and each of those entries the version that it made. Of addresses that were
// erased since, such as by a consent.Ledger, it asks the erasures.
func Audit(ctx context.Context, store crm.Store, consent crm.ConsentKey, erasures ...Erasures) (AuditReport, error) {
	a := &audit{ctx: ctx, consent: consent, erasures: erasures, moved: map[crm.ProfileKey][]crm.Link{}, now: map[crm.ProfileKey]crm.CustomerID{},
		ever: map[crm.CustomerID][]crm.ProfileKey{}, data: map[crm.EffectID]MessageData{}}
	err := store.View(ctx, func(r crm.Reader) error {
		a.r, a.report = r, AuditReport{}
		for _, step := range []func() error{a.read, a.repeated, a.ordered, a.contents, a.addresses, a.excluded, a.delivered, a.answered, a.silent, a.record} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	return a.report, err
}

func (a *audit) read() error {
	var err error
	if a.tags, err = loadTags(a.ctx, a.r); err != nil {
		return err
	}
	var keys []crm.ProfileKey
	flush := func() error {
		logs, err := a.r.Links(a.ctx, keys...)
		if err != nil {
			return err
		}
		for i, log := range logs {
			for _, id := range everOf(log) {
				a.ever[id] = append(a.ever[id], keys[i])
			}
			if len(log) > 1 {
				a.moved[keys[i]] = log
			}
		}
		keys = keys[:0]
		return nil
	}
	for p, err := range crm.Profiles(a.ctx, a.r, crm.AllParts()) {
		if err != nil {
			return err
		}
		a.now[p.ProfileKey] = p.Customer
		if keys = append(keys, p.ProfileKey); len(keys) == loadBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	for e, err := range crm.AllEffects(a.ctx, a.r, crm.AllParts()) {
		if err != nil {
			return err
		}
		if e.Kind != crm.EffectMessage || e.SentAt.IsZero() {
			continue
		}
		var d MessageData
		if err := json.Unmarshal(e.Data, &d); err != nil {
			return &crm.Error{Op: "audit", Entity: "effect", ID: string(e.ID), Kind: crm.ErrInvalid, Err: err}
		}
		a.sent = append(a.sent, e)
		a.data[e.ID] = d
	}
	a.report.Sent = len(a.sent)
	return nil
}

// everOf returns the customers that a profile was ever placed in, each once.
func everOf(log []crm.Link) []crm.CustomerID {
	out := make([]crm.CustomerID, 0, len(log))
	for _, l := range log {
		out = append(out, l.Customer)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// placed returns the customer that a profile belonged to at a time.
func (a *audit) placed(k crm.ProfileKey, at time.Time) crm.CustomerID {
	id := a.now[k]
	if log := a.moved[k]; len(log) > 0 {
		id = log[0].Customer
		for _, l := range log {
			if l.Kind != crm.LinkNotMe && !l.At.After(at) {
				id = l.Customer
			}
		}
	}
	return id
}

// profile returns whom a message is about.
func (a *audit) profile(e *crm.Effect) crm.ProfileKey {
	if !e.Subject.Profile.IsZero() {
		return e.Subject.Profile
	}
	return a.data[e.ID].Profile
}

// inFlight is how long before a claim a merge, a tag or its turning red may
// have been decided without being committed when the claim read the record.
const inFlight = time.Minute

// repeated: no one gets one thing twice. One thing is a cause, what it is
// about and its occurrence; one receiver is an address, or a customer by
// whatever addresses.
func (a *audit) repeated() error {
	type thing struct {
		cause, occurrence string
		about             crm.FactKey
	}
	type handed struct {
		thing
		to crm.Address
	}
	// A customer may be of many records: whom a thing reached is looked up by
	// the customers that they ever were in, not record by record.
	type receipt struct {
		thing
		in crm.CustomerID
	}
	type taker struct {
		by crm.ProfileKey
		id crm.EffectID
	}
	slices.SortStableFunc(a.sent, func(x, y *crm.Effect) int { return x.SentAt.Compare(y.SentAt) })
	seen, had := map[handed]crm.EffectID{}, map[receipt][]taker{}
	for _, e := range a.sent {
		if slices.ContainsFunc(e.Reasons, func(r crm.Reason) bool { return r.Guard == crm.GuardTwice }) {
			a.report.find(&a.report.EffectsRepeated, "effect %s was taken twice by the provider", e.ID)
		}
		t, who := thing{e.Cause, e.Occurrence, e.About}, a.profile(e)
		first, twice := seen[handed{t, e.To}]
		if !twice && !who.IsZero() {
			before := e.SentAt.Add(-inFlight)
			was, is := a.placed(who, before), a.placed(who, e.SentAt)
			for _, o := range had[receipt{t, was}] {
				if a.placed(o.by, before) == was && a.placed(o.by, e.SentAt) == is {
					first, twice = o.id, true
					break
				}
			}
		}
		if twice {
			a.report.find(&a.report.EffectsRepeated, "effect %s repeats %s", e.ID, first)
			continue
		}
		seen[handed{t, e.To}] = e.ID
		ids := []crm.CustomerID{a.now[who]}
		if log := a.moved[who]; len(log) > 0 {
			ids = everOf(log)
		}
		for _, id := range ids {
			had[receipt{t, id}] = append(had[receipt{t, id}], taker{who, e.ID})
		}
	}
	return nil
}

// addresses: at the version of the address that the claim read, consent stood
// and no ticket held it.
func (a *audit) addresses() error {
	byAddr := map[crm.Address][]*crm.Effect{}
	for _, e := range a.sent {
		byAddr[e.To] = append(byAddr[e.To], e)
	}
	addrs := make([]crm.Address, 0, len(byAddr))
	for to := range byAddr {
		addrs = append(addrs, to)
	}
	slices.SortFunc(addrs, crm.Address.Compare)
	for chunk := range slices.Chunk(addrs, loadBatch) {
		ledger := map[crm.Address][]*crm.Fact{}
		subjects := make([]crm.Subject, len(chunk))
		for i, to := range chunk {
			subjects[i] = crm.OfAddress(to)
		}
		for f, err := range crm.FactsOf(a.ctx, a.r, subjects, crm.KindConsent, crm.KindSuppression, crm.KindHold) {
			if err != nil {
				return err
			}
			ledger[f.Subject.Address] = append(ledger[f.Subject.Address], f)
		}
		for _, to := range chunk {
			for _, e := range byAddr[to] {
				if err := a.guards(e, ledger[to]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (a *audit) guards(e *crm.Effect, ledger []*crm.Fact) error {
	version := int64(-1)
	for _, g := range e.Guards {
		if g.Record == GuardAddress {
			version = g.Version
		}
	}
	if version < 0 {
		a.report.find(&a.report.SentWithoutConsent, "effect %s notes no version of its address", e.ID)
		return nil
	}
	var consent, refusal *crm.Fact
	note := func(f *crm.Fact, d *crm.Consent) {
		if d.ConsentKey != a.consent || d.Guard > version {
			return
		}
		latest := &consent
		if d.Status == crm.Refused {
			latest = &refusal
		}
		if *latest == nil || f.At.After((*latest).At) {
			*latest = f
		}
	}
	stopped := map[string]*crm.Fact{}
	for _, f := range ledger {
		switch d := f.Data.(type) {
		case *crm.Hold:
			if said := a.data[e.ID].Said; said != nil && said.By != "" {
				continue // somebody answered what the customer wrote
			}
			if d.Placed <= version && (d.Lifted == 0 || d.Lifted > version) && d.Ticket != a.data[e.ID].Answers {
				a.report.find(&a.report.SentToOpenTicket, "effect %s went out while %s was open", e.ID, d.Ticket.Key)
			}
		case *crm.Consent:
			note(f, d)
		case *crm.Suppression:
			if d.Guard > version {
				continue
			}
			if was := stopped[d.Reason]; was == nil || !f.At.Before(was.At) {
				stopped[d.Reason] = f
			}
		}
	}
	if said := a.data[e.ID].Said; said != nil && said.By != "" {
		delete(stopped, replyReason) // by somebody who has read the reply
	}
	for _, f := range stopped {
		if !f.Data.(*crm.Suppression).Off {
			a.report.find(&a.report.SentWithoutConsent, "effect %s went to a suppressed address", e.ID)
			return nil
		}
	}
	if a.data[e.ID].Class == Transactional {
		return nil
	}
	if consent == nil {
		erased, err := a.erased(e)
		if err != nil {
			return err
		}
		for _, f := range erased {
			note(f, f.Data.(*crm.Consent))
		}
	}
	if consent == nil || (refusal != nil && !refusal.At.Before(consent.At)) {
		a.report.find(&a.report.SentWithoutConsent, "effect %s had no consent", e.ID)
	}
	return nil
}

// delivered: a survey about an order comes after the goods.
func (a *audit) delivered() error {
	for chunk := range slices.Chunk(a.sent, loadBatch) {
		var refs []crm.FactRef
		var about []*crm.Effect
		for _, e := range chunk {
			if a.data[e.ID].Survey != "" && e.About.Kind == crm.KindOrder {
				refs = append(refs, crm.FactRef{Subject: e.Subject, Key: e.About})
				about = append(about, e)
			}
		}
		facts, err := a.r.Facts(a.ctx, refs...)
		if err != nil {
			return err
		}
		for i, f := range facts {
			if f == nil {
				// The order hangs on another profile in a later version.
				found, err := a.r.Anchors(a.ctx, refs[i].Key)
				if err != nil {
					return err
				}
				if found[0] != (crm.Subject{}) {
					moved, err := a.r.Facts(a.ctx, crm.FactRef{Subject: found[0], Key: refs[i].Key})
					if err != nil {
						return err
					}
					f = moved[0]
				}
			}
			if f == nil {
				a.report.find(&a.report.SurveyBeforeDelivery, "effect %s asks about an order that is not there", about[i].ID)
				continue
			}
			at, ok := f.Data.(*crm.Order).DeliveredAt(f.At)
			if !ok || at.After(about[i].SentAt) {
				a.report.find(&a.report.SurveyBeforeDelivery, "effect %s asked before the goods came", about[i].ID)
			}
		}
	}
	return nil
}

// answered: every bad answer has its ticket.
func (a *audit) answered() error {
	owed := map[crm.FactKey]bool{}
	for f, err := range crm.FactsOfKind(a.ctx, a.r, crm.AllParts(), crm.KindAnswer) {
		if err != nil {
			return err
		}
		if d := f.Data.(*crm.Answer); d.Bad || badScore(d.Metric, d.Score) {
			owed[f.Key] = true
		}
	}
	for f, err := range crm.FactsOfKind(a.ctx, a.r, crm.AllParts(), crm.KindTicket) {
		if err != nil {
			return err
		}
		delete(owed, f.Data.(*crm.Ticket).Cause)
	}
	left := make([]crm.FactKey, 0, len(owed))
	for k := range owed {
		left = append(left, k)
	}
	slices.SortFunc(left, crm.FactKey.Compare)
	for _, k := range left {
		a.report.find(&a.report.AnswersBadWithoutTicket, "answer %s has no ticket", k)
	}
	return nil
}

// badScore says what a bad answer is, apart from the code that takes answers:
// detractors, the two lowest of five, the three lowest of seven.
func badScore(metric string, score int) bool {
	switch metric {
	case "nps":
		return score <= 6
	case "csat":
		return score <= 2
	case "ces":
		return score <= 3
	}
	return false
}
