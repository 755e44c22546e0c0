package messaging

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// AutoReply decides which inbound messages a program answers, after RFC 3834: never what a
// program wrote, never ourselves, and each sender once in a while, so that two programs
// that answer one another end after a message each. It serves every channel. Service must
// be set.
type AutoReply struct {
	// Service has the record; after Service.In the decision is part of the caller's
	// transaction, in which the answer can be planned.
	Service *crm.Service
	// Own are our numbers and mailboxes, as crm.Service.Normal reads addresses, and domains as in
	// "@shop.example", to which no answer goes.
	Own []string
	// Every is how long a sender gets no second answer; 0 means 7 days.
	Every time.Duration
}

// The reasons why a message is not answered by a program.
const (
	WrittenByProgram = "written by a program"
	OurOwn           = "our own"
	AnsweredLately   = "answered lately"
	NoAddress        = "no address to answer to"
)

// autoKind is the kind of the states that say when an address was answered.
const autoKind = "auto-reply"

type answered struct {
	At time.Time `json:"at"`
	To string    `json:"to"` // the message that was answered
}

// Allow says whether a message is answered by a program, and if not, why: one of the
// reasons above. That it may be is kept, under the lock of the sender's address, so that of
// two processes that read at once one may; asked again about the same message, it says so
// again.
func (a *AutoReply) Allow(ctx context.Context, m Inbound) (why string, err error) {
	if m.Automatic {
		return WrittenByProgram, nil
	}
	from, err := a.Service.Normal(m.From)
	if err != nil || m.ID == "" || addressFault(from) != "" {
		return NoAddress, nil
	}
	for _, own := range a.Own {
		if a.isOurs(from, own) {
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
		return "", fmt.Errorf("messaging: auto reply: %w", err)
	}
	return why, nil
}

// isOurs reports whether an address in normal form is the one of ours that own writes.
func (a *AutoReply) isOurs(from crm.Address, own string) bool {
	if lower := strings.ToLower(strings.TrimSpace(own)); from.Value == lower || strings.HasPrefix(lower, "@") && strings.HasSuffix(from.Value, lower) {
		return true
	}
	ours, err := a.Service.Normal(crm.Address{Channel: from.Channel, Value: own})
	return err == nil && ours == from
}
