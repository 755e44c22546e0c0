// Package postal sends letters: it measures them in sheets and writes files for who prints
// and posts them.
//
//	channel := postal.Channel(postal.Layout{})
//	sender, err := postal.New(postal.Config{Write: toPrinter})
//	outbox := messaging.Outbox{Sender: messaging.ByChannel{crm.Post: sender}, …}
//
// Letters need no prior consent (Channel.OptOut), as in many countries: a refusal still
// binds. Have counsel confirm it for yours.
package postal

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

// Subject is the slot of a letter's subject beside its text.
const Subject = "subject"

// Layout is how letters are set.
type Layout struct {
	Width  int  // characters of a line; 0 means 80
	Lines  int  // lines of a page; 0 means 50
	Simple bool // one page a sheet; otherwise both sides are printed
}

// Sheets returns how many sheets a text takes, lines broken at blanks where they can be.
func (l Layout) Sheets(text string) int {
	width, lines := cmp.Or(max(l.Width, 0), 80), cmp.Or(max(l.Lines, 0), 50)
	n := 0
	for _, line := range strings.Split(text, "\n") {
		n++
		used := 0
		for i, word := range strings.Split(line, " ") {
			w := utf8.RuneCountInString(word)
			if i > 0 && used+1+w <= width {
				used += 1 + w
				continue
			}
			if i > 0 {
				n++
			}
			for used = w; used > width; used -= width {
				n++
			}
		}
	}
	pages := (n + lines - 1) / lines
	if l.Simple {
		return pages
	}
	return (pages + 1) / 2
}

// Channel returns the channel of letters, crm.Post: a text and a subject, measured in
// sheets of a layout.
func Channel(l Layout) messaging.Channel {
	return messaging.Channel{Name: crm.Post, OptOut: true,
		Slots: []messaging.Slot{{Name: "text", Max: 1 << 20}, {Name: Subject, Form: messaging.LineForm, Optional: true, Max: 400}},
		Measure: func(_ *messaging.Content, m *messaging.Message) (messaging.Size, error) {
			text := m.Text
			if s := m.Parts[Subject]; s != "" {
				text = s + "\n\n" + text
			}
			n := l.Sheets(text)
			return messaging.Size{Units: n, Unit: "sheet", Note: fmt.Sprintf("%d characters", utf8.RuneCountInString(text))}, nil
		}}
}

// ErrConfig is the kind of every error of New.
var ErrConfig = errors.New("postal: configuration")

// Config configures a Sender.
type Config struct {
	// Write keeps a file for who prints it, whole or not at all: an error means that there
	// is no file, and its letters come again. A name is that of other letters never.
	Write func(ctx context.Context, name string, csv []byte) error
	// Batch is how many letters a file has at most; 0 means 1,000.
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
		cfg.Batch = 1000
	}
	return &Sender{cfg}, nil
}

// MaxBatch implements messaging.BatchLimiter.
func (s *Sender) MaxBatch() int { return s.cfg.Batch }

// Send implements messaging.Sender: it writes the batch as one file with the columns id,
// address, from, subject and text. No cell is a formula of a spreadsheet. The Provider of a
// receipt is the file's name.
func (s *Sender) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	var rows [][]string
	var ids []crm.EffectID
	var at []int
	for i, m := range batch {
		why := gateway.Text(m.Text)
		switch {
		case cmp.Or(m.Via, m.To.Channel) != crm.Post || m.To.Channel != crm.Post:
			why = "the channel is not served"
		case strings.TrimSpace(m.To.Value) == "" || gateway.Text(m.To.Value) != "":
			why = "not a postal address"
		case !utf8.ValidString(m.From+m.Parts[Subject]) || strings.ContainsAny(m.From+m.Parts[Subject], "\r\n\x00"):
			why = "the sender or the subject is not one line"
		}
		if why != "" {
			out[i] = crm.Receipt{ID: m.ID, Status: crm.Declined, Reason: why}
			continue
		}
		ids, at = append(ids, m.ID), append(at, i)
		rows = append(rows, []string{string(m.ID), m.To.Value, m.From, m.Parts[Subject], m.Text})
	}
	if len(rows) == 0 {
		return out, nil
	}
	r := list.Hand(ctx, s.cfg.Write, "letters-", ids, []string{"id", "address", "from", "subject", "text"}, rows)
	for n, i := range at {
		r.ID = ids[n]
		out[i] = r
	}
	return out, nil
}
