package smpptest

import (
	"errors"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/vefacrm/vefa/messaging/smpp"
)

// session is one connection at the SMSC.
type session struct {
	smsc   *SMSC
	conn   net.Conn
	stream *smpp.Stream
	number int
	wake   chan struct{}
	gone   chan struct{}

	mu       sync.Mutex
	out      []byte
	last     uint32
	bound    smpp.Command
	receives bool
	open     int  // submits without an answer
	ended    bool // the connection is closed
	finish   bool // close it when all is written
	sent     map[uint32]*delivery
}

// close ends the connection. What the client has not acknowledged waits for the next.
func (x *session) close() {
	x.mu.Lock()
	if !x.ended {
		x.ended = true
		close(x.gone)
	}
	sent := x.sent
	x.sent = map[uint32]*delivery{}
	x.mu.Unlock()
	x.conn.Close()
	if len(sent) == 0 {
		return
	}
	x.smsc.mu.Lock()
	for _, n := range slices.Sorted(maps.Keys(sent)) {
		x.smsc.waiting = append(x.smsc.waiting, sent[n])
	}
	x.smsc.mu.Unlock()
	x.smsc.deliver()
}

// write writes what is queued.
func (x *session) write() {
	for {
		select {
		case <-x.wake:
		case <-x.gone:
			return
		}
		x.mu.Lock()
		buf, finish := x.out, x.finish
		x.out = nil
		x.mu.Unlock()
		var err error
		if len(buf) > 0 { // an empty write would wait for a reader
			_, err = x.conn.Write(buf)
		}
		if err != nil || finish {
			x.close()
			return
		}
	}
}

// queue adds a PDU to what is written next. It is called with the lock.
func (x *session) queue(p smpp.PDU) {
	out, err := p.Append(x.out)
	if err != nil { // a test's own message that cannot be
		out, _ = smpp.PDU{Command: smpp.GenericNack, Status: smpp.SystemError, Sequence: p.Sequence}.Append(x.out)
	}
	x.out = out
	x.flush()
}

func (x *session) flush() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// request queues a request and returns its number. It is called with the lock.
func (x *session) request(c smpp.Command, b smpp.Body) uint32 {
	x.last++
	x.queue(smpp.PDU{Command: c, Sequence: x.last, Body: b})
	return x.last
}

// read answers what comes.
func (x *session) read() {
	defer x.close()
	for {
		p, err := x.stream.Next()
		var field *smpp.FieldError
		switch {
		case errors.As(err, &field):
			x.mu.Lock()
			x.queue(smpp.PDU{Command: smpp.GenericNack, Status: smpp.InvalidCommandLength, Sequence: p.Sequence})
			x.mu.Unlock()
		case err != nil:
			return
		default:
			x.answer(p)
		}
	}
}

func (x *session) answer(p smpp.PDU) {
	reply := func(status smpp.Status, b smpp.Body) {
		x.mu.Lock()
		x.queue(smpp.PDU{Command: p.Command.Response(), Status: status, Sequence: p.Sequence, Body: b})
		x.mu.Unlock()
	}
	switch b := p.Body.(type) {
	case *smpp.Bind:
		x.bind(p, b, reply)
		return
	case *smpp.Message:
		if p.Command != smpp.SubmitSM {
			break
		}
		if x.bound == 0 || x.bound == smpp.BindReceiver {
			reply(smpp.InvalidBindStatus, nil)
			return
		}
		x.submit(p, b)
		return
	case *smpp.Query:
		x.smsc.mu.Lock()
		state, ok := x.smsc.states[b.ID]
		x.smsc.mu.Unlock()
		if !ok {
			reply(smpp.QueryFailed, nil)
			return
		}
		reply(smpp.OK, &smpp.QueryResult{ID: b.ID, State: state})
		return
	case *smpp.Cancel:
		reply(smpp.CancelFailed, nil)
		return
	}
	switch p.Command {
	case smpp.EnquireLink:
		reply(smpp.OK, nil)
	case smpp.Unbind:
		x.mu.Lock()
		x.queue(smpp.PDU{Command: p.Command.Response(), Sequence: p.Sequence})
		x.finish = true
		x.mu.Unlock()
	case smpp.Unbind.Response():
		x.close()
	case smpp.DeliverSM.Response():
		x.acknowledged(p)
	default:
		if !p.Command.IsResponse() {
			x.mu.Lock()
			x.queue(smpp.PDU{Command: smpp.GenericNack, Status: smpp.InvalidCommand, Sequence: p.Sequence})
			x.mu.Unlock()
		}
	}
}

func (x *session) bind(p smpp.PDU, b *smpp.Bind, reply func(smpp.Status, smpp.Body)) {
	o := x.smsc.opt
	switch {
	case x.bound != 0:
		reply(smpp.AlreadyBound, nil)
	case o.SystemID != "" && b.SystemID != o.SystemID:
		reply(smpp.InvalidSystemID, nil)
	case o.Password != "" && b.Password != o.Password:
		reply(smpp.InvalidPassword, nil)
	default:
		x.bound = p.Command
		reply(smpp.OK, &smpp.BindResult{SystemID: "smpptest", TLVs: smpp.TLVs{{Tag: smpp.TagInterfaceVersion, Value: []byte{smpp.Version}}}})
		x.mu.Lock()
		x.receives = p.Command != smpp.BindTransmitter
		x.mu.Unlock()
		x.smsc.deliver()
	}
}

func (x *session) submit(p smpp.PDU, m *smpp.Message) {
	x.mu.Lock()
	x.open++
	open := x.open
	x.mu.Unlock()
	id, a := x.smsc.submit(x, m, open)
	receipt := func() {
		d := x.smsc.receipt(id, m, a)
		x.smsc.Deliver(d)
		if a.Twice {
			x.smsc.Deliver(d)
		}
	}
	wanted := id != "" && !a.Silent && m.RegisteredDelivery&3 != 0 &&
		(m.RegisteredDelivery&3 != 2 || a.State != smpp.NoState && a.State != smpp.Delivered)
	if wanted && a.Early {
		x.smsc.after(a.ReceiptDelay, receipt)
	}
	respond := func() {
		x.mu.Lock()
		x.open--
		r := smpp.PDU{Command: smpp.SubmitSM.Response(), Status: a.Status, Sequence: p.Sequence}
		if a.Status == smpp.OK {
			r.Body = &smpp.MessageID{ID: id}
		}
		switch {
		case a.Cut:
			if whole, err := r.Append(nil); err == nil {
				x.out = append(x.out, whole[:len(whole)/2]...)
			}
			x.finish = true
			x.flush()
		case !a.Lose:
			x.queue(r)
		}
		x.mu.Unlock()
		if wanted && !a.Early {
			x.smsc.after(a.ReceiptDelay, receipt)
		}
	}
	x.smsc.after(a.Delay, respond)
}

// acknowledged notes the answer to a deliver_sm and sends it again if it was refused
// for now.
func (x *session) acknowledged(p smpp.PDU) {
	x.mu.Lock()
	d := x.sent[p.Sequence]
	delete(x.sent, p.Sequence)
	x.mu.Unlock()
	if d == nil {
		return
	}
	s := x.smsc
	s.mu.Lock()
	s.acks = append(s.acks, p.Status)
	s.mu.Unlock()
	const most = 5
	if d.tries++; p.Status.Class() == smpp.Retry && d.tries < most {
		s.after(s.opt.Redeliver, func() {
			s.mu.Lock()
			s.waiting = append(s.waiting, d)
			s.mu.Unlock()
			s.deliver()
		})
	}
}
