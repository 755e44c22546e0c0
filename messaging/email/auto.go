package email

import (
	"context"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
)

// AutoReply decides which mail a program answers, after RFC 3834: messaging.AutoReply, and
// no mail whose address or Message-ID could not stand in an answer. Service must be set.
type AutoReply struct {
	Service *crm.Service
	// Own are our mailboxes, and domains as in "@shop.example", to which no answer goes.
	Own []string
	// Every is how long a sender gets no second answer; 0 means 7 days.
	Every time.Duration
}

// The reasons why mail is not answered.
const (
	WrittenByProgram = messaging.WrittenByProgram
	OurOwn           = messaging.OurOwn
	AnsweredLately   = messaging.AnsweredLately
	NoAddress        = messaging.NoAddress
)

// Allow says whether mail is answered by a program, and if not, why, as
// messaging.AutoReply.Allow does.
func (a *AutoReply) Allow(ctx context.Context, m messaging.Inbound) (why string, err error) {
	if !m.Automatic && (m.From.Channel != crm.Email || fault(m.From.Value) != "" || !messageID.MatchString(m.ID)) {
		return NoAddress, nil
	}
	return (&messaging.AutoReply{Service: a.Service, Own: a.Own, Every: a.Every}).Allow(ctx, m)
}

// Answer returns the message that answers mail which Allow allows: to its sender, in its
// thread, marked as auto-replied.
func Answer(m messaging.Inbound, id crm.EffectID, subject, text string) messaging.Message {
	return messaging.Message{ID: id, To: m.From, Via: crm.Email, Text: text, Class: consent.Transactional,
		Parts: map[string]string{Subject: subject}, Meta: map[string]string{MetaAuto: AutoReplied, MetaInReplyTo: m.ID}}
}
