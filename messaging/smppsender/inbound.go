package smppsender

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/sms"
)

// inbound puts parts together, those of all sessions.
type inbound struct {
	mu    sync.Mutex
	parts smpp.Reassembler
}

// handle takes what the SMSC sends by itself.
func (s *Sender) handle(ctx context.Context, p smpp.PDU) smpp.Status {
	var m *smpp.Message
	switch b := p.Body.(type) {
	case *smpp.Message:
		m = b
	case *smpp.Data:
		m = b.Message()
	default:
		if p.Command == smpp.AlertNotification {
			return smpp.OK
		}
		return smpp.InvalidCommand
	}
	var err error
	if smpp.IsReceipt(m) {
		err = s.report(ctx, m)
	} else {
		err = s.receive(ctx, m)
	}
	if err != nil {
		return smpp.TemporaryAppError
	}
	return smpp.OK
}

// report gives a receipt to the host. One without an id is about nothing.
func (s *Sender) report(ctx context.Context, m *smpp.Message) error {
	r, ok := s.cfg.Form.Parse(m)
	if !ok {
		return nil
	}
	out := messaging.Report{Provider: plain(r.ID), State: delivery(r.State), Code: crm.Clip(r.Error, 64), At: r.Done}
	if out.Code == "" && r.Network != 0 {
		out.Code = fmt.Sprintf("%d/%d", r.Network, r.NetworkCode)
	}
	if out.State != messaging.Delivered {
		out.Reason = crm.Clip(r.Word, 64)
		if out.Reason == "" {
			out.Reason = r.State.String()
		}
	}
	if out.Provider == "" {
		return nil
	}
	if out.State.Final() && out.State != messaging.Delivered && s.cfg.Bounce != nil {
		out.Bounce = s.cfg.Bounce(r)
	}
	return s.tell(ctx, messaging.Feedback{Reports: []messaging.Report{out}})
}

// delivery returns the state of a report. What says nothing certain, such as ACCEPTD,
// which some write for "taken by the network", UNKNOWN and words of the provider's own, is
// on its way.
func delivery(s smpp.State) messaging.Delivery {
	switch s {
	case smpp.Delivered:
		return messaging.Delivered
	case smpp.Expired:
		return messaging.Expired
	case smpp.Undeliverable:
		return messaging.Undelivered
	case smpp.Rejected, smpp.Deleted:
		return messaging.Rejected
	}
	return messaging.Enroute
}

// tell gives feedback to the host. What the host finds invalid would be no better the
// next time and is not asked for again.
func (s *Sender) tell(ctx context.Context, f messaging.Feedback) error {
	if s.cfg.Feedback == nil {
		return nil
	}
	if err := s.cfg.Feedback(ctx, f); err != nil && !errors.Is(err, messaging.ErrReport) {
		return err
	}
	return nil
}

// receive gives a message, when it is whole, to the host. If the host cannot take it
// the other parts are put back, and the SMSC sends this one again.
func (s *Sender) receive(ctx context.Context, m *smpp.Message) error {
	now := s.cfg.Now()
	s.inbound.mu.Lock()
	ready, err := s.inbound.parts.Add(now, m)
	s.inbound.mu.Unlock()
	if err != nil { // a header that cannot be read: the text is none
		ready = append(ready, smpp.Whole{Parts: []*smpp.Message{m}})
	}
	return s.give(ctx, now, ready, m)
}

// give hands messages to the host. It returns an error if the one with the part last
// failed, or any if last is nil; those that failed wait for the next time.
func (s *Sender) give(ctx context.Context, now time.Time, ready []smpp.Whole, last *smpp.Message) error {
	var out error
	for _, w := range ready {
		err := s.tell(ctx, messaging.Feedback{Inbound: []messaging.Inbound{s.read(now, w)}})
		if err == nil {
			continue
		}
		if last == nil || slices.Contains(w.Parts, last) {
			out = errors.Join(out, err)
		}
		s.inbound.mu.Lock()
		for _, p := range w.Parts {
			if p != last {
				_, _ = s.inbound.parts.Add(now, p) // beyond its bounds the oldest is lost
			}
		}
		s.inbound.mu.Unlock()
	}
	return out
}

