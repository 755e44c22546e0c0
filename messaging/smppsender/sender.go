package smppsender

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/smpp"
)

// Sender is a messaging.Sender over SMPP. It keeps its sessions up until Close.
type Sender struct {
	cfg     Config
	clients []*smpp.Client // that send
	all     []*smpp.Client // those, and the receiver if there is one
	next    atomic.Uint32
	inbound inbound
	late    chan messaging.Report // what the answers say that came after Send had returned
	stop    chan struct{}
	running sync.WaitGroup

	closing sync.Once
}

var (
	_ messaging.Sender       = (*Sender)(nil)
	_ messaging.BatchLimiter = (*Sender)(nil)
)

// New checks the configuration and starts to connect; it does not wait for that. The
// error names every fault, each ErrConfig or smpp.ErrConfig.
func New(cfg Config) (*Sender, error) {
	cfg, err := cfg.withDefaults()
	if err = errors.Join(err, cfg.Client.Validate()); err != nil {
		return nil, err
	}
	s := &Sender{cfg: cfg, stop: make(chan struct{}), late: make(chan messaging.Report, 1024)}
	s.inbound.parts.Wait = cfg.PartWait
	client := cfg.Client
	client.Session.Handler = s.handle
	for range cfg.Sessions {
		c, err := smpp.NewClient(client)
		if err != nil { // the first says it: they are configured alike
			return nil, err
		}
		s.clients, s.all = append(s.clients, c), append(s.all, c)
	}
	if cfg.Apart {
		client.Session.Mode = smpp.BindReceiver
		c, err := smpp.NewClient(client)
		if err != nil {
			return nil, err
		}
		s.all = append(s.all, c)
	}
	s.running.Go(s.expiring)
	s.running.Go(s.reporting)
	return s, nil
}

// Close unbinds the sessions, waiting for answers as long as the context lasts. Parts of
// inbound messages that wait for others are given to Config.Feedback as they are.
func (s *Sender) Close(ctx context.Context) error {
	errs := make([]error, len(s.all))
	var wg sync.WaitGroup
	for i, c := range s.all {
		wg.Go(func() { errs[i] = c.Close(ctx) })
	}
	wg.Wait()
	s.closing.Do(func() { close(s.stop) })
	s.running.Wait()
	return errors.Join(append(errs, s.flush(ctx))...)
}

// MaxBatch implements messaging.BatchLimiter.
func (s *Sender) MaxBatch() int { return s.cfg.Batch }

// state is how far a part has come.
type state uint8

const (
	waiting state = iota // not sent, or refused for now
	sent                 // without an answer
	taken
	refused // for good
	lost    // of unknown fate
)

// part is one request of a message.
type part struct {
	request *smpp.Message
	state   state
	status  smpp.Status // of the last refusal
	reached bool        // the provider has answered about it
	id      string
}

// run is one call of Send.
type run struct {
	s     *Sender
	mu    sync.Mutex
	batch []messaging.Message
	parts [][]part // by message
	open  int      // parts without an answer
	over  bool     // Send has returned
	idle  chan struct{}
}

// Send implements messaging.Sender. It never returns an error: what happened stands in
// the receipts. An answer that comes after the context has ended, while the session still waits for it,
// is told to Config.Feedback: the message was taken, and by which id its receipts name it, or
// it was refused.
func (s *Sender) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	receipts := make([]crm.Receipt, len(batch))
	r := &run{s: s, batch: batch, parts: make([][]part, len(batch)), idle: make(chan struct{}, 1)}
	for i, m := range batch {
		receipts[i].ID = m.ID
		requests, err := s.parts(m)
		if err != nil {
			receipts[i].Status, receipts[i].Reason = crm.Declined, err.Error()
		}
		r.parts[i] = make([]part, len(requests))
		for j, q := range requests {
			r.parts[i][j].request = q
		}
	}
	r.send(ctx, batch)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range batch {
		if receipts[i].Status == "" {
			r.judge(r.parts[i], &receipts[i])
		}
	}
	r.over = true
	return receipts, nil
}

// send sends all parts, and then again those that were refused for now of messages of
// which something is at the provider already.
func (r *run) send(ctx context.Context, batch []messaging.Message) {
	limited, cancel := context.WithTimeout(ctx, r.s.cfg.Timeout)
	defer cancel()
	pause := 200 * time.Millisecond
	for again := false; ; again = true {
		started := 0
		for i := range batch {
			if again && !r.begun(i) {
				continue
			}
			client := r.s.clients[int(r.s.next.Add(1)-1)%len(r.s.clients)]
			for j := range r.parts[i] {
				if r.start(limited, client, i, j) {
					started++
				}
			}
		}
		if !r.wait(ctx) || started == 0 && again && limited.Err() != nil {
			return
		}
		left := false
		for i := range batch {
			left = left || r.begun(i)
		}
		if !left || limited.Err() != nil {
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-limited.Done():
			timer.Stop()
			return
		}
		pause = min(2*pause, 5*time.Second)
	}
}

// begun reports that some parts of message i are, or may be, at the provider, and
// others can still be sent.
func (r *run) begun(i int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	there, left := false, false
	for _, p := range r.parts[i] {
		switch p.state {
		case refused:
			return false // it will never be whole
		case waiting:
			left = true
		default:
			there = true
		}
	}
	return there && left
}

