package smpp

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Bounds of what a session keeps besides the window.
const (
	maxBacklog = 1 << 20 // octets of answers that the other side does not take
	keepBuffer = 1 << 18 // a larger buffer is not used again
	maxBatch   = 256     // answers that are handled at a time
)

// writing writes what is queued, all of it in one call.
func (s *Session) writing() {
	for {
		select {
		case <-s.wake:
		case <-s.ctx.Done():
			return
		}
		// Those who were woken by the same answers queue theirs first.
		runtime.Gosched()
		for {
			s.mu.Lock()
			if len(s.out) == 0 || s.err != nil {
				s.flushing = false
				finish := s.finish
				s.mu.Unlock()
				if finish != nil {
					s.fail(finish)
				}
				break
			}
			buf := s.out
			s.out, s.spare = s.spare[:0], nil
			s.given = s.queued
			s.stalled = s.tick
			s.stats.Writes++
			s.mu.Unlock()
			_, err := s.conn.Write(buf)
			if err != nil {
				s.fail(fmt.Errorf("smpp: write: %w", err))
				return
			}
			s.mu.Lock()
			s.stalled = 0
			if cap(buf) <= keepBuffer {
				s.spare = buf
			}
			s.mu.Unlock()
		}
	}
}

// reading reads until the connection ends, and handles together what came together.
func (s *Session) reading() {
	batch := make([]PDU, 0, maxBatch)
	bad := make([]error, 0, maxBatch)
	for {
		batch, bad = batch[:0], bad[:0]
		for len(batch) == 0 || len(batch) < maxBatch && s.stream.Buffered() {
			p, err := s.stream.Next()
			var field *FieldError
			if err != nil && !errors.As(err, &field) {
				s.receive(batch, bad)
				s.fail(fmt.Errorf("smpp: read: %w", err))
				return
			}
			batch, bad = append(batch, p), append(bad, err)
		}
		if !s.receive(batch, bad) {
			return
		}
		clear(batch)
	}
}

// answered is an answer and the request that waited for it.
type answered struct {
	slot slot
	pdu  PDU
	err  error
}

// receive handles a batch of PDUs; bad has the error of each that could not be read.
// It returns false when the session has ended. Places in the window are given back all
// at once, so that the requests that wait go out together.
func (s *Session) receive(batch []PDU, bad []error) bool {
	all := s.answers[:0]
	var over error
	unbound := false
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return false
	}
	s.heard = true
	for i, p := range batch {
		if p.Command.IsResponse() {
			if a, ok := s.answer(p, bad[i]); ok {
				all = append(all, a)
			}
			continue
		}
		s.stats.Received++
		switch {
		case bad[i] != nil:
			s.stats.Malformed++
			s.reply(PDU{Command: GenericNack, Status: InvalidCommandLength, Sequence: p.Sequence})
		case p.Command == EnquireLink:
			s.reply(PDU{Command: EnquireLink.Response(), Sequence: p.Sequence})
		case p.Command == Unbind:
			s.reply(PDU{Command: Unbind.Response(), Sequence: p.Sequence})
			unbound = true
		default:
			s.take(p)
		}
		if len(s.out) > maxBacklog+s.cfg.Window*s.cfg.MaxPDU {
			over = fmt.Errorf("%w: it takes no answers", ErrDead)
		}
	}
	s.window.grant()
	s.settled()
	s.mu.Unlock()
	for i := range all {
		all[i].slot.done(all[i].pdu, all[i].err)
	}
	clear(all)
	s.answers = all
	switch {
	case over != nil:
		s.fail(over)
	case unbound:
		s.last(ErrUnbound)
	default:
		return true
	}
	return false
}

// answer finds the request of a response. It is called with the lock.
func (s *Session) answer(p PDU, bad error) (answered, bool) {
	sl, ok := s.window.take(p.Sequence)
	if !ok {
		s.stats.Late++
		return answered{}, false
	}
	s.stats.Answered++
	a := answered{sl, p, nil}
	switch {
	case p.Command != sl.command.Response() && p.Command != GenericNack:
		a.err = fmt.Errorf("%w: %s answers %s", ErrUnknown, p.Command, sl.command)
	case p.Status != OK || p.Command == GenericNack:
		a.err = &StatusError{p.Command, p.Status}
	case bad != nil:
		s.stats.Malformed++
		a.err = fmt.Errorf("%w: %w", ErrUnknown, bad)
	}
	if p.Status == Throttled || p.Status == QueueFull {
		s.stats.Throttled++
	}
	if sl.counts {
		s.pace(sl, p.Status)
	}
	return a, true
}

