package vefa

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
)

// inboundSource is the source of inbound messages' keys.
const inboundSource = "inbound"

// inbound reads one message, keeps it and answers where a program does.
func (e *Engine) inbound(ctx context.Context, m messaging.Inbound, out *FeedbackReport) (consent.Intent, error) {
	from, err := e.sender(ctx, m.From)
	if err != nil {
		return "", err
	}
	said := &crm.Interaction{Channel: string(cmp.Or(m.To.Channel, from.Channel)), Direction: "in", Text: clipLines(m.Text, 10_000), Ref: crm.Clip(m.ID, 1000)}
	w := written{Inbound: m, fact: &crm.Fact{Subject: crm.OfAddress(from), At: m.At, Version: 1, Data: said}}
	w.key(e.keys.ids)
	if m.At.IsZero() { // as it was kept, so that told again it is no later one
		w.fact.At = e.svc.Now()
		if err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			kept, err := w.kept(ctx, r)
			if kept != nil {
				w.fact.At = kept.At
			}
			return err
		}); err != nil {
			return "", err
		}
	}
	var intent consent.Intent
	if !m.Automatic {
		reply, err := e.Reply(ctx, m.From, m.ID, m.Text, w.fact.At)
		if err != nil {
			return "", err
		}
		intent = reply.Intent
	}
	rated := false
	if said.Topic = string(intent); m.Automatic {
		said.Topic = automaticTopic
	} else if intent == "" {
		if rated, err = e.rated(ctx, &w); err != nil {
			return intent, err
		}
	}
	if rated {
		said.Topic = answerTopic
		out.Rated++
	}
	about, ticket, err := e.keepInbound(ctx, &w, !rated && e.cfg.Inbox.files(m, intent), out)
	if err != nil || rated || intent.Suppress() {
		return intent, err
	}
	planned, err := e.autoReply(ctx, m, from, crm.Channel(said.Channel), about, ticket)
	if planned {
		out.Answered++
	}
	return intent, err
}

// written is an inbound message and the fact as which it is kept.
//
// A provider's id tells one message from another of the same address by the same channel only:
// ids of mail are its senders' own words, and two channels may count alike. Counters that begin
// anew each day give one id to several, which differ in their time, as far as the provider names
// it. One provider tells the same message with a time where it is asked and without where it
// pushes.
type written struct {
	messaging.Inbound
	fact *crm.Fact
	id   string // of the keys of all messages of this id; that of one with a time goes on with it

	who    crm.ProfileKey // who wrote it, where that is known; zero: see matter
	ticket crm.FactRef    // which it goes to as long as that is unsolved; zero: none in particular
}

// told is by how much the time of a message may be before that of hearing of it: it is the
// same message then, if it says the same.
const told = 12 * time.Hour

// key sets the key under which a message is kept that was not told before. It is keyed, because
// keys are in logs and addresses must not be.
func (w *written) key(ids *crm.EffectIDs) {
	about := crm.FactKey{Kind: crm.KindInteraction, Source: w.fact.Data.(*crm.Interaction).Channel, ID: w.ID}
	w.id = string(ids.ID("inbound-message", w.fact.Subject, about, ""))
	w.fact.Key = crm.FactKey{Kind: crm.KindInteraction, Source: inboundSource, ID: w.id + w.stamp()}
}

// stamp is what the time adds to a key.
func (w *written) stamp() string {
	if w.At.IsZero() {
		return ""
	}
	return "@" + strconv.FormatInt(w.At.UnixMicro(), 10)
}

// kept returns the message as it is kept, nil if it is not.
func (w *written) kept(ctx context.Context, r crm.Reader) (*crm.Fact, error) {
	ref := func(id string) crm.FactRef {
		return crm.FactRef{Subject: w.fact.Subject, Key: crm.FactKey{Kind: crm.KindInteraction, Source: inboundSource, ID: id}}
	}
	// Keys had neither channel nor address once.
	exact, err := r.Facts(ctx, ref(w.id+w.stamp()), ref(crm.RefKey(w.ID+w.stamp())))
	if err != nil {
		return nil, err
	}
	for _, f := range exact {
		if w.sameChannel(f) {
			return f, nil
		}
	}
	if !w.At.IsZero() {
		bare, err := r.Facts(ctx, ref(w.id), ref(crm.RefKey(w.ID)))
		if err != nil {
			return nil, err
		}
		for _, f := range bare {
			if w.same(f, w.At, f) {
				return f, nil
			}
		}
		return nil, nil
	}
	var last *crm.Fact
	for _, id := range []string{w.id, w.ID} {
		if len(id) >= crm.MaxKeyLen {
			continue
		}
		q := crm.FactQuery{Subjects: []crm.Subject{w.fact.Subject}, Kinds: []crm.FactKind{crm.KindInteraction}, After: ref(id + "@"), Limit: mostTold}
		page, err := r.FactsOf(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, f := range page {
			if f.Key.Source == inboundSource && strings.HasPrefix(f.Key.ID, id+"@") && w.same(f, f.At, w.fact) && (last == nil || f.At.After(last.At)) {
				last = f
			}
		}
	}
	return last, nil
}

// mostTold bounds how many messages of one id are looked at.
const mostTold = 100

// sameChannel reports whether a fact is of a message by the same channel.
func (w *written) sameChannel(f *crm.Fact) bool {
	if f == nil {
		return false
	}
	said, ok := f.Data.(*crm.Interaction)
	return ok && said.Channel == w.fact.Data.(*crm.Interaction).Channel
}

// same reports whether a fact is the message although only one of the two was told with a time: at,
// by the provider's clock, where heard is when the other came.
func (w *written) same(f *crm.Fact, at time.Time, heard *crm.Fact) bool {
	if !w.sameChannel(f) {
		return false
	}
	if is, own := f.Data.(*crm.Interaction), w.fact.Data.(*crm.Interaction); is.Text != own.Text || is.Ref != own.Ref {
		return false
	}
	late := heard.At.Sub(at)
	return late > -time.Hour && late < told // clocks differ
}

// breaks are the ways to begin a line.
var breaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n")

// clipLines is crm.Clip of a text in lines, which it leaves in lines.
func clipLines(s string, n int) string {
	lines := strings.Split(breaks.Replace(s), "\n")
	for i, l := range lines {
		lines[i] = crm.Clip(l, n)
		if n -= len(l) + 1; n <= 0 {
			lines = lines[:i+1]
			break
		}
	}
	return strings.Join(lines, "\n")
}

// automaticTopic is the Topic of inbound messages that a machine wrote.
const automaticTopic = "automatic"