// start sends part j of message i if it waits; false if it does not or could not be.
func (r *run) start(ctx context.Context, c *smpp.Client, i, j int) bool {
	r.mu.Lock()
	p := &r.parts[i][j]
	if p.state != waiting {
		r.mu.Unlock()
		return false
	}
	p.state = sent
	r.open++
	r.mu.Unlock()
	err := c.Start(ctx, smpp.SubmitSM, p.request, func(pdu smpp.PDU, err error) { r.answered(i, p, pdu, err) })
	if err != nil {
		r.answered(i, p, smpp.PDU{}, err)
	}
	return err == nil
}

// answered notes what came of a part of message i.
func (r *run) answered(i int, p *part, pdu smpp.PDU, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var status *smpp.StatusError
	var field *smpp.FieldError
	switch {
	case err == nil:
		p.state, p.id, p.reached = taken, plain(r.s.cfg.Form.Responses.Normal(smpp.ID(pdu))), true
	case errors.As(err, &status):
		p.status = status.Status
		switch r.s.cfg.Class(status.Status) {
		case smpp.Retry:
			p.state, p.reached = waiting, true
		case smpp.SessionFault:
			p.state = waiting
		default:
			p.state, p.reached = refused, true
		}
	case errors.Is(err, smpp.ErrNotSent):
		p.state = waiting
	case errors.Is(err, smpp.ErrUnknown):
		p.state = lost
	case errors.As(err, &field): // what the host configured does not fit into a PDU
		p.state = refused
	default:
		p.state = lost
	}
	if r.open--; r.open == 0 {
		select {
		case r.idle <- struct{}{}:
		default:
		}
	}
	if r.over {
		r.tellLate(i)
	}
}

// tellLate tells what became of message i whose receipt was Uncertain, if all of it is known
// now. It is called with the lock, by the session's reader, and waits for nothing: where too
// much is to be told the fate stays unknown.
func (r *run) tellLate(i int) {
	var got crm.Receipt
	for _, p := range r.parts[i] {
		if p.state == sent {
			return
		}
	}
	r.judge(r.parts[i], &got)
	report := messaging.Report{ID: r.batch[i].ID, Provider: got.Provider, State: messaging.Enroute}
	switch got.Status {
	case crm.Accepted:
	case crm.Declined:
		report.State, report.Reason = messaging.Rejected, got.Reason
	default:
		return
	}
	select {
	case r.s.late <- report:
	default:
	}
}

// lateTries is how often what came late is told to a host whose Feedback fails.
const lateTries = 5

// reporting tells the host what came late, until the sender is closed and all is told.
func (s *Sender) reporting() {
	tell := func(r messaging.Report) {
		pause := time.Second
		for n := range lateTries {
			ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Timeout)
			err := s.tell(ctx, messaging.Feedback{Reports: []messaging.Report{r}})
			if cancel(); err == nil || n == lateTries-1 {
				return
			}
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-s.stop:
				timer.Stop()
			}
			pause *= 2
		}
	}
	for {
		select {
		case r := <-s.late:
			tell(r)
		case <-s.stop:
			for {
				select {
				case r := <-s.late:
					tell(r)
				default:
					return
				}
			}
		}
	}
}

// wait waits until all parts that were sent are answered; false if the context ended.
func (r *run) wait(ctx context.Context) bool {
	for {
		r.mu.Lock()
		open := r.open
		r.mu.Unlock()
		if open == 0 {
			return true
		}
		select {
		case <-r.idle:
		case <-ctx.Done():
			return false
		}
	}
}

// judge makes the receipt of a message from its parts. It is called with the lock.
func (r *run) judge(parts []part, out *crm.Receipt) {
	var count [lost + 1]int
	reached, status := false, smpp.OK
	for _, p := range parts {
		count[p.state]++
		reached = reached || p.reached
		if p.state == refused || status == smpp.OK {
			status = p.status
		}
	}
	if count[taken] == len(parts) { // else a receipt of one part would settle the whole message
		out.Provider = ids(parts)
	}
	code := ""
	if status != smpp.OK {
		code = fmt.Sprintf("SMPP %#02x", uint32(status))
	}
	switch {
	case count[taken] == len(parts):
		out.Status = crm.Accepted
	case count[taken] > 0 && count[lost]+count[sent] == 0:
		out.Status, out.Reason = crm.Uncertain, fmt.Sprintf("%d of %d parts taken %s", count[taken], len(parts), code)
	case count[lost]+count[sent] > 0:
		out.Status, out.Reason = crm.Uncertain, "the answer was lost"
	case count[refused] > 0 && code == "":
		out.Status, out.Reason = crm.Declined, "a field does not fit into a PDU"
	case count[refused] > 0:
		out.Status, out.Reason = crm.Declined, code
	case !reached:
		out.Status, out.Unreached, out.Reason = crm.Throttled, true, "no session"
		if code != "" {
			out.Reason = code
		}
	default:
		out.Status, out.Reason = crm.Throttled, code
	}
}

// ids returns the provider's ids of the parts in their order, as crm.Receipt wants them.
func ids(parts []part) string {
	var out []string
	for _, p := range parts {
		if p.id != "" {
			out = append(out, p.id)
		}
	}
	return strings.Join(out, " ")
}

// plain returns an id of the provider as it is kept: printable and without blanks.
func plain(id string) string { return strings.Join(strings.Fields(crm.Clip(id, 64)), "") }