// expiring gives the host what was waited for too long.
func (s *Sender) expiring() {
	t := time.NewTicker(max(s.cfg.PartWait/4, time.Millisecond))
	defer t.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		select {
		case <-s.stop:
			return
		case <-t.C:
			now := s.cfg.Now()
			s.inbound.mu.Lock()
			ready := s.inbound.parts.Expire(now)
			s.inbound.mu.Unlock()
			_ = s.give(ctx, now, ready, nil) // what failed waits again
		}
	}
}

// flush gives the host all parts that wait.
func (s *Sender) flush(ctx context.Context) error {
	now := s.cfg.Now()
	s.inbound.mu.Lock()
	ready := s.inbound.parts.Expire(now.Add(s.cfg.PartWait))
	s.inbound.mu.Unlock()
	return s.give(ctx, now, ready, nil)
}

// read makes a message of its parts. They are read together, as some phones cut within
// a character. SMPP gives no id of an inbound message: it is made of the addresses, the
// octets and the hour, so that one that comes again within the hour is the same, and the
// same word written again later another.
func (s *Sender) read(now time.Time, w smpp.Whole) messaging.Inbound {
	first := w.Parts[0]
	in := messaging.Inbound{From: address(first.Source), To: address(first.Destination)}
	id := sha256.New()
	fmt.Fprintf(id, "%q %q %d", first.Source.Addr, first.Destination.Addr, now.Unix()/3600)
	var header, body []byte
	whole := true
	for i, p := range w.Parts {
		data := p.UserData()
		fmt.Fprintf(id, " %q", data)
		h, text, err := smpp.SplitHeader(p.ESMClass, data)
		if err == nil && s.cfg.Packed && alphabet(first.DataCoding) == gsm7 {
			text, err = unpack(data, len(h) > 0)
		}
		if err != nil || p.DataCoding != first.DataCoding {
			whole = false
			continue
		}
		if i == 0 {
			header = national(h)
		}
		body = append(body, text...)
	}
	in.ID = hex.EncodeToString(id.Sum(nil)[:16])
	if whole {
		in.Text = decode(first.DataCoding, header, body)
	}
	return in
}

// unpack returns the septets of packed octets, without what fills the last one.
func unpack(data []byte, headed bool) ([]byte, error) {
	length := len(data) * 8 / 7
	g, err := sms.ParseUserData(data, length, true, headed)
	if n := len(g.Body); err == nil && length%8 == 0 && n > 0 && (g.Body[n-1] == 0x0D || g.Body[n-1] == 0) {
		g.Body = g.Body[:n-1]
	}
	return g.Body, err
}

// address returns an address as people write it.
func address(a smpp.Address) crm.Address {
	number := a.Addr
	if a.TON == smpp.TONInternational && number != "" {
		number = "+" + number
	}
	return crm.Address{Channel: crm.Phone, Value: number}
}

type letters uint8

const (
	binary letters = iota
	gsm7
	ascii
	latin1
	ucs2
)

// alphabet tells the alphabet of a data_coding: SMPP 3.4 section 5.2.19, and the groups
// of 3GPP TS 23.038 section 4 above.
func alphabet(coding byte) letters {
	switch {
	case coding == 0:
		return gsm7
	case coding == 1:
		return ascii
	case coding == 3:
		return latin1
	case coding == 8:
		return ucs2
	case coding < 0x10:
		return binary
	case coding < 0x40:
		return [...]letters{gsm7, binary, ucs2, binary}[coding>>2&3]
	case coding&0xF0 == 0xF0 && coding&4 == 0:
		return gsm7
	}
	return binary
}

// decode reads a text, "" where it is none.
func decode(coding byte, header, body []byte) string {
	switch alphabet(coding) {
	case gsm7, ucs2:
		e := sms.GSM7
		if alphabet(coding) == ucs2 {
			e = sms.UCS2
		}
		text, err := sms.Decode([]sms.Segment{{Encoding: e, Header: header, Body: body}})
		if err != nil {
			return ""
		}
		return text
	case ascii, latin1:
		runes := make([]rune, len(body))
		for i, b := range body {
			runes[i] = rune(b)
			if alphabet(coding) == ascii && b > 0x7F {
				runes[i] = utf8.RuneError
			}
		}
		return string(runes)
	}
	return ""
}
