package vefa

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey/web"
)

// Kiosk is a device at a place, such as a tablet at a till, that asks a survey of Config.Surveys
// of everybody who stands before it. See web.KioskHandler. An answer hangs on an address of the
// channel "kiosk", one for each, which no profile has; who finds out whose it is puts that address
// among the contacts of their profile. The ticket of a bad one is of the kiosk, a profile of
// the source "kiosk" and its Name.
type Kiosk struct {
	Name   string `json:"name"`   // the host's own; never changes
	Place  string `json:"place"`  // ID of a crm.Place, whose answers they are
	Survey string `json:"survey"` // name of one of Config.Surveys
	// AskCode and Dwell are as in web.Kiosk: the number is that of an order, whose time is when
	// the experience began.
	AskCode bool          `json:"ask_code,omitempty"`
	Dwell   time.Duration `json:"dwell,omitempty"`
	// Revoked: it may deliver no more. What it has not delivered stays on it, and comes when it
	// may again.
	Revoked bool `json:"revoked,omitempty"`
	// Rev is the record's revision of it, as Kiosks returned it; 0 for a new one.
	Rev int64 `json:"-"`
}

// kioskSource is the source of the profiles of kiosks, which tickets of theirs hang on, and
// kioskChannel that of the addresses that answers hang on.
const (
	kioskSource  = "kiosk"
	kioskChannel = crm.Channel("kiosk")
)

// kioskKind is the kind of the documents that hold kiosks, and of the states that keep what came of
// each answer.
const kioskKind = "kiosk"

// refRefused lists what kiosks delivered and was refused.
const refRefused crm.RefKind = "kiosk-refused"

// kioskNumber is the number of a kiosk, which its token hides.
func kioskNumber(name string) uint64 {
	sum := sha256.Sum256([]byte(name))
	return binary.BigEndian.Uint64(sum[:])
}

func kioskID(n uint64) string { return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, n)) }

// PutKiosk adds a kiosk, or changes the one of its Name, and returns the address that the device
// is to open. The address is good as long as Keys.ID, whatever keys sign links. What is stored
// already changes nothing; else a Rev that is not the record's is crm.ErrConflict. A survey or a place that is not known, and a definition with
// web.KioskFindings, is crm.ErrInvalid.
func (e *Engine) PutKiosk(ctx context.Context, k Kiosk) (link string, err error) {
	defer e.took("put-kiosk", time.Now(), &err)
	defer crm.Recover("put kiosk", &err)
	n := kioskNumber(k.Name)
	invalid := func(err error) error {
		return &crm.Error{Op: "put", Entity: "kiosk", ID: k.Name, Kind: crm.ErrInvalid, Err: err}
	}
	var faults []error
	if strings.TrimSpace(k.Name) == "" {
		faults = append(faults, &crm.FieldError{Field: "name", Msg: "must be set"})
	}
	if k.Dwell < 0 {
		faults = append(faults, &crm.FieldError{Field: "dwell", Msg: "is negative"})
	}
	if s := e.surveyOf(k.Survey); s == nil {
		faults = append(faults, &crm.FieldError{Field: "survey", Msg: fmt.Sprintf("%q is none of Config.Surveys", k.Survey)})
	} else {
		for _, f := range web.KioskFindings(s.Definition) {
			faults = append(faults, f)
		}
	}
	token, err := e.keys.kiosks.Mint(n)
	if err != nil {
		return "", err
	}
	stale := false
	err = e.svc.Update(ctx, func(tx crm.Tx) error {
		if err := e.noteKeys(ctx, tx); err != nil {
			return err
		}
		docs, err := tx.Documents(ctx, "place", k.Place)
		if err != nil {
			return err
		}
		all := slices.Clone(faults)
		if k.Place == "" || docs[0] == nil {
			all = append(all, &crm.FieldError{Field: "place", Msg: fmt.Sprintf("%q is not known", k.Place)})
		}
		if len(all) > 0 {
			return invalid(errors.Join(all...))
		}
		doc, err := crm.NewDocument(kioskKind, kioskID(n), k)
		if err != nil {
			return err
		}
		doc.Rev = k.Rev
		was, err := tx.Documents(ctx, kioskKind, doc.ID)
		if err != nil {
			return err
		}
		if was[0] != nil { // it may be this call, whose answer was lost
			var there Kiosk
			if err := was[0].Decode(&there); err != nil {
				return err
			}
			if there.Rev = k.Rev; there == k {
				return nil
			}
		}
		// Not by the store's own ErrConflict, which would be tried again.
		if stale = was[0] == nil && k.Rev != 0 || was[0] != nil && was[0].Rev != k.Rev; stale {
			return nil
		}
		return tx.PutDocuments(ctx, doc)
	})
	if err == nil && stale {
		err = &crm.Error{Op: "put", Entity: "kiosk", ID: k.Name, Kind: crm.ErrConflict}
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(e.cfg.BaseURL, "/") + "/k/" + token + "/", nil
}

// Kiosks returns all kiosks by name.
func (e *Engine) Kiosks(ctx context.Context) (out []Kiosk, err error) {
	defer e.took("kiosks", time.Now(), &err)
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		out = nil
		for doc, err := range crm.Documents(ctx, r, kioskKind) {
			if err != nil {
				return err
			}
			k := Kiosk{}
			if err := doc.Decode(&k); err != nil {
				return err
			}
			k.Rev = doc.Rev
			out = append(out, k)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Kiosk) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// RefusedAnswer is what a kiosk delivered and was not in order: it is counted nowhere, and kept.
type RefusedAnswer struct {
	ID       string    // the device's own id of it
	Kiosk    string    // Kiosk.Name
	At       time.Time // when it was given
	Received time.Time
	Reason   string
	Form     url.Values // what was sent
}

// keptAnswer is the state that says what came of an answer of a kiosk.
type keptAnswer struct {
	Kiosk    string     `json:"kiosk"`
	At       time.Time  `json:"at"`
	Received time.Time  `json:"received"`
	Reason   string     `json:"refused,omitempty"`
	Form     url.Values `json:"form,omitempty"`
}

// RefusedAnswers goes through what kiosks delivered and was refused, the oldest delivery first.
func (e *Engine) RefusedAnswers(ctx context.Context) iter.Seq2[RefusedAnswer, error] {
	return func(yield func(RefusedAnswer, error) bool) {
		scan := crm.RefQuery{Kind: refRefused, Key: "all", Limit: loadBatch}
		for {
			var page []RefusedAnswer
			var last crm.Ref
			n := 0
			err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
				page, n = nil, 0
				refs, err := r.ScanRefs(ctx, scan)
				if err != nil || len(refs) == 0 {
					return err
				}
				keys := make([]crm.StateKey, len(refs))
				for i, ref := range refs {
					keys[i] = crm.StateKey{Kind: kioskKind, Subject: ref.Subject}
				}
				states, err := r.States(ctx, keys...)
				if err != nil {
					return err
				}
				for i, st := range states {
					if st == nil {
						continue
					}
					var k keptAnswer
					if err := st.Decode(&k); err != nil {
						return err
					}
					page = append(page, RefusedAnswer{ID: refs[i].Target, Kiosk: k.Kiosk, At: k.At, Received: k.Received, Reason: k.Reason, Form: k.Form})
				}
				last, n = refs[len(refs)-1], len(refs)
				return nil
			})
			if err != nil {
				yield(RefusedAnswer{}, err)
				return
			}
			for _, a := range page {
				if !yield(a, nil) {
					return
				}
			}
			if n < loadBatch {
				return
			}
			scan.After = last
		}
	}
}

