package smppsender

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/sms"
)

// inbound puts parts together, those of all sessions.
type inbound struct {
	mu    sync.Mutex
	parts smpp.Reassembler
}

// submitted remembers a part and tells the host.
func (s *Sender) submitted(p Part) {
	if p.ID != "" {
		s.mu.Lock()
		if len(s.ids) < s.cfg.Remember {
			s.ids = append(s.ids, p.ID)
		} else {
			delete(s.recent, s.ids[s.oldest])
			s.ids[s.oldest] = p.ID
			s.oldest = (s.oldest + 1) % len(s.ids)
		}
		s.recent[p.ID] = p
		s.mu.Unlock()
	}
	if s.cfg.Submitted != nil {
		s.cfg.Submitted(p)
	}
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

// report gives a receipt to the host. One without an id goes there, too: it is all that
// is known.
func (s *Sender) report(ctx context.Context, m *smpp.Message) error {
	if s.cfg.Report == nil {
		return nil
	}
	r, _ := s.cfg.Form.Parse(m)
	s.mu.Lock()
	part, ok := s.recent[r.ID]
	s.mu.Unlock()
	if !ok {
		part = Part{ID: r.ID}
	}
	return s.cfg.Report(ctx, Report{r, part})
}

// receive gives a message, when it is whole, to the host. If the host cannot take it
// the other parts are put back, and the SMSC sends this one again.
func (s *Sender) receive(ctx context.Context, m *smpp.Message) error {
	now := s.cfg.Now()
	s.inbound.mu.Lock()
	ready, err := s.inbound.parts.Add(now, m)
	s.inbound.mu.Unlock()
	if err != nil { // no header that says how it is to be read
		ready = append(ready, smpp.Whole{Parts: []*smpp.Message{m}})
	}
	return s.give(ctx, now, ready, m)
}

// give hands messages to the host. It returns an error if the one with the part last
// failed, or any if last is nil; those that failed wait for the next time.
func (s *Sender) give(ctx context.Context, now time.Time, ready []smpp.Whole, last *smpp.Message) error {
	if s.cfg.Inbound == nil {
		return nil
	}
	var out error
	for _, w := range ready {
		err := s.cfg.Inbound(ctx, s.read(w))
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

// read makes a text of the parts of a message. They are read together, as some phones
// cut within a character.
func (s *Sender) read(w smpp.Whole) Inbound {
	first := w.Parts[0]
	in := Inbound{From: number(first.Source), To: number(first.Destination), Coding: first.DataCoding, Missing: w.Missing}
	var header, body []byte
	whole := true
	for i, p := range w.Parts {
		data := p.UserData()
		in.Raw = append(in.Raw, data)
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

// number writes an address as people do.
func number(a smpp.Address) string {
	if a.TON == smpp.TONInternational && a.Addr != "" {
		return "+" + a.Addr
	}
	return a.Addr
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
