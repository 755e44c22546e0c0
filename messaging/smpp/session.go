package smpp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// Session is one bound connection. Its methods may be called by several goroutines.
//
// It has four goroutines: one reads, one writes, one watches the time, one runs
// Config.Handler. All end with the session; Done tells when.
type Session struct {
	cfg     Config
	conn    net.Conn
	stream  *Stream
	server  string
	ctx     context.Context // ends with the session
	cancel  context.CancelFunc
	wake    chan struct{} // for the writer; of one element
	inbox   chan PDU
	done    chan struct{}
	answers []answered // of the goroutine that reads, to be used again
	running sync.WaitGroup

	mu       sync.Mutex
	window   window
	out      []byte // queued and not given to the writer yet
	spare    []byte
	queued   uint64 // octets that were queued in all
	given    uint64 // octets of those that were given to the connection
	flushing bool   // the writer will look again
	stalled  uint32 // the tick at which the write began that goes on, 0 if none does
	tick     uint32 // an eighth of ResponseTimeout each, from 1
	heard    bool   // since the last enquiry
	ending   bool   // Unbind was called: no more requests
	finish   error  // end for this reason when all is written
	err      error  // why it ended
	stats    Stats
	holding  *time.Timer
	drained  chan struct{} // closed when ending and nothing waits for an answer
}

// Stats counts what a session did.
type Stats struct {
	Sent      uint64 // requests that were queued for the connection
	Answered  uint64 // of them, those that were answered
	TimedOut  uint64 // of them, those whose answer did not come in time
	Late      uint64 // answers that no request waited for any more
	Throttled uint64 // answers that were Throttled or QueueFull
	Received  uint64 // requests of the other side
	Refused   uint64 // of them, those that had no place in the inbox
	Malformed uint64 // PDUs that could not be read
	Writes    uint64 // calls of Write on the connection
	Open      int    // requests that wait for an answer now
	Limit     int    // how many of them throttling allows now
}

// Open binds over a connection, which the session owns from then on, also if it fails:
// with a *StatusError if the SMSC refuses, with ErrConfig, or with what the
// connection said. The context bounds the bind alone; without a deadline
// Config.ResponseTimeout does.
func Open(ctx context.Context, conn net.Conn, cfg Config) (*Session, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		conn.Close()
		return nil, err
	}
	s := &Session{cfg: cfg, conn: conn, stream: NewStream(conn, cfg.MaxPDU), wake: make(chan struct{}, 1),
		inbox: make(chan PDU, cfg.Inbox), done: make(chan struct{}), drained: make(chan struct{}), window: newWindow(cfg.Window), tick: 1}
	s.window.hold = cfg.HoldFrom
	if err := s.bind(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, run := range []func(){s.reading, s.writing, s.watching, s.handling} {
		s.running.Go(run)
	}
	go func() {
		s.running.Wait()
		close(s.done)
	}()
	return s, nil
}

// bind makes the first exchange, with nothing else going on.
func (s *Session) bind(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ResponseTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	defer stop()
	fail := func(err error) error {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("smpp: bind: %w", err)
	}
	s.window.last = 1
	out, err := PDU{Command: s.cfg.Mode, Sequence: 1, Body: &s.cfg.Bind}.Append(nil)
	if err != nil {
		return err
	}
	if _, err := s.conn.Write(out); err != nil {
		return fail(err)
	}
	for {
		p, err := s.stream.Next()
		var field *FieldError
		if err != nil && !errors.As(err, &field) {
			return fail(err)
		}
		switch {
		case p.Command == s.cfg.Mode.Response() && p.Sequence == 1, p.Command == GenericNack:
			if p.Status != OK || p.Command == GenericNack {
				return &StatusError{p.Command, p.Status}
			}
			if err != nil {
				return fail(err)
			}
			if b, ok := p.Body.(*BindResult); ok {
				s.server = b.SystemID
			}
			if !stop() { // the connection is being closed
				return fail(context.Cause(ctx))
			}
			return nil
		case p.Command == EnquireLink:
			out, _ := PDU{Command: EnquireLink.Response(), Sequence: p.Sequence}.Append(nil)
			if _, err := s.conn.Write(out); err != nil {
				return fail(err)
			}
		}
	}
}

// Server returns the system_id of the SMSC.
func (s *Session) Server() string { return s.server }

// Done is closed when the session has ended and its goroutines have, too.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err returns why the session ended, nil while it is up.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Stats returns the counts so far.
func (s *Session) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.Open, out.Limit = s.window.used, s.window.limit
	return out
}

