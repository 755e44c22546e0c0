package smpptest

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vefacrm/vefa/messaging/smpp"
)

// Options says how an SMSC behaves. The zero value takes everything.
type Options struct {
	// SystemID and Password, if set, must be those of a bind.
	SystemID, Password string
	// Window, if not 0, is how many messages of a session may be without an answer; one
	// beyond that is answered with Throttled.
	Window int
	// Answer says what happens to the n-th message, from 0; nil takes it. It is called
	// by one goroutine at a time.
	Answer func(n int, m *smpp.Message) Answer
	// HexReceipts writes the ids in the texts of receipts in hexadecimal, as some SMSCs
	// do whose responses have them in decimal.
	HexReceipts bool
	// TextOnly leaves the parameters with id and state out of receipts.
	TextOnly bool
	// Redeliver is how long after a refused deliver_sm the same comes again; 0 means a
	// second. After five times it is given up.
	Redeliver time.Duration
	// Now is in receipts as submit and done date; nil writes the first of January 2025.
	Now func() time.Time
	// Forget keeps no record of messages, for tests of millions.
	Forget bool
}

// Submitted is a message that came.
type Submitted struct {
	ID      string // "" if it was refused
	Message *smpp.Message
	Status  smpp.Status
	Session int // the number of the session, from 0
}

// SMSC is a message centre in memory. Close ends it.
type SMSC struct {
	opt Options

	mu       sync.Mutex
	sessions []*session
	messages []Submitted
	count    int // submits that came
	taken    int // of them, those that were taken
	waiting  []*delivery
	acks     []smpp.Status
	states   map[string]smpp.State
	closed   bool
	timers   map[*time.Timer]bool
	running  sync.WaitGroup
}

// delivery is a deliver_sm on its way.
type delivery struct {
	message *smpp.Message
	tries   int
}

// New returns an SMSC.
func New(opt Options) *SMSC {
	if opt.Redeliver <= 0 {
		opt.Redeliver = time.Second
	}
	if opt.Now == nil {
		opt.Now = func() time.Time { return time.Date(2025, 1, 1, 12, 0, 0, 0, time.UTC) }
	}
	return &SMSC{opt: opt, timers: map[*time.Timer]bool{}, states: map[string]smpp.State{}}
}

// errClosed is what Dial says after Close.
var errClosed = errors.New("smpptest: the SMSC is closed")

// Dial returns the client's end of a new connection in memory; it fits
// smpp.ClientConfig.
func (s *SMSC) Dial(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	client, server := net.Pipe()
	if !s.serve(server) {
		client.Close()
		return nil, errClosed
	}
	return client, nil
}

// Serve takes connections until the listener is closed, and returns its error.
func (s *SMSC) Serve(l net.Listener) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		s.serve(conn)
	}
}

// serve starts a session; false after Close.
func (s *SMSC) serve(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return false
	}
	x := &session{smsc: s, conn: conn, stream: smpp.NewStream(conn, 0), number: len(s.sessions), wake: make(chan struct{}, 1), gone: make(chan struct{}), sent: map[uint32]*delivery{}}
	s.sessions = append(s.sessions, x)
	s.running.Go(x.read)
	s.running.Go(x.write)
	return true
}

// Close ends all sessions at once and waits for their goroutines.
func (s *SMSC) Close() {
	s.mu.Lock()
	s.closed = true
	sessions := slices.Clone(s.sessions)
	for t := range s.timers {
		t.Stop()
	}
	s.mu.Unlock()
	for _, x := range sessions {
		x.close()
	}
	s.running.Wait()
}

// Disconnect ends the connections that are there, without unbind; clients may come
// back.
func (s *SMSC) Disconnect() {
	s.mu.Lock()
	sessions := slices.Clone(s.sessions)
	s.mu.Unlock()
	for _, x := range sessions {
		x.close()
	}
}

// Unbind asks the clients that are there to go, with unbind.
func (s *SMSC) Unbind() {
	s.mu.Lock()
	sessions := slices.Clone(s.sessions)
	s.mu.Unlock()
	for _, x := range sessions {
		x.mu.Lock()
		x.request(smpp.Unbind, nil)
		x.mu.Unlock()
	}
}

// Messages returns what came, in order.
func (s *SMSC) Messages() []Submitted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Count returns how many messages came and how many of them were taken, which
// Options.Forget leaves alone.
func (s *SMSC) Count() (came, taken int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count, s.taken
}

// Acks returns the statuses with which clients answered deliver_sm, in order.
func (s *SMSC) Acks() []smpp.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.acks)
}

// Binds returns how many connections there were.
func (s *SMSC) Binds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Deliver sends a message of a subscriber, or a receipt, to a session that receives;
// without one it waits for the next.
func (s *SMSC) Deliver(m *smpp.Message) {
	s.mu.Lock()
	s.waiting = append(s.waiting, &delivery{message: m})
	s.mu.Unlock()
	s.deliver()
}

// deliver hands what waits to the newest session that receives.
func (s *SMSC) deliver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range slices.Backward(s.sessions) {
		x.mu.Lock()
		if x.receives && !x.ended {
			for _, d := range s.waiting {
				x.sent[x.request(smpp.DeliverSM, d.message)] = d
			}
			s.waiting = nil
		}
		x.mu.Unlock()
		if s.waiting == nil {
			return
		}
	}
}

// after runs f after a time, not after Close; at once if there is no time.
func (s *SMSC) after(d time.Duration, f func()) {
	if d <= 0 {
		f()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		s.mu.Lock()
		delete(s.timers, t)
		closed := s.closed
		s.mu.Unlock()
		if !closed {
			f()
		}
	})
	s.timers[t] = true
}

// submit decides about a message. open is how many of its session have no answer yet.
func (s *SMSC) submit(x *session, m *smpp.Message, open int) (id string, a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.count
	s.count++
	if s.opt.Answer != nil {
		a = s.opt.Answer(n, m)
	}
	if s.opt.Window > 0 && open > s.opt.Window {
		a = Answer{Status: smpp.Throttled}
	}
	if a.Status == smpp.OK {
		s.taken++
		id = strconv.Itoa(s.taken)
		if !s.opt.Forget {
			s.states[id] = smpp.Enroute
		}
	}
	if !s.opt.Forget {
		s.messages = append(s.messages, Submitted{id, m, a.Status, x.number})
	}
	return id, a
}

// receipt returns the receipt of a message.
func (s *SMSC) receipt(id string, m *smpp.Message, a Answer) *smpp.Message {
	state := a.State
	if state == smpp.NoState {
		state = smpp.Delivered
	}
	s.mu.Lock()
	if !s.opt.Forget {
		s.states[id] = state
	}
	s.mu.Unlock()
	written := id
	if n, err := strconv.ParseUint(id, 10, 64); err == nil && s.opt.HexReceipts {
		written = strings.ToUpper(strconv.FormatUint(n, 16))
	}
	now := s.opt.Now()
	out := &smpp.Message{Source: m.Destination, Destination: m.Source, ESMClass: 0x04,
		Text: smpp.Receipt{ID: written, State: state, Error: a.Error, Submitted: now, Done: now}.AppendText(nil)}
	if !s.opt.TextOnly {
		out.TLVs = smpp.TLVs{{Tag: smpp.TagReceiptedMessageID, Value: append([]byte(id), 0)}, {Tag: smpp.TagMessageState, Value: []byte{byte(state)}}}
	}
	return out
}