// kiosks is the Engine as the pages of kiosks see it.
type kiosks Engine

var (
	_ web.KioskStore      = (*kiosks)(nil)
	_ web.ExperienceStore = (*kiosks)(nil)
)

// kiosk reads a kiosk.
func (e *Engine) kiosk(ctx context.Context, r crm.Reader, n uint64) (k Kiosk, err error) {
	docs, err := r.Documents(ctx, kioskKind, kioskID(n))
	switch {
	case err != nil:
		return k, err
	case docs[0] == nil:
		return k, web.ErrNotFound
	}
	return k, docs[0].Decode(&k)
}

// Kiosk implements web.KioskStore.
func (v *kiosks) Kiosk(ctx context.Context, n uint64) (out web.Kiosk, err error) {
	e := (*Engine)(v)
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		k, err := e.kiosk(ctx, r, n)
		if err != nil {
			return err
		}
		if k.Revoked {
			return web.ErrEnded
		}
		s := e.surveyOf(k.Survey)
		if s == nil {
			return &crm.Error{Op: "find", Entity: "survey", ID: k.Survey, Kind: crm.ErrNotFound}
		}
		out = web.Kiosk{Definition: s.Definition, Earlier: s.Earlier, AskCode: k.AskCode, Dwell: k.Dwell}
		docs, err := r.Documents(ctx, "place", k.Place)
		if err != nil || docs[0] == nil {
			return err
		}
		var p crm.Place
		err = docs[0].Decode(&p)
		out.Place = p.Name
		return err
	})
	return out, err
}

// order finds the order of a number; nil where there is none or more than one.
func (e *Engine) order(ctx context.Context, r crm.Reader, number string) (*crm.Fact, error) {
	refs, err := r.Refs(ctx, crm.RefOrder, 2, crm.RefKey(number))
	if err != nil || len(refs[0]) != 1 {
		return nil, err
	}
	for f, err := range crm.FactsOf(ctx, r, []crm.Subject{refs[0][0].Subject}, crm.KindOrder) {
		if err != nil || crm.RefKey(f.Key.String()) == refs[0][0].Target {
			return f, err
		}
	}
	return nil, nil
}

// Experience implements web.ExperienceStore: it began with the order of that number.
func (v *kiosks) Experience(ctx context.Context, _ uint64, code string) (began time.Time, err error) {
	err = v.cfg.Store.View(ctx, func(r crm.Reader) error {
		f, err := (*Engine)(v).order(ctx, r, code)
		if err != nil {
			return err
		}
		if f == nil {
			return web.ErrNotFound
		}
		began = f.At
		return nil
	})
	return began, err
}

