package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// Send implements messaging.Sender. It returns no error: what happened stands in the
// receipts. The Provider of a receipt is the Message-ID without its angle brackets.
//
// A server that is not reached, or refuses the host or its sender, is crm.Throttled and
// Unreached; an answer of 4xx is crm.Throttled; one of 5xx about the recipient or the
// message is crm.Declined, with the code in the Reason, which says so where the address
// does not exist. An answer that is lost after the last byte is crm.Uncertain.
func (s *Sender) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	c := &connection{s: s}
	defer c.close()
	var down crm.Receipt // once the server was not reached, for the rest of the batch
	for i, m := range batch {
		l, r := s.compose(ctx, m)
		switch {
		case r.Status != "":
		case down.Status != "":
			r = down
		default:
			c.bounced = messaging.Report{}
			r = c.carry(ctx, l)
			if r.Unreached {
				down = r
			}
			if c.bounced.Bounce && s.cfg.Feedback != nil && s.tell(ctx, m.ID, c.bounced) != nil {
				r = throttled("that the address does not exist could not be kept")
			}
		}
		r.ID = m.ID
		out[i] = r
	}
	return out, nil
}

// tell says that a recipient was refused at once for what is wrong with the address.
func (s *Sender) tell(ctx context.Context, id crm.EffectID, r messaging.Report) (err error) {
	defer crm.Recover("feedback", &err)
	r.ID, r.State = id, messaging.Rejected
	return s.cfg.Feedback(ctx, messaging.Feedback{Reports: []messaging.Report{r}})
}

// connection is the one of a batch. It is opened when it is needed.
type connection struct {
	s    *Sender
	conn net.Conn
	smtp *smtp.Client
	stop func() bool
	// bounced is what the server said of the last recipient, if that was a bounce.
	bounced messaging.Report
}

func (c *connection) close() {
	if c.conn == nil {
		return
	}
	if c.smtp != nil && c.smtp.HasConnection() {
		_ = c.conn.SetDeadline(time.Now().Add(time.Second)) // a courtesy: the messages are where they are
		_ = c.smtp.Quit()
	}
	c.drop()
}

// drop ends the connection without a word.
func (c *connection) drop() {
	if c.conn != nil {
		_ = c.conn.Close()
	}
	if c.stop != nil {
		c.stop()
	}
	c.conn, c.smtp, c.stop = nil, nil, nil
}

// carry sends one message. A connection that the server closed before it was asked to take
// the message's text is opened once more.
func (c *connection) carry(ctx context.Context, l letter) crm.Receipt {
	for again := c.smtp != nil; ; again = false {
		if c.smtp == nil {
			if r := c.open(ctx); r.Status != "" {
				c.drop()
				return r
			}
		}
		r, lost := c.transact(ctx, l)
		if lost || r.Status != crm.Accepted && ctx.Err() != nil {
			c.drop()
		}
		if lost && again && r.Status == crm.Throttled && ctx.Err() == nil {
			continue
		}
		return r
	}
}

func (c *connection) open(ctx context.Context) crm.Receipt {
	unreached := func(why string, after time.Duration) crm.Receipt {
		return crm.Receipt{Status: crm.Throttled, Unreached: true, After: after, Reason: why}
	}
	if ctx.Err() != nil {
		return unreached("the time is over", 0)
	}
	policy := gomail.TLSMandatory
	if c.s.loopback || c.s.cfg.Implicit {
		policy = gomail.TLSOpportunistic // where it is implicit, there is nothing left to start
	}
	dial := func(dialing context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(dialing, network, addr)
		if err != nil {
			return nil, err
		}
		c.conn = conn
		c.stop = context.AfterFunc(ctx, func() { _ = conn.Close() }) // dialing ends before the batch
		if c.s.cfg.Implicit {
			secure := tls.Client(conn, c.s.cfg.TLS)
			if err := secure.HandshakeContext(dialing); err != nil {
				return nil, err
			}
			return secure, nil
		}
		return conn, nil
	}
	options := []gomail.Option{gomail.WithPort(c.s.port), gomail.WithTimeout(c.s.cfg.Timeout), gomail.WithHELO(c.s.cfg.Hello),
		gomail.WithTLSPolicy(policy), gomail.WithTLSConfig(c.s.cfg.TLS), gomail.WithDialContextFunc(dial)}
	if c.s.cfg.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(c.s.cfg.Username), gomail.WithPassword(string(c.s.cfg.Password.Reveal())))
	}
	client, err := gomail.NewClient(c.s.host, options...)
	if err != nil {
		return unreached("the connection cannot be made", 0)
	}
	if c.smtp, err = client.DialToSMTPClientWithContext(ctx); err != nil {
		if code, _, ok := answer(err); ok {
			return unreached("the server refuses the host: "+strconv.Itoa(code), 10*time.Minute)
		}
		if c.conn == nil {
			return unreached("no connection", 0)
		}
		return unreached("no connection that is encrypted and known", 0)
	}
	return crm.Receipt{}
}

