package smpp

import (
	"bytes"
	"time"
)

// Reassembler puts the parts of long messages together, in memory: parts that wait
// are lost with the process. The zero value works. It is for one goroutine.
type Reassembler struct {
	// Wait is how long the parts that are missing are waited for after the first came;
	// 0 means 10 minutes.
	Wait time.Duration
	// Messages and Octets bound what is kept; 0 means 1,000 messages and 4 MiB. Beyond
	// that the message that has waited longest is given up.
	Messages, Octets int

	open   map[wholeKey]*pending
	order  []*pending // by the time of the first part; some are done
	octets int
}

// Whole is a message with all the parts of it that came.
type Whole struct {
	Parts   []*Message // in their order, without those missing
	Missing int        // parts that did not come in time; 0 for a whole message
}

type wholeKey struct {
	source, destination Address
	ref                 uint16
	wide, sar           bool
	of                  int
}

type pending struct {
	key    wholeKey
	since  time.Time
	parts  []*Message
	have   int
	octets int
	done   bool
}

// Add takes a message and returns what is ready: the message itself if it has one part,
// the long one that it completes, and those that were waited for too long or that there
// is no room for. A part that comes again is left out; another text under the same
// number begins a new message, as references are used again. The error is
// ErrHeader; the message then is kept nowhere.
func (r *Reassembler) Add(now time.Time, m *Message) ([]Whole, error) {
	out := r.Expire(now)
	p, err := PartOf(m)
	if err != nil {
		return out, err
	}
	if p.Of == 1 {
		return append(out, Whole{Parts: []*Message{m}}), nil
	}
	key := wholeKey{m.Source, m.Destination, p.Reference, p.Wide, p.SAR, p.Of}
	w := r.open[key]
	if w != nil && w.parts[p.Number-1] != nil {
		if bytes.Equal(w.parts[p.Number-1].UserData(), m.UserData()) {
			return out, nil
		}
		out = append(out, r.take(w))
		w = nil
	}
	if w == nil {
		if r.open == nil {
			r.open = map[wholeKey]*pending{}
		}
		w = &pending{key: key, since: now, parts: make([]*Message, p.Of)}
		w.octets = 8 * p.Of
		r.octets += w.octets
		r.open[key] = w
		r.order = append(r.order, w)
	}
	size := messageSize(m)
	w.parts[p.Number-1] = m
	w.have++
	w.octets += size
	r.octets += size
	if w.have == len(w.parts) {
		return append(out, r.take(w)), nil
	}
	messages, octets := r.Messages, r.Octets
	if messages <= 0 {
		messages = 1000
	}
	if octets <= 0 {
		octets = 4 << 20
	}
	for len(r.open) > messages || r.octets > octets {
		out = append(out, r.take(r.oldest()))
	}
	return out, nil
}

// Expire returns the messages whose missing parts have not come in time.
func (r *Reassembler) Expire(now time.Time) []Whole {
	wait := r.Wait
	if wait <= 0 {
		wait = 10 * time.Minute
	}
	var out []Whole
	for w := r.oldest(); w != nil && now.Sub(w.since) >= wait; w = r.oldest() {
		out = append(out, r.take(w))
	}
	return out
}

// Waiting returns how many messages wait for parts, and what their parts take in
// octets.
func (r *Reassembler) Waiting() (messages, octets int) { return len(r.open), r.octets }

// oldest returns the message that has waited longest, nil if none waits.
func (r *Reassembler) oldest() *pending {
	for len(r.order) > 0 && r.order[0].done {
		r.order[0] = nil
		r.order = r.order[1:]
	}
	if len(r.order) == 0 {
		return nil
	}
	return r.order[0]
}

// take ends the waiting for a message.
func (r *Reassembler) take(w *pending) Whole {
	delete(r.open, w.key)
	r.octets -= w.octets
	w.done = true
	out := Whole{Missing: len(w.parts) - w.have}
	for _, p := range w.parts {
		if p != nil {
			out.Parts = append(out.Parts, p)
		}
	}
	w.parts = nil
	if len(r.order) > 64 && len(r.order) > 2*len(r.open) { // those done behind an old one
		kept := r.order[:0]
		for _, w := range r.order {
			if !w.done {
				kept = append(kept, w)
			}
		}
		clear(r.order[len(kept):])
		r.order = kept
	}
	return out
}

// messageSize is about what a message takes in memory.
func messageSize(m *Message) int {
	n := 256 + len(m.Text) + len(m.Source.Addr) + len(m.Destination.Addr)
	for _, t := range m.TLVs {
		n += 32 + len(t.Value)
	}
	return n
}