// Start queues a request and returns; done is called once with the answer. It waits
// for a place in the window as long as the context lasts. An error means that nothing
// was queued and done will not be called: ErrNotSent, or a *FieldError of the
// codec.
//
// What done is given: the response and nil if its status is OK; the response and a
// *StatusError if it is another; ErrUnknown or ErrNotSent if there was none. It is
// called by the goroutine that reads, and so must be quick and not wait for another
// answer.
func (s *Session) Start(ctx context.Context, c Command, body Body, done func(PDU, error)) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.acquire(ctx); err != nil {
		return err
	}
	return s.queue(c, body, true, done)
}

// queue writes a request behind those that wait to be written. The slot is there
// before the writer can see it. It is called with the lock and with a place in the
// window, which it gives back on an error.
func (s *Session) queue(c Command, body Body, counts bool, done func(PDU, error)) error {
	n := s.window.next()
	before := len(s.out)
	out, err := PDU{Command: c, Sequence: n, Body: body}.Append(s.out)
	s.out = out
	if err != nil {
		if counts {
			s.window.used--
			s.window.grant()
			s.settled()
		}
		return err
	}
	*s.window.at(n) = slot{n, c, counts, s.tick, s.queued, done}
	s.queued += uint64(len(out) - before)
	s.stats.Sent++
	s.flush()
	return nil
}

// flush tells the writer that there is something to write, once.
func (s *Session) flush() {
	if !s.flushing {
		s.flushing = true
		s.wake <- struct{}{} // has room: the writer took the last one before it said that it looks no more
	}
}

// Do sends a request and waits for the answer. Errors are those of Start's done; a
// context that ends while the answer is out is ErrUnknown, and the request keeps its
// place in the window until the answer comes or is given up.
func (s *Session) Do(ctx context.Context, c Command, body Body) (PDU, error) {
	return do(ctx, c, body, s.Start)
}

func do(ctx context.Context, c Command, body Body, start func(context.Context, Command, Body, func(PDU, error)) error) (PDU, error) {
	type answer struct {
		pdu PDU
		err error
	}
	ch := make(chan answer, 1)
	if err := start(ctx, c, body, func(p PDU, err error) { ch <- answer{p, err} }); err != nil {
		return PDU{}, err
	}
	select {
	case a := <-ch:
		return a.pdu, a.err
	case <-ctx.Done():
		return PDU{}, fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
	}
}

// Submit sends a message and returns the SMSC's id of it. Errors are those of Do. An
// id may be missing though the message was taken.
func (s *Session) Submit(ctx context.Context, m *Message) (string, error) {
	p, err := s.Do(ctx, SubmitSM, m)
	return ID(p), err
}

// ID returns the message id in an answer, "" if it has none.
func ID(p PDU) string {
	if b, ok := p.Body.(*MessageID); ok {
		return b.ID
	}
	return ""
}

// Unbind ends the session in order: no more requests are taken, the answers that are
// out are waited for, then unbind is sent and its answer waited for. When the context
// ends the connection is closed at once; the error then is the context's.
func (s *Session) Unbind(ctx context.Context) error {
	s.mu.Lock()
	if s.err == nil && !s.ending {
		s.ending = true
		if s.window.used == 0 {
			close(s.drained)
		}
	}
	s.mu.Unlock()
	select {
	case <-s.drained:
		s.mu.Lock()
		if s.err == nil && !s.window.closed {
			s.window.closed = true
			_ = s.queue(Unbind, nil, false, func(PDU, error) { s.fail(ErrClosed) })
		}
		s.mu.Unlock()
	case <-s.ctx.Done():
	case <-ctx.Done():
	}
	var err error
	select {
	case <-s.ctx.Done():
	case <-ctx.Done():
		err = fmt.Errorf("smpp: unbind: %w", ctx.Err())
	}
	s.fail(ErrClosed)
	return err
}

// Close ends the session at once. Requests without an answer are ErrUnknown, those that
// were not written yet ErrNotSent.
func (s *Session) Close() { s.fail(ErrClosed) }

// fail ends the session for a reason. The first reason stays.
func (s *Session) fail(err error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = err
	var open []slot
	for i := range s.window.slots {
		if sl, ok := s.window.take(s.window.slots[i].sequence); ok {
			open = append(open, sl)
		}
	}
	given := s.given
	slices.SortFunc(open, func(a, b slot) int { return cmp.Compare(a.start, b.start) })
	if s.holding != nil {
		s.holding.Stop()
	}
	s.mu.Unlock()
	s.cancel()
	s.conn.Close()
	for _, sl := range open {
		if sl.start >= given {
			sl.done(PDU{}, fmt.Errorf("%w: %w", ErrNotSent, err))
		} else {
			sl.done(PDU{}, fmt.Errorf("%w: %w", ErrUnknown, err))
		}
	}
}
