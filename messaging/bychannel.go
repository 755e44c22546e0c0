package messaging

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// ByChannel is a Sender that hands each message to the Sender of the channel of its
// Via, or of its address. A message on a channel that has none is crm.Declined. It recognises ids if all
// of its senders do; what cannot be asked about stays crm.Uncertain.
type ByChannel map[crm.Channel]Sender

// Send hands the batch to the senders, channel by channel, in as many calls as they
// ask for. What fails leaves the fates of its own channel unknown alone.
func (s ByChannel) Send(ctx context.Context, batch []Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	of := map[crm.Channel][]int{}
	for i, m := range batch {
		ch := cmp.Or(m.Via, m.To.Channel)
		of[ch] = append(of[ch], i)
	}
	var faults []error
	for _, ch := range channels(of) {
		sender := s[ch]
		most := len(batch)
		if l, ok := sender.(BatchLimiter); ok && l.MaxBatch() > 0 {
			most = l.MaxBatch()
		}
		for chunk := range slices.Chunk(of[ch], most) {
			messages := make([]Message, len(chunk))
			for k, i := range chunk {
				messages[k] = batch[i]
			}
			got, err := callSender(ctx, sender, messages)
			if err != nil {
				faults = append(faults, fmt.Errorf("channel %s: %w", ch, err))
			}
			for k, i := range chunk {
				out[i] = got[k]
			}
		}
	}
	if len(faults) > 0 && !slices.ContainsFunc(out, func(r crm.Receipt) bool { return r.Status != crm.Uncertain }) {
		return nil, errors.Join(faults...) // nothing is known: the log should say so
	}
	return out, nil
}

// callSender returns one receipt per message, whatever the sender does.
func callSender(ctx context.Context, s Sender, batch []Message) (out []crm.Receipt, err error) {
	out = make([]crm.Receipt, len(batch))
	for i, m := range batch {
		out[i] = crm.Receipt{ID: m.ID, Status: crm.Uncertain}
		if s == nil {
			out[i] = crm.Receipt{ID: m.ID, Status: crm.Declined, Reason: "there is no sender for channel " + string(cmp.Or(m.Via, m.To.Channel))}
		}
	}
	if s == nil {
		return out, nil
	}
	got, err := send(ctx, s, batch)
	if err == nil && len(got) != len(batch) {
		err = fmt.Errorf("messaging: the sender answered %d of %d messages", len(got), len(batch))
	}
	for i := range out {
		if err != nil {
			out[i].Reason = "the answer is lost: " + short(err.Error())
		} else if got[i].ID == out[i].ID {
			out[i] = got[i]
		}
	}
	return out, err
}

func send(ctx context.Context, s Sender, batch []Message) (got []crm.Receipt, err error) {
	defer crm.Recover("send", &err)
	return s.Send(ctx, batch)
}

// Idempotent reports whether all senders recognise ids.
func (s ByChannel) Idempotent() bool {
	for _, sender := range s {
		if !isIdempotent(sender) {
			return false
		}
	}
	return len(s) > 0
}

// ask asks the sender of the channel that each message went by.
func (s ByChannel) ask(ctx context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(claims))
	of := map[crm.Channel][]int{}
	for i, c := range claims {
		out[i] = crm.Receipt{ID: c.Effect.ID, Status: crm.Uncertain, Reason: "the provider cannot be asked"}
		ch := cmp.Or(c.Effect.Via, c.Effect.To.Channel)
		of[ch] = append(of[ch], i)
	}
	for _, ch := range channels(of) {
		r, ok := s[ch].(Reconciler)
		if !ok {
			continue
		}
		ids := make([]crm.EffectID, len(of[ch]))
		for k, i := range of[ch] {
			ids[k] = claims[i].Effect.ID
		}
		got, err := reconcile(ctx, r, ids)
		for k, i := range of[ch] {
			if err == nil && k < len(got) && got[k].ID == ids[k] {
				out[i] = got[k]
			}
		}
	}
	return out, nil
}

func reconcile(ctx context.Context, r Reconciler, ids []crm.EffectID) (got []crm.Receipt, err error) {
	defer crm.Recover("reconcile", &err)
	return r.Reconcile(ctx, ids)
}

// asks reports whether any sender can be asked.
func (s ByChannel) asks() bool {
	for _, sender := range s {
		if _, ok := sender.(Reconciler); ok {
			return true
		}
	}
	return false
}

func channels(of map[crm.Channel][]int) []crm.Channel {
	out := make([]crm.Channel, 0, len(of))
	for ch := range of {
		out = append(out, ch)
	}
	slices.Sort(out)
	return out
}
