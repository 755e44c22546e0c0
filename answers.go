package vefa

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/survey/web"
)

// answerSource is the source of answer facts and of the tickets they open.
const answerSource = "survey"

// invitations is the Engine as the survey pages see it.
type invitations Engine

var (
	_ web.Store          = (*invitations)(nil)
	_ web.NotMeStore     = (*invitations)(nil)
	_ web.NotMeUndoStore = (*invitations)(nil)
	_ web.DraftStore     = (*invitations)(nil)

	_ web.FollowUpStore = (*invitations)(nil)
)

func answerSubject(f *crm.Effect, d MessageData) crm.Subject {
	if !d.Profile.IsZero() {
		return crm.OfProfile(d.Profile)
	}
	return f.Subject
}

func answerKey(f *crm.Effect) crm.FactKey {
	return crm.FactKey{Kind: crm.KindAnswer, Source: answerSource, ID: string(f.ID)}
}

// Reply hears what an inbound message from an address says about consent, and nothing else: the rating that
// answers a survey with Replies, and what goes to the Inbox, are heard by Feedback alone. An opt-out refuses consent
// at once; what might be one stops every message but Engine.Respond's and leaves the rest to
// a person; "not me" is heard about the last message that went there. When it was no
// opt-out, crm.Service.Suppress with the reason "reply" and Off lifts that again.
//
// A reply is told by the address, the provider's id and at, the instant that the
// provider says it was sent or received, to the microsecond: the same three again
// change nothing. The id needs to be unique among the replies of one address at
// one instant only, so counters that begin anew each day and ids of several
// providers will do. A host should give the provider's instant and not its own
// clock's: an opt-out that is delivered again with a later one is a later opt-out,
// and refuses what was granted between the two. A "not me" whose id is known is
// another one if it was said after a message that was sent since.
func (e *Engine) Reply(ctx context.Context, from crm.Address, id, text string, at time.Time) (_ consent.Reply, err error) {
	defer e.took("reply", time.Now(), &err)
	var parser consent.Parser
	reply := parser.Parse(text)
	if !reply.Intent.Suppress() {
		return reply, nil
	}
	from, err = e.sender(ctx, from)
	if err != nil {
		return reply, err
	}
	if id == "" {
		return reply, &crm.Error{Op: "reply", Entity: "reply", Kind: crm.ErrInvalid, Err: &crm.FieldError{Field: "id", Msg: "must not be empty"}}
	}
	told := id + "@" + strconv.FormatInt(at.UnixMicro(), 10)
	err = e.svc.Update(ctx, func(tx crm.Tx) error {
		svc := e.svc.In(tx)
		refuse := &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "reply", ID: told}, Subject: crm.OfAddress(from), At: at, Version: 1,
			Data: &crm.Consent{ConsentKey: e.cfg.Consent, Status: crm.Refused, Via: "HS_MESAJ", Actor: "recipient", Proof: "reply " + id}}
		stop := &crm.Fact{Key: crm.FactKey{Kind: crm.KindSuppression, Source: "reply", ID: told}, Subject: crm.OfAddress(from), At: at, Version: 1,
			Data: &crm.Suppression{Reason: replyReason, Actor: "recipient"}}
		switch reply.Intent {
		case consent.OptOut:
			return deliver(ctx, svc, refuse)
		case consent.NotMe:
			stop.Data = &crm.Suppression{Reason: "not-me", Actor: "recipient"}
			f, d, err := lastMessage(ctx, tx, from)
			if err != nil {
				return err
			}
			docs, err := tx.Documents(ctx, replyKind, replyID(from, id))
			if err != nil {
				return err
			}
			rev := int64(0)
			if docs[0] != nil {
				// Once it is known, the message is no longer found by the address,
				// but an earlier one may be.
				if later, err := saidLater(ctx, tx, docs[0], f, at); err != nil || !later {
					return err
				}
				rev = docs[0].Rev
			}
			if f != nil {
				doc, err := crm.NewDocument(replyKind, replyID(from, id), heard{f.ID, e.svc.Now()})
				if err != nil {
					return err
				}
				doc.Rev = rev
				if err := tx.PutDocuments(ctx, doc); err != nil {
					return err
				}
				return e.notMe(ctx, tx, f, d, at)
			}
		}
		return deliver(ctx, svc, stop)
	})
	return reply, err
}

// replyReason is the reason of suppressions by a reply that is no clear opt-out.
const replyReason = "reply"

// replyKind is the kind of the documents that say which message a "not me" was
// about, so that the same reply delivered again is not about another.
const replyKind = "reply"

// heard is such a document.
type heard struct {
	Effect crm.EffectID `json:"effect"`
	At     time.Time    `json:"at"` // when the reply was first delivered, by the engine's clock
}

// saidLater reports whether a "not me" whose id is known is another one: it was
// said after a message f that left after the one that the known one was about.
func saidLater(ctx context.Context, r crm.Reader, known *crm.Document, f *crm.Effect, at time.Time) (bool, error) {
	if f == nil || at.Before(f.SentAt) {
		return false, nil
	}
	var about heard
	if err := known.Decode(&about); err != nil {
		return false, err
	}
	was, err := r.Effects(ctx, about.Effect)
	if err != nil {
		return false, err
	}
	return was[0] == nil || f.SentAt.After(was[0].SentAt), nil
}

// replyID names a reply: the provider's id and where it came from.
func replyID(from crm.Address, id string) string {
	sum := sha256.Sum256([]byte(from.String() + "\x00" + id))
	return hex.EncodeToString(sum[:16])
}

// deliver imports facts that may come again, as what providers and browsers send
// does, and then change nothing. All are accepted or it is an error.
func deliver(ctx context.Context, svc *crm.Service, facts ...*crm.Fact) error {
	rep, err := svc.Import(ctx, crm.Batch{Facts: facts})
	for _, r := range rep.Rejected {
		err = errors.Join(err, r.Err)
	}
	return err
}

// lastMessage finds the message that was last sent to an address. Messages of
// campaigns hang on the address, those of rules on the profiles that use it.
func lastMessage(ctx context.Context, r crm.Reader, to crm.Address) (*crm.Effect, MessageData, error) {
	var d MessageData
	subjects := []crm.Subject{crm.OfAddress(to)}
	refs, err := r.Refs(ctx, crm.RefContact, math.MaxInt32, crm.RefKey(to.String()))
	if err != nil {
		return nil, d, err
	}
	for _, ref := range refs[0] {
		subjects = append(subjects, ref.Subject)
	}
	effects, err := r.EffectsOf(ctx, subjects...)
	if err != nil {
		return nil, d, err
	}
	var last *crm.Effect
	for _, f := range effects {
		if f.Kind == crm.EffectMessage && f.To == to && !f.SentAt.IsZero() && !isAnswer(f) && // which went to whoever wrote
			(last == nil || cmp.Or(f.SentAt.Compare(last.SentAt), cmp.Compare(f.ID, last.ID)) > 0) {
			last = f
		}
	}
	if last == nil {
		return nil, d, nil
	}
	return last, d, json.Unmarshal(last.Data, &d)
}
