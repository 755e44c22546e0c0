package vefa

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey/web"
)

// answerFormKind is the kind of the states that keep, about an answer, its form: the draft until
// there is an answer, and then the key of the page that it came from, because the same page sent twice
// is the same answer. It says nothing about the customer and is no part of the record's
// digest. Each change of it is by the revision that was read: of an answer, a draft and "not
// me" at once, one is first and the others look again.
const answerFormKind = "answer-key"

// answerForm is that state.
type answerForm struct {
	Key   string     `json:"key,omitempty"`
	Over  string     `json:"over,omitempty"` // the quota that was full
	Said  string     `json:"said,omitempty"` // keyed: what was written to the desk after the answer
	Draft *web.Draft `json:"draft,omitempty"`
	Begun time.Time  `json:"begun,omitzero"` // when the first draft was kept
	Until time.Time  `json:"until,omitzero"` // when it can be forgotten; zero: with the invitation's link
}

// UnmarshalJSON reads also what was kept before there were drafts: the key alone.
func (f *answerForm) UnmarshalJSON(data []byte) error {
	*f = answerForm{}
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &f.Key)
	}
	type plain answerForm
	return json.Unmarshal(data, (*plain)(f))
}

// formOf names the state of an answer's form.
func formOf(answer crm.FactKey) crm.StateKey {
	return crm.StateKey{Kind: answerFormKind, Subject: crm.OfRecord(answer)}
}

// open reports whether an answer is waited for.
func (q *asked) open(at time.Time) bool {
	return q.state() == web.Open && (q.ends.IsZero() || at.Before(q.ends))
}

// formState is the state to put in place of that which was read.
func (q *asked) formState(f answerForm) (*crm.State, error) {
	return newForm(q.key, q.was, f)
}

func newForm(answer crm.FactKey, was *crm.State, f answerForm) (*crm.State, error) {
	st, err := crm.NewState(answerFormKind, crm.OfRecord(answer), f)
	if err == nil && was != nil {
		st.Rev = was.Rev
	}
	return st, err
}

// closeForm puts a form in place of whatever there is of an answer: no draft is kept any
// more.
func closeForm(ctx context.Context, tx crm.Tx, f answerForm, answer crm.FactKey) error {
	was, err := tx.States(ctx, formOf(answer))
	if err != nil {
		return err
	}
	if was[0] != nil { // of one that was answered the key stays
		var old answerForm
		if err := was[0].Decode(&old); err != nil {
			return err
		}
		f.Key, f.Over, f.Said = old.Key, old.Over, old.Said
	}
	st, err := newForm(answer, was[0], f)
	if err != nil {
		return err
	}
	return tx.PutStates(ctx, st)
}

// Draft implements web.DraftStore.
func (v *invitations) Draft(ctx context.Context, n uint64) (d web.Draft, ok bool, err error) {
	e := (*Engine)(v)
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		d, ok = web.Draft{}, false
		found, err := e.askedBy(ctx, r, n)
		if err != nil || found[0] == nil || found[0].form.Draft == nil || !found[0].open(e.svc.Now()) {
			return err
		}
		d, ok = *found[0].form.Draft, true
		return nil
	})
	return d, ok, err
}

// SaveDraft implements web.DraftStore. A draft ends with its invitation; that of a link, which has no
// end, after Config.AnswerWithin without another page.
func (v *invitations) SaveDraft(ctx context.Context, n uint64, d web.Draft, was string, at time.Time) (bool, error) {
	e := (*Engine)(v)
	var saved bool
	err := e.svc.Update(ctx, func(tx crm.Tx) error {
		saved = false
		found, err := e.askedBy(ctx, tx, n)
		if err != nil || found[0] == nil || !found[0].open(at) {
			return err
		}
		q := found[0]
		now, begun := "", at
		if q.form.Draft != nil {
			now, begun = q.form.Draft.Revision, q.form.Begun
		}
		if now != was {
			return nil
		}
		until := q.ends
		if q.effect == nil && (until.IsZero() || at.Add(e.cfg.AnswerWithin).Before(until)) {
			until = at.Add(e.cfg.AnswerWithin)
		}
		st, err := q.formState(answerForm{Draft: &d, Begun: crm.Micros(begun), Until: until})
		if err != nil {
			return err
		}
		saved = true
		return tx.PutStates(ctx, st)
	})
	return saved && err == nil, err
}