// transact sends one message over an open connection. Lost says that the connection is of
// no use any more; if the receipt is then crm.Throttled the message was not taken.
func (c *connection) transact(ctx context.Context, l letter) (r crm.Receipt, lost bool) {
	if err := c.conn.SetDeadline(time.Now().Add(c.s.cfg.Timeout)); err != nil {
		return throttled("the connection was lost"), true
	}
	wide := !ascii(l.to)
	if ok, _ := c.smtp.Extension("SMTPUTF8"); wide && !ok {
		return crm.Receipt{Status: crm.Declined, Reason: "the server takes no addresses outside ASCII"}, false
	}
	c.smtp.SkipSMTPUTF8(!wide)
	if err := c.smtp.Mail("<" + l.returnPath + ">"); err != nil {
		code, text, ok := answer(err)
		switch {
		case !ok || code == 421:
			return throttled("the connection was lost before the message"), true
		case code >= 500 && code != 552 && enhanced(text) != "5.3.4":
			return crm.Receipt{Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the server refuses the sender: " + word(code, text)}, c.reset()
		}
		return refused(code, text), c.reset()
	}
	if err := c.smtp.Rcpt("<" + l.to + ">"); err != nil {
		code, text, ok := answer(err)
		switch {
		case !ok || code == 421:
			return throttled("the connection was lost before the message"), true
		case code == 530 || code == 535:
			return crm.Receipt{Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the server wants credentials: " + word(code, text)}, c.reset()
		}
		if v := classify(cmpCode(code, enhanced(text)), text); code >= 500 && v.bounce {
			c.bounced = messaging.Report{Code: word(code, text), Reason: v.reason, Bounce: true}
		}
		return refused(code, text), c.reset()
	}
	w, err := c.smtp.Data()
	if err != nil {
		code, text, ok := answer(err)
		if !ok || code == 421 {
			return throttled("the connection was lost before the message"), true
		}
		return refused(code, text), c.reset()
	}
	// Without the end of the text the server has no message (RFC 5321, 4.1.1.4).
	if _, err := w.Write(l.data); err != nil {
		return throttled("the connection was lost within the message"), true
	}
	if ctx.Err() != nil {
		return throttled("the time was over within the message"), true
	}
	if err := w.Close(); err != nil {
		code, text, ok := answer(err)
		if !ok || code < 400 {
			return crm.Receipt{Status: crm.Uncertain, Provider: l.id, Reason: "the answer after the message is lost"}, true
		}
		return refused(code, text), code == 421
	}
	return crm.Receipt{Status: crm.Accepted, Provider: l.id}, false
}

// reset ends a transaction and reports whether the connection is lost with it.
func (c *connection) reset() bool { return c.smtp.Reset() != nil }

func throttled(why string) crm.Receipt { return crm.Receipt{Status: crm.Throttled, Reason: why} }

// answer returns what a server answered, if an error is an answer.
func answer(err error) (code int, text string, ok bool) {
	var e *textproto.Error
	if !errors.As(err, &e) || e.Code < 200 || e.Code > 599 {
		return 0, "", false
	}
	return e.Code, e.Msg, true
}

// refused is the receipt of an answer about a message or its recipient. Nothing of the
// server's text is passed on but its code: servers write the address into it.
func refused(code int, text string) crm.Receipt {
	r := crm.Receipt{Reason: word(code, text)}
	switch {
	case code >= 500:
		r.Status = crm.Declined
		if f := classify(cmpCode(code, enhanced(text)), text); f.bounce {
			r.Reason += ": bounce, " + f.reason
		} else if f.reason != "" {
			r.Reason += ": " + f.reason
		}
	case code >= 400:
		r.Status = crm.Throttled
		if code == 450 || code == 451 {
			r.After = 5 * time.Minute // as those who try who comes again
		}
	default:
		r = crm.Receipt{Status: crm.Uncertain, Reason: word(code, text) + ", which is no answer"}
	}
	return r
}

// word is a code and an enhanced code.
func word(code int, text string) string {
	s := strconv.Itoa(code)
	if e := enhanced(text); e != "" {
		s += " " + e
	}
	return s
}