// pace makes the window smaller or larger and holds requests back.
func (s *Session) pace(sl slot, status Status) {
	w := &s.window
	hold := w.judge(sl, status, s.queued)
	if status == OK && w.hold > s.cfg.HoldFrom {
		w.hold = max(w.hold/2, s.cfg.HoldFrom)
	}
	if hold == 0 || w.held {
		return
	}
	w.held = true
	w.hold = min(2*hold, s.cfg.HoldTo)
	s.holding = time.AfterFunc(hold, func() {
		s.mu.Lock()
		w.held = false
		w.grant()
		s.mu.Unlock()
	})
}

// take puts a request of the SMSC into the inbox. It is called with the lock.
func (s *Session) take(p PDU) {
	if s.cfg.Handler == nil {
		s.respond(p, InvalidCommand)
		return
	}
	select {
	case s.inbox <- p:
	default:
		s.stats.Refused++
		s.respond(p, QueueFull)
	}
}

// respond queues the answer to a request of the SMSC. It is called with the lock.
func (s *Session) respond(p PDU, status Status) {
	switch p.Command {
	case AlertNotification, Outbind: // they have none
	case DeliverSM, DataSM:
		s.reply(PDU{Command: p.Command.Response(), Status: status, Sequence: p.Sequence, Body: &MessageID{}})
	case QuerySM, SubmitSM, CancelSM, ReplaceSM, SubmitMulti:
		s.reply(PDU{Command: p.Command.Response(), Status: InvalidBindStatus, Sequence: p.Sequence})
	default:
		s.reply(PDU{Command: GenericNack, Status: InvalidCommand, Sequence: p.Sequence})
	}
}

// reply queues a response. It is called with the lock.
func (s *Session) reply(p PDU) {
	before := len(s.out)
	s.out, _ = p.Append(s.out) // of fixed form
	s.queued += uint64(len(s.out) - before)
	s.flush()
}

// last has what is queued written still; then the session ends.
func (s *Session) last(err error) {
	s.mu.Lock()
	s.finish = err
	s.flush()
	s.mu.Unlock()
}

// settled tells Unbind that nothing waits for an answer any more. It is called with
// the lock.
func (s *Session) settled() {
	if !s.ending || s.window.used > 0 {
		return
	}
	select {
	case <-s.drained:
	default:
		close(s.drained)
	}
}

// watching gives up what takes too long and asks whether the other side is there.
func (s *Session) watching() {
	every := time.NewTicker(s.cfg.ResponseTimeout / 8)
	defer every.Stop()
	var enquire <-chan time.Time
	if s.cfg.EnquireEvery > 0 {
		t := time.NewTicker(s.cfg.EnquireEvery)
		defer t.Stop()
		enquire = t.C
	}
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-every.C:
			s.expire()
		case <-enquire:
			s.enquire()
		}
	}
}

// expire gives up the requests that are older than ResponseTimeout.
func (s *Session) expire() {
	const late = 8
	var old []slot
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.tick++
	dead := s.stalled != 0 && s.tick-s.stalled > late
	for i := range s.window.slots {
		if p := &s.window.slots[i]; p.sequence != 0 && s.tick-p.tick > late {
			sl, _ := s.window.take(p.sequence)
			old = append(old, sl)
			s.stats.TimedOut++
		}
	}
	s.window.grant()
	s.settled()
	s.mu.Unlock()
	for _, sl := range old {
		sl.done(PDU{}, fmt.Errorf("%w: no answer within %s", ErrUnknown, s.cfg.ResponseTimeout))
	}
	if dead {
		s.fail(fmt.Errorf("%w: it takes nothing", ErrDead))
	}
}

// enquire sends an enquire_link if nothing came since the last time.
func (s *Session) enquire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heard || s.err != nil {
		s.heard = false
		return
	}
	_ = s.queue(EnquireLink, nil, false, func(_ PDU, err error) { // of fixed form
		if errors.Is(err, ErrUnknown) {
			s.fail(fmt.Errorf("%w: enquire_link has no answer", ErrDead))
		}
	})
}

// handling runs the handler, one PDU after another.
func (s *Session) handling() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case p := <-s.inbox:
			status, err := s.handle(p)
			s.mu.Lock()
			if s.err == nil {
				s.respond(p, status)
			}
			s.mu.Unlock()
			if err != nil {
				s.last(err)
				return
			}
		}
	}
}

// handle calls the handler and catches its panic.
func (s *Session) handle(p PDU) (status Status, err error) {
	defer func() {
		if r := recover(); r != nil {
			status, err = TemporaryAppError, fmt.Errorf("smpp: the handler panicked: %v", r)
		}
	}()
	return s.cfg.Handler(s.ctx, p), nil
}