// Keep implements web.KioskStore: the answer, what it takes of quotas, its ticket if it is bad, and that it
// was delivered are one transaction. An answer for which there is no room, and which the quota
// does not keep, is delivered and not stored. The answer hangs on an address of its own that no profile has: it is a customer's
// once that is among the contacts of a profile. The ticket is the kiosk's.
func (v *kiosks) Keep(ctx context.Context, n uint64, a web.KioskAnswer) (first bool, err error) {
	e := (*Engine)(v)
	id := kioskID(n) + "/" + a.ID
	key := crm.FactKey{Kind: crm.KindAnswer, Source: answerSource, ID: kioskSource + "/" + id}
	err = e.svc.Update(ctx, func(tx crm.Tx) error {
		first = false
		k, err := e.kiosk(ctx, tx, n)
		if err != nil {
			return err
		}
		s := e.surveyOf(k.Survey)
		if s == nil {
			return &crm.Error{Op: "find", Entity: "survey", ID: k.Survey, Kind: crm.ErrNotFound}
		}
		st, err := crm.NewState(kioskKind, crm.OfRecord(key), keptAnswer{Kiosk: k.Name, At: a.At, Received: a.Received, Reason: a.Refused, Form: a.Form})
		if err != nil {
			return err
		}
		// Of two who deliver it at the same time the second starts again and finds it.
		known, err := tx.States(ctx, st.StateKey)
		if err != nil || known[0] != nil {
			return err
		}
		// Prune forgets what came of an answer; that it is there tells a device that sends it again.
		subject := crm.OfAddress(crm.Address{Channel: kioskChannel, Value: id})
		there, err := tx.Facts(ctx, crm.FactRef{Subject: subject, Key: key})
		if err != nil || there[0] != nil {
			return err
		}
		if err := tx.PutStates(ctx, st); err != nil {
			return err
		}
		first = true
		if a.Refused != "" {
			return tx.PutRefs(ctx, crm.Ref{Kind: refRefused, Key: "all", Subject: crm.OfRecord(key), Target: a.ID, Order: a.Received.UnixMicro()})
		}
		about := crm.FactKey{}
		if a.Code != "" {
			f, err := e.order(ctx, tx, a.Code)
			if err != nil {
				return err
			}
			if f != nil {
				about = f.Key
			}
		}
		answer := e.answerTo(s.Name, a.Definition, a.Response)
		answer.About, answer.Outside, answer.Channel, answer.Link = about, a.Outside, "kiosk", k.Name
		g := &given{asked: &asked{survey: s, key: key}, sent: &submission{r: a.Response, at: a.At}, answer: answer}
		if err := e.takeQuotas(ctx, tx, []*given{g}); err != nil {
			return err
		}
		if g.over != nil {
			if !g.over.Keep {
				return nil
			}
			answer.OverQuota = g.over.Name
		}
		facts := []*crm.Fact{{Key: key, Subject: subject, At: a.At, Place: k.Place, Version: 1, Data: answer}}
		svc := e.svc.In(tx)
		if answer.Bad {
			device := crm.ProfileKey{Source: kioskSource, ID: k.Name}
			if _, err := svc.Profile(ctx, device); errors.Is(err, crm.ErrNotFound) {
				err = svc.PutProfile(ctx, &crm.Profile{ProfileKey: device, At: a.Received})
				if err != nil {
					return err
				}
			} else if err != nil {
				return err
			}
			facts = append(facts, &crm.Fact{
				Key: crm.FactKey{Kind: crm.KindTicket, Source: answerSource, ID: key.ID}, Subject: crm.OfProfile(device), At: a.At, Place: k.Place, Version: 1,
				Data: &crm.Ticket{Title: "A bad answer to " + s.Name, State: crm.TicketOpen, Reason: "survey", Cause: key, Assignee: k.Place, Opened: crm.Micros(a.Received)},
			})
		}
		return svc.Record(ctx, facts...)
	})
	return first && err == nil, err
}

// pruneKiosks forgets what came of answers that kiosks delivered before an instant and long enough ago, save
// of those that were refused, which are kept nowhere else. It returns how many.
func (e *Engine) pruneKiosks(ctx context.Context, before time.Time) (int, error) {
	end, total := e.cameBefore(before), 0
	for after := (crm.Subject{}); ; {
		var page []*crm.State
		var old []crm.StateKey
		if err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
			page, err = r.ScanStates(ctx, crm.AllParts(), kioskKind, after, loadBatch)
			return err
		}); err != nil {
			return total, err
		}
		for _, st := range page {
			after = st.Subject
			var k keptAnswer
			if err := st.Decode(&k); err != nil {
				return total, err
			}
			if k.Reason == "" && k.Received.Before(end) {
				old = append(old, st.StateKey)
			}
		}
		if len(old) > 0 {
			if err := e.svc.Update(ctx, func(tx crm.Tx) error { return tx.DeleteStates(ctx, old...) }); err != nil {
				return total, err
			}
			total += len(old)
		}
		if len(page) < loadBatch {
			return total, nil
		}
	}
}
