// Package phonelist sends campaigns to people who telephone: it writes lists of calls for a
// call centre.
//
//	sender, err := phonelist.New(phonelist.Config{Write: toCallCentre})
//	outbox := messaging.Outbox{Sender: messaging.ByChannel{phonelist.Name: sender}, …}
//
// Calls go to the telephone numbers of text messages, but need a consent of their own: its
// purpose is Purpose.
package phonelist

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
	"github.com/vefacrm/vefa/messaging/internal/list"
)

// Name is the channel of calls.
const Name crm.Channel = "call"

// Purpose is that of the consent to calls.
const Purpose = "call"

// Topic is the slot of what a call is about, one line, beside the text that is to be said.
const Topic = "topic"

// Channel returns the channel of calls, to the addresses of crm.Phone.
func Channel() messaging.Channel {
	return messaging.Channel{Name: Name, To: crm.Phone, Purpose: Purpose,
		Slots: []messaging.Slot{{Name: "text", Max: 64 << 10}, {Name: Topic, Form: messaging.LineForm, Optional: true, Max: 400}},
		Measure: func(*messaging.Content, *messaging.Message) (messaging.Size, error) {
			return messaging.Size{Units: 1, Unit: "call"}, nil
		}}
}

// ErrConfig is the kind of every error of New.
var ErrConfig = errors.New("phonelist: configuration")

// Config configures a Sender.
type Config struct {
	// Write keeps a list for those who call, whole or not at all: an error means that there
	// is no list, and its calls come again. A name is that of other calls never.
	Write func(ctx context.Context, name string, csv []byte) error
	// Batch is how many calls a list has at most; 0 means 500.
	Batch int
}

// Sender is a messaging.Sender and BatchLimiter. It is safe for concurrent use if Write is.
type Sender struct{ cfg Config }

// New checks the configuration. The error is an ErrConfig.
func New(cfg Config) (*Sender, error) {
	if cfg.Write == nil {
		return nil, fmt.Errorf("%w: Write must be set", ErrConfig)
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 500
	}
	return &Sender{cfg}, nil
}

// MaxBatch implements messaging.BatchLimiter.
func (s *Sender) MaxBatch() int { return s.cfg.Batch }

// Send implements messaging.Sender: it writes the batch as one list with the columns id,
// number, from, topic and text. A number is the digits of E.164 without the plus, so that
// no spreadsheet takes it for a formula, and nor is any other cell one. The Provider of a
// receipt is the list's name.
func (s *Sender) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	var rows [][]string
	var ids []crm.EffectID
	var at []int
	for i, m := range batch {
		number, why := gateway.Number(m.To)
		switch {
		case why != "":
		case cmp.Or(m.Via, Name) != Name:
			why = "the channel is not served"
		case gateway.Text(m.Text) != "":
			why = gateway.Text(m.Text)
		case !utf8.ValidString(m.From+m.Parts[Topic]) || strings.ContainsAny(m.From+m.Parts[Topic], "\r\n\x00"):
			why = "the sender or the topic is not one line"
		}
		if why != "" {
			out[i] = crm.Receipt{ID: m.ID, Status: crm.Declined, Reason: why}
			continue
		}
		ids, at = append(ids, m.ID), append(at, i)
		rows = append(rows, []string{string(m.ID), number, m.From, m.Parts[Topic], m.Text})
	}
	if len(rows) == 0 {
		return out, nil
	}
	r := list.Hand(ctx, s.cfg.Write, "calls-", ids, []string{"id", "number", "from", "topic", "text"}, rows)
	for n, i := range at {
		r.ID = ids[n]
		out[i] = r
	}
	return out, nil
}