// EraseDrafts forgets what customers typed into surveys and did not send, and returns how many
// drafts there were: call it for the profiles of a person who is erased, before those are taken away.
// A page that is open meanwhile keeps no draft again; what is sent from it is an answer.
// Drafts of links that everybody may open belong to no customer and end by themselves.
func (e *Engine) EraseDrafts(ctx context.Context, of ...crm.ProfileKey) (n int, err error) {
	defer e.took("erase-drafts", time.Now(), &err)
	defer crm.Recover("erase drafts", &err)
	err = e.svc.Update(ctx, func(tx crm.Tx) error {
		n = 0
		var subjects []crm.Subject
		for _, k := range of {
			mine, err := subjectsOfProfile(ctx, tx, k)
			if err != nil {
				return err
			}
			subjects = append(subjects, mine...)
		}
		slices.SortFunc(subjects, crm.Subject.Compare)
		effects, err := tx.EffectsOf(ctx, slices.Compact(subjects)...)
		if err != nil {
			return err
		}
		var keys []crm.StateKey
		for _, f := range effects {
			if f.Kind != crm.EffectMessage {
				continue
			}
			// An address may be of several, and the draft of one of the others.
			if d, err := decodeMessage(f); err == nil && d.Survey != "" && (d.Profile.IsZero() || slices.Contains(of, d.Profile)) {
				keys = append(keys, formOf(answerKey(f)))
			}
		}
		n, err = forgetDrafts(ctx, tx, keys, func(f answerForm) bool { return f.Draft != nil })
		return err
	})
	return n, err
}

// subjectsOfProfile returns what messages to a profile hang on: itself and its addresses.
func subjectsOfProfile(ctx context.Context, r crm.Reader, k crm.ProfileKey) ([]crm.Subject, error) {
	profiles, err := r.Profiles(ctx, k)
	if err != nil {
		return nil, err
	}
	out := []crm.Subject{crm.OfProfile(k)}
	if p := profiles[0]; p != nil {
		for _, c := range p.Contacts {
			if !c.Masked {
				out = append(out, crm.OfAddress(c.Address))
			}
		}
	}
	return out, nil
}

// forgetDrafts takes away those drafts that are to go. What stays is an empty form, so that a page
// that is open does not keep its draft once more.
func forgetDrafts(ctx context.Context, tx crm.Tx, keys []crm.StateKey, goes func(answerForm) bool) (int, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	states, err := tx.States(ctx, keys...)
	if err != nil {
		return 0, err
	}
	var puts []*crm.State
	var gone []crm.StateKey
	for _, st := range states {
		if st == nil {
			continue
		}
		var f answerForm
		if err := st.Decode(&f); err != nil {
			return 0, err
		}
		if !goes(f) {
			continue
		}
		if isLinkAnswer(st.Subject.Record) { // of a message Prune takes it away with the link
			gone = append(gone, st.StateKey)
		}
		f.Draft, f.Begun, f.Until = nil, time.Time{}, time.Time{}
		empty := &crm.State{StateKey: st.StateKey, Rev: st.Rev}
		if empty.Data, err = json.Marshal(f); err != nil {
			return 0, err
		}
		puts = append(puts, empty)
	}
	if len(puts) == 0 {
		return 0, nil
	}
	if err := tx.PutStates(ctx, puts...); err != nil { // by the revision, also of those that go
		return 0, err
	}
	return len(puts), tx.DeleteStates(ctx, gone...)
}

// pruneDrafts forgets drafts that can no longer become answers, and the keys of answers by links
// that came so long ago that no page is sent again, and returns how many.
func (e *Engine) pruneDrafts(ctx context.Context) (int, error) {
	now, total := e.svc.Now(), 0
	over := func(f answerForm) bool { return !f.Until.IsZero() && !now.Before(f.Until) }
	for after := (crm.Subject{}); ; {
		var page []*crm.State
		var keys []crm.StateKey
		if err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
			page, err = r.ScanStates(ctx, crm.AllParts(), answerFormKind, after, loadBatch)
			return err
		}); err != nil {
			return total, err
		}
		for _, st := range page {
			after = st.Subject
			var f answerForm
			if err := st.Decode(&f); err != nil {
				return total, err
			}
			if over(f) {
				keys = append(keys, st.StateKey)
			}
		}
		if len(keys) > 0 {
			n := 0
			err := e.svc.Update(ctx, func(tx crm.Tx) (err error) {
				n, err = forgetDrafts(ctx, tx, keys, over)
				return err
			})
			if err != nil {
				return total, err
			}
			total += n
		}
		if len(page) < loadBatch {
			return total, nil
		}
	}
}
