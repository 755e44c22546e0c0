package email

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
)

// AutoReply decides which mail a program answers, after RFC 3834: never what a program
// wrote, never mail of our own, and each sender once in a while, so that two programs that
// answer one another end after a mail each. Service must be set.
type AutoReply struct {
	Service *crm.Service
	// Own are our mailboxes, and domains as in "@shop.example", to which no answer goes.
	Own []string
	// Every is how long a sender gets no second answer; 0 means 7 days.
	Every time.Duration
}

// The reasons why mail is not answered.
const (
	WrittenByProgram = "written by a program"
	OurOwn           = "our own"
	AnsweredLately   = "answered lately"
	NoAddress        = "no address to answer to"
)

// autoKind is the kind of the states that say when an address was answered.
const autoKind = "email-auto-reply"

type answered struct {
	At time.Time `json:"at"`
	To string    `json:"to"` // the mail that was answered
}

// Allow says whether mail is answered by a program, and if not, why: one of the reasons
// above. That it may be is kept, under the lock of the sender's address, so that of two
// processes that read at once one may; asked again about the same mail, it says so again.
func (a *AutoReply) Allow(ctx context.Context, m messaging.Inbound) (why string, err error) {
	if m.Automatic {
		return WrittenByProgram, nil
	}
	if m.From.Channel != crm.Email || fault(m.From.Value) != "" || !messageID.MatchString(m.ID) {
		return NoAddress, nil
	}
	from, err := a.Service.Normal(m.From)
	if err != nil {
		return NoAddress, nil
	}
	for _, own := range a.Own {
		if own = strings.ToLower(own); from.Value == own || strings.HasPrefix(own, "@") && strings.HasSuffix(from.Value, own) {
			return OurOwn, nil
		}
	}
	every := a.Every
	if every <= 0 {
		every = 7 * 24 * time.Hour
	}
	err = a.Service.Update(ctx, func(tx crm.Tx) error {
		why = ""
		if _, err := tx.LockAddresses(ctx, from); err != nil {
			return err
		}
		key := crm.StateKey{Kind: autoKind, Subject: crm.OfAddress(from)}
		states, err := tx.States(ctx, key)
		if err != nil {
			return err
		}
		now, rev := crm.Micros(a.Service.Now()), int64(0)
		if s := states[0]; s != nil {
			var last answered
			if err := s.Decode(&last); err != nil {
				return err
			}
			if last.To == m.ID {
				return nil
			}
			if now.Sub(last.At) < every {
				why = AnsweredLately
				return nil
			}
			rev = s.Rev
		}
		s, err := crm.NewState(autoKind, key.Subject, answered{now, m.ID})
		if err != nil {
			return err
		}
		s.Rev = rev
		return tx.PutStates(ctx, s)
	})
	if err != nil {
		return "", fmt.Errorf("email: auto reply: %w", err)
	}
	return why, nil
}

// Answer returns the message that answers mail which Allow allows: to its sender, in its
// thread, marked as auto-replied.
func Answer(m messaging.Inbound, id crm.EffectID, subject, text string) messaging.Message {
	return messaging.Message{ID: id, To: m.From, Via: crm.Email, Text: text, Class: consent.Transactional,
		Parts: map[string]string{Subject: subject}, Meta: map[string]string{MetaAuto: AutoReplied, MetaInReplyTo: m.ID}}
}
