package email_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/email"
	"github.com/vefacrm/vefa/messaging/messagingtest"
)

// secret is a key that differs in its first byte.
func secret(first byte) crm.Secret {
	b := make([]byte, 32)
	for i := range b {
		b[i] = first ^ byte(i*i*7+31*i+5)
	}
	return crm.NewSecret(b)
}

func verp(t testing.TB) *email.VERP {
	t.Helper()
	v, err := email.NewVERP("bounce", "mail.shop.example", secret(1))
	require.NoError(t, err)
	return v
}

func unsubscribe(_ context.Context, m messaging.Message) (string, error) {
	return "https://shop.example/u/" + string(m.ID[:8]), nil
}

func open(t *testing.T, s *server, change func(*email.Config)) *email.Sender {
	t.Helper()
	cfg := email.Config{Addr: s.addr, From: "Mağaza <news@shop.example>", VERP: verp(t), Unsubscribe: unsubscribe, TLS: &tls.Config{RootCAs: s.roots}, Timeout: 20 * time.Second}
	if change != nil {
		change(&cfg)
	}
	sender, err := email.New(cfg)
	require.NoError(t, err)
	return sender
}

// letter is the i-th message of the contract, by e-mail.
func letter(i int) messaging.Message { return letterTo(fmt.Sprintf("k%d@customer.example", i)) }

func letterTo(value string) messaging.Message {
	to := crm.Address{Channel: crm.Email, Value: value}
	return messaging.Message{ID: crmtest.EffectID("test", crm.OfAddress(to), crm.FactKey{}, ""), To: to, From: "VEFA", Via: crm.Email, Text: "Merhaba, İndirim başladı",
		Parts: map[string]string{email.Subject: "İndirim: ğüşıöç"}, Class: consent.Commercial, Cause: "test", At: time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)}
}

func TestSenderContract(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
		s := serve(t, &server{password: "a secret of the server", tls: &tls.Config{}}, false)
		sender := open(t, s, func(c *email.Config) { c.Username, c.Password = "crm", crm.NewSecret([]byte(s.password)) })
		r := &email.Reader{VERP: verp(t)}
		var replies []string
		told := 0
		return messagingtest.Fixture{Sender: sender, Arrived: s.arrived, Message: letter, Secrets: []string{s.password},
			Customer: func(i int) crm.Address {
				return crm.Address{Channel: crm.Email, Value: fmt.Sprintf("m%d@customer.example", i)}
			},
			Reply: func(_ *testing.T, from crm.Address, text string) {
				replies = append(replies, fmt.Sprintf("From: <%s>\r\nMessage-ID: <%d@customer.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n", from.Value, len(replies), text))
			},
			Deliver: func(t *testing.T) (all messaging.Feedback) { // each server says that it delivered
				for _, a := range s.got()[told:] {
					told++
					id, ok := verp(t).Effect(a.from)
					require.True(t, ok)
					replies = append(replies, fixture(t, "delivered", verp(t), id))
				}
				for _, text := range replies {
					f := read(t, r, text)
					all.Reports, all.Inbound = append(all.Reports, f.Reports...), append(all.Inbound, f.Inbound...)
				}
				replies = nil
				return all
			}}
	})
}

// TestAnswers holds what each answer of a server means, on one connection.
func TestAnswers(t *testing.T) {
	s := serve(t, &server{}, false)
	sender := open(t, s, nil)
	type want struct {
		status crm.Status
		reason string
	}
	cases := []struct {
		to string
		want
	}{
		{"ok", want{crm.Accepted, ""}},
		{"c550-5.1.1", want{crm.Declined, "550 5.1.1: bounce, no such mailbox"}},
		{"c550-5.1.2", want{crm.Declined, "550 5.1.2: bounce, no such domain"}},
		{"c550-5.2.1", want{crm.Declined, "550 5.2.1: bounce, the mailbox is closed"}},
		{"c550-5.2.1-at_a_rate", want{crm.Declined, "550 5.2.1: too many messages"}},
		{"c552-5.2.2", want{crm.Declined, "552 5.2.2: the mailbox is full"}},
		{"c550-5.7.1-user_unknown", want{crm.Declined, "550 5.7.1: the recipient's policy"}},
		{"c550-5.0.0-user_unknown", want{crm.Declined, "550 5.0.0: bounce, no such mailbox"}},
		{"c450-4.2.1", want{crm.Throttled, "450 4.2.1"}},
		{"c451-4.7.1", want{crm.Throttled, "451 4.7.1"}},
		{"d554-5.7.1", want{crm.Declined, "554 5.7.1: the recipient's policy"}},
		{"d452-4.3.1", want{crm.Throttled, "452 4.3.1"}},
		{"cut", want{crm.Uncertain, "the answer after the message is lost"}},
		{"after", want{crm.Accepted, ""}},
	}
	batch := make([]messaging.Message, len(cases))
	for i, c := range cases {
		batch[i] = letterTo(c.to + "@customer.example")
	}
	out, err := sender.Send(t.Context(), batch)
	require.NoError(t, err)
	for i, c := range cases {
		require.Equal(t, c.want, want{out[i].Status, out[i].Reason}, c.to)
		require.False(t, out[i].Unreached, c.to)
	}
	require.Equal(t, 5*time.Minute, out[9].After, "greylisting asks to come again")
	require.Equal(t, verp(t).MessageID(batch[0].ID), out[0].Provider)
	require.Len(t, s.got(), 3, "ok, the one whose answer was lost, and the one after it")
	require.Equal(t, 2, s.conns)
}

// TestRefusedAtOnce: a recipient that is refused as unknown is told as a bounce, others not.
func TestRefusedAtOnce(t *testing.T) {
	s := serve(t, &server{}, false)
	var told []messaging.Report
	var fail error
	sender := open(t, s, func(c *email.Config) {
		c.Feedback = func(_ context.Context, f messaging.Feedback) error {
			told = append(told, f.Reports...)
			return fail
		}
	})
	gone := letterTo("c550-5.1.1@customer.example")
	batch := []messaging.Message{letterTo("c552-5.2.2@customer.example"), gone, letterTo("c450-4.1.1@customer.example"), letterTo("d550-5.1.1@customer.example"), letterTo("ok@customer.example")}
	out, err := sender.Send(t.Context(), batch)
	require.NoError(t, err)
	require.Equal(t, crm.Declined, out[1].Status)
	require.Equal(t, []messaging.Report{{ID: gone.ID, State: messaging.Rejected, Code: "550 5.1.1", Reason: "no such mailbox", Bounce: true}}, told)
	require.NoError(t, told[0].Validate())
	fail = errors.New("the store")
	out, err = sender.Send(t.Context(), []messaging.Message{gone})
	require.NoError(t, err)
	require.Equal(t, crm.Throttled, out[0].Status)
}

// TestConnections counts connections: one for a batch, and again where the server ends it.
func TestConnections(t *testing.T) {
	for each, conns := range map[bool]int{false: 1, true: 40} {
		s := serve(t, &server{each: each}, false)
		batch := make([]messaging.Message, 40)
		for i := range batch {
			batch[i] = letter(i)
		}
		out, err := open(t, s, nil).Send(t.Context(), batch)
		require.NoError(t, err)
		for i, r := range out {
			require.Equal(t, crm.Accepted, r.Status, r.Reason)
			require.Equal(t, 1, s.arrived(batch[i].ID))
		}
		require.Equal(t, conns, s.conns)
	}
}

// TestUnreached: nobody listens, and a server that refuses the host or the sender. None is the
// message's fault.
func TestUnreached(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	for name, c := range map[string]struct {
		s      *server
		reason string
		change func(*email.Config)
	}{
		"no connection":       {&server{addr: l.Addr().String()}, "no connection", nil},
		"the sender":          {serve(t, &server{refuse: &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "no"}}, false), "the server refuses the sender: 550 5.7.1", nil},
		"another certificate": {serve(t, &server{tls: &tls.Config{}}, false), "no connection that is encrypted and known", func(c *email.Config) { c.TLS = &tls.Config{RootCAs: x509.NewCertPool()} }},
		"another password": {serve(t, &server{password: "right", tls: &tls.Config{}}, false), "the server refuses the host: 535", func(c *email.Config) {
			c.Username, c.Password = "crm", crm.NewSecret([]byte("wrong password"))
		}},
	} {
		out, err := open(t, c.s, c.change).Send(t.Context(), []messaging.Message{letter(1), letter(2)})
		require.NoError(t, err, name)
		for _, r := range out {
			require.Equal(t, crm.Throttled, r.Status, name)
			require.True(t, r.Unreached, name)
			require.Equal(t, c.reason, r.Reason, name)
		}
		require.Empty(t, c.s.got(), name)
	}
}

// TestTLS: beyond loopback nothing is sent in the clear.
func TestTLS(t *testing.T) {
	plain := serve(t, &server{}, false)
	sender := open(t, plain, nil)
	sender.Remote()
	out, err := sender.Send(t.Context(), []messaging.Message{letter(1)})
	require.NoError(t, err)
	require.Equal(t, crm.Receipt{ID: letter(1).ID, Status: crm.Throttled, Unreached: true, Reason: "no connection that is encrypted and known"}, out[0])
	require.Empty(t, plain.got())

	for _, implicit := range []bool{false, true} {
		s := serve(t, &server{tls: &tls.Config{}}, implicit)
		sender := open(t, s, func(c *email.Config) { c.Implicit = implicit })
		sender.Remote()
		out, err := sender.Send(t.Context(), []messaging.Message{letter(1)})
		require.NoError(t, err)
		require.Equal(t, crm.Accepted, out[0].Status, out[0].Reason)
		old := serve(t, &server{tls: &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}}, implicit)
		out, err = open(t, old, func(c *email.Config) { c.Implicit = implicit }).Send(t.Context(), []messaging.Message{letter(1)})
		require.NoError(t, err)
		require.True(t, out[0].Unreached, "TLS 1.1")
	}
}

// parse reads a message as a mailbox does.
func parse(t *testing.T, a arrival) (mail.Header, []string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(a.data))
	require.NoError(t, err)
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	require.NoError(t, err)
	if kind != "multipart/alternative" {
		b, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		require.NoError(t, err)
		return m.Header, []string{kind + ": " + string(b)}
	}
	var parts []string
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextPart() // decodes quoted-printable
		if errors.Is(err, io.EOF) {
			return m.Header, parts
		}
		require.NoError(t, err)
		b, err := io.ReadAll(p)
		require.NoError(t, err)
		kind, _, _ := strings.Cut(p.Header.Get("Content-Type"), ";")
		parts = append(parts, kind+": "+string(b))
	}
}

func TestMessage(t *testing.T) {
	s := serve(t, &server{}, false)
	sender := open(t, s, func(c *email.Config) {
		c.UnsubscribeMail, c.ReplyTo = "off@shop.example", "hilfe@shop.example"
		c.FeedbackID = func(m messaging.Message) string { return m.Cause + ":shop" }
	})
	m := letter(1)
	m.Parts[email.HTML] = "<html><body class=x><p>İndirim</p></body></html>"
	m.Parts[email.Preheader] = "yalnız <bugün>"
	order := letter(2)
	order.Class, order.From, order.Parts[email.Subject] = consent.Transactional, "Kargo <kargo@shop.example>", "Your order"
	order.Meta = map[string]string{email.MetaAuto: email.AutoReplied, email.MetaInReplyTo: "abc@customer.example"}
	person := letter(3)
	person.Class, person.Meta = consent.Transactional, map[string]string{email.MetaAuto: email.ByPerson, email.MetaInReplyTo: "x>\r\nBcc: y@z.example"}
	for range 2 { // again, byte for byte
		out, err := sender.Send(t.Context(), []messaging.Message{m, order, person})
		require.NoError(t, err)
		for _, r := range out {
			require.Equal(t, crm.Accepted, r.Status, r.Reason)
		}
	}
	got := s.got()
	require.Len(t, got, 6)
	require.Equal(t, got[:3], got[3:])
	require.Equal(t, verp(t).ReturnPath(m.ID), got[0].from)

	h, parts := parse(t, got[0])
	var words mime.WordDecoder
	subject, err := words.DecodeHeader(h.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "İndirim: ğüşıöç", subject)
	from, err := h.AddressList("From")
	require.NoError(t, err)
	require.Equal(t, []*mail.Address{{Name: "VEFA", Address: "news@shop.example"}}, from)
	require.Equal(t, "<hilfe@shop.example>", h.Get("Reply-To"))
	require.Equal(t, "<https://shop.example/u/"+string(m.ID[:8])+">, <mailto:off@shop.example?subject=unsubscribe>", h.Get("List-Unsubscribe"))
	require.Equal(t, "List-Unsubscribe=One-Click", h.Get("List-Unsubscribe-Post"))
	require.Equal(t, "auto-generated", h.Get("Auto-Submitted"))
	require.Equal(t, "test:shop", h.Get("Feedback-ID"))
	require.Equal(t, "<"+verp(t).MessageID(m.ID)+">", h.Get("Message-ID"))
	require.Equal(t, "Mon, 03 Mar 2025 12:00:00 +0000", h.Get("Date"))
	require.Equal(t, []string{"text/plain: Merhaba, İndirim başladı",
		`text/html: <html><body class=x><div style="display:none;max-height:0;overflow:hidden">yalnız &lt;bugün&gt;</div><p>İndirim</p></body></html>`}, parts)

	h, parts = parse(t, got[1])
	require.Equal(t, []string{"text/plain: Merhaba, İndirim başladı"}, trim(parts))
	require.Equal(t, `"Kargo" <kargo@shop.example>`, h.Get("From"))
	require.Empty(t, h.Get("List-Unsubscribe"))
	require.Equal(t, "auto-replied", h.Get("Auto-Submitted"))
	require.Equal(t, "<abc@customer.example>", h.Get("In-Reply-To"))
	h, _ = parse(t, got[2])
	require.Empty(t, h.Get("Auto-Submitted"))
	require.Empty(t, h.Get("In-Reply-To"))
	require.Empty(t, h.Get("Bcc"))
}

// TestLongLines: no line is longer than SMTP allows, and what is folded is read as it was.
func TestLongLines(t *testing.T) {
	s := serve(t, &server{}, false)
	m := letter(1)
	m.From, m.Parts[email.Subject], m.Text = strings.Repeat("ğ", 100), strings.Repeat("ş", 400), strings.Repeat("ı", 5000)+"\n.\n..x\nFrom here"
	m.Parts[email.HTML] = strings.Repeat("<p>x</p>", 1000)
	out, err := open(t, s, nil).Send(t.Context(), []messaging.Message{m})
	require.NoError(t, err)
	require.Equal(t, crm.Accepted, out[0].Status, out[0].Reason)
	for _, line := range strings.Split(s.got()[0].data, "\r\n") {
		require.LessOrEqual(t, len(line), 100)
		require.NotContains(t, line, "\n")
	}
	h, parts := parse(t, s.got()[0])
	subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, m.Parts[email.Subject], subject)
	from, err := h.AddressList("From")
	require.NoError(t, err)
	require.Equal(t, m.From, from[0].Name)
	require.Equal(t, []string{"text/plain: " + strings.ReplaceAll(m.Text, "\n", "\r\n"), "text/html: " + m.Parts[email.HTML]}, parts)
}

func trim(parts []string) []string {
	for i := range parts {
		parts[i] = strings.TrimRight(parts[i], "\r\n")
	}
	return parts
}

// TestRefused: what cannot be sent as it is reaches no server and leaves no doubt.
func TestRefused(t *testing.T) {
	s := serve(t, &server{}, false)
	change := func(f func(*messaging.Message)) messaging.Message {
		m := letter(1)
		m.Parts = map[string]string{email.Subject: "x"}
		f(&m)
		return m
	}
	for name, m := range map[string]messaging.Message{
		"a line in the subject": change(func(m *messaging.Message) { m.Parts[email.Subject] = "x\r\nBcc: y@z.example" }),
		"U+2028 in the subject": change(func(m *messaging.Message) { m.Parts[email.Subject] = "x\u2028y" }),
		"no subject":            change(func(m *messaging.Message) { m.Parts = nil }),
		"a line in the name":    change(func(m *messaging.Message) { m.From = "x\r\nBcc: y@z.example" }),
		"two senders":           change(func(m *messaging.Message) { m.From = "a@b.example, c@d.example" }),
		"a line in the address": change(func(m *messaging.Message) { m.To.Value = "a@b.example>\r\nRCPT TO:<y@z.example" }),
		"two addresses":         change(func(m *messaging.Message) { m.To.Value = "a@b.example,c@d.example" }),
		"a quoted local part":   change(func(m *messaging.Message) { m.To.Value = `"a b"@b.example` }),
		"a source route":        change(func(m *messaging.Message) { m.To.Value = "@relay.example:a@b.example" }),
		"letters in the domain": change(func(m *messaging.Message) { m.To.Value = "a@bücher.example" }),
		"letters before the @":  change(func(m *messaging.Message) { m.To.Value = "çağrı@b.example" }),
		"a telephone":           change(func(m *messaging.Message) { m.To = crm.Address{Channel: crm.Phone, Value: "+905321234567"} }),
		"no text":               change(func(m *messaging.Message) { m.Text = "" }),
		"not UTF-8":             change(func(m *messaging.Message) { m.Text = "\xff" }),
		"not UTF-8 in HTML":     change(func(m *messaging.Message) { m.Parts[email.HTML] = "\xff" }),
		"an id of nobody's":     change(func(m *messaging.Message) { m.ID = "x" }),
		"an unknown automaton":  change(func(m *messaging.Message) { m.Meta = map[string]string{email.MetaAuto: "x\r\ny"} }),
		"too large":             change(func(m *messaging.Message) { m.Text = strings.Repeat("x", email.MaxSize+1) }),
	} {
		out, err := open(t, s, nil).Send(t.Context(), []messaging.Message{m})
		require.NoError(t, err)
		require.Equal(t, crm.Declined, out[0].Status, "%s: %s", name, out[0].Reason)
		require.NotContains(t, out[0].Reason, "\n")
	}
	for name, f := range map[string]func(context.Context, messaging.Message) (string, error){
		"none":        nil,
		"empty":       func(context.Context, messaging.Message) (string, error) { return "", nil },
		"http":        func(context.Context, messaging.Message) (string, error) { return "http://shop.example/", nil },
		"a line":      func(context.Context, messaging.Message) (string, error) { return "https://shop.example/\r\nX: y", nil },
		"a bracket":   func(context.Context, messaging.Message) (string, error) { return "https://shop.example/>,<x", nil },
		"credentials": func(context.Context, messaging.Message) (string, error) { return "https://a:b@shop.example/", nil },
	} {
		sender := open(t, s, func(c *email.Config) { c.Unsubscribe = f })
		order := letter(2)
		order.Class = consent.Transactional
		out, err := sender.Send(t.Context(), []messaging.Message{letter(1), order})
		require.NoError(t, err)
		require.Equal(t, crm.Declined, out[0].Status, name)
		require.Equal(t, crm.Accepted, out[1].Status, "a transactional message needs none")
	}
	for name, f := range map[string]func(context.Context, messaging.Message) (string, error){
		"an error": func(context.Context, messaging.Message) (string, error) { return "", errors.New("no") },
		"a panic":  func(context.Context, messaging.Message) (string, error) { panic("no") },
	} {
		out, err := open(t, s, func(c *email.Config) { c.Unsubscribe = f }).Send(t.Context(), []messaging.Message{letter(1)})
		require.NoError(t, err, name)
		require.Equal(t, crm.Throttled, out[0].Status, name)
	}
	for _, a := range s.got() {
		require.NotContains(t, a.data, "List-Unsubscribe")
	}
	wide := serve(t, &server{utf8: true}, false)
	out, err := open(t, wide, nil).Send(t.Context(), []messaging.Message{letterTo("çağrı@b.example"), letterTo("a@b.example")})
	require.NoError(t, err)
	require.Equal(t, crm.Accepted, out[0].Status, out[0].Reason)
	require.Equal(t, crm.Accepted, out[1].Status, out[1].Reason)
}

// TestConfig: what cannot work is not taken.
func TestConfig(t *testing.T) {
	for name, change := range map[string]func(*email.Config){
		"Addr":            func(c *email.Config) { c.Addr = "smtp.example.com" },
		"Username":        func(c *email.Config) { c.Username = "x" },
		"VERP":            func(c *email.Config) { c.VERP = nil },
		"From":            func(c *email.Config) { c.From = "Shop" },
		"From line":       func(c *email.Config) { c.From = "Shop\r\n <a@b.example>" },
		"ReplyTo":         func(c *email.Config) { c.ReplyTo = "ç@b.example" },
		"Hello":           func(c *email.Config) { c.Hello = "x\r\ny" },
		"UnsubscribeMail": func(c *email.Config) { c.UnsubscribeMail = "x?y" },
		"DKIM":            func(c *email.Config) { c.DKIM = &email.DKIM{Domain: "shop.example", Selector: "s"} },
	} {
		cfg := email.Config{Addr: "127.0.0.1:25", From: "news@shop.example", VERP: verp(t)}
		_, err := email.New(cfg)
		require.NoError(t, err)
		change(&cfg)
		_, err = email.New(cfg)
		require.ErrorIs(t, err, email.ErrConfig, name)
	}
	_, err := email.New(email.Config{Addr: "smtp", Username: "x", From: "Shop", ReplyTo: "Shop", UnsubscribeMail: "x?y", Hello: "x y", DKIM: &email.DKIM{}})
	for _, want := range []string{"Addr", "Username", "VERP", "From is", "ReplyTo", "UnsubscribeMail", "Hello", "DKIM"} {
		require.ErrorContains(t, err, want, "every fault is reported")
	}
	_, err = email.NewVERP("B", "d", crm.NewSecret(nil), crm.NewSecret([]byte("x")))
	for _, want := range []string{"prefix", "domain", "key 0", "key 1"} {
		require.ErrorContains(t, err, want, "every fault is reported")
	}
}

// TestDKIM verifies a signature by hand, for the fields that RFC 8058 wants signed.
func TestDKIM(t *testing.T) {
	public, private, err := ed25519.GenerateKey(strings.NewReader(strings.Repeat("a seed of no worth", 10)))
	require.NoError(t, err)
	s := serve(t, &server{}, false)
	sender := open(t, s, func(c *email.Config) { c.DKIM = &email.DKIM{Domain: "shop.example", Selector: "s1", Key: private} })
	out, err := sender.Send(t.Context(), []messaging.Message{letter(1)})
	require.NoError(t, err)
	require.Equal(t, crm.Accepted, out[0].Status, out[0].Reason)
	require.NoError(t, verify(s.got()[0].data, public))
	require.Error(t, verify(strings.Replace(s.got()[0].data, "Post: List", "Post: Lost", 1), public))
	require.Error(t, verify(strings.Replace(s.got()[0].data, "Merhaba", "Merhabb", 1), public))
}

func TestVERP(t *testing.T) {
	v := verp(t)
	id := letter(1).ID
	for _, s := range []string{v.ReturnPath(id), v.MessageID(id), "<" + v.MessageID(id) + ">", strings.ToUpper(v.ReturnPath(id))} {
		got, ok := v.Effect(s)
		require.True(t, ok, s)
		require.Equal(t, id, got)
	}
	local, _, _ := strings.Cut(v.ReturnPath(id), "@")
	require.LessOrEqual(t, len(local), 64)
	path := v.ReturnPath(id)
	for i := range path { // any letter that is another
		other := []byte(path)
		other[i] = 'b'
		if path[i] == 'b' {
			other[i] = 'c'
		}
		_, ok := v.Effect(string(other))
		require.False(t, ok, string(other))
	}
	old, err := email.NewVERP("bounce", "mail.shop.example", secret(2))
	require.NoError(t, err)
	_, ok := v.Effect(old.ReturnPath(id))
	require.False(t, ok)
	both, err := email.NewVERP("bounce", "mail.shop.example", secret(2), secret(1))
	require.NoError(t, err)
	for _, s := range []string{v.ReturnPath(id), old.ReturnPath(id)} {
		_, ok = both.Effect(s)
		require.True(t, ok, "both keys are taken while they change")
	}
	require.Equal(t, old.ReturnPath(id), both.ReturnPath(id), "the first makes")
	for _, bad := range []func() (*email.VERP, error){
		func() (*email.VERP, error) { return email.NewVERP("", "a.example", secret(1)) },
		func() (*email.VERP, error) { return email.NewVERP("fifteenletters15", "a.example", secret(1)) },
		func() (*email.VERP, error) { return email.NewVERP("b", "a", secret(1)) },
		func() (*email.VERP, error) { return email.NewVERP("b", "a.example\r\n", secret(1)) },
		func() (*email.VERP, error) { return email.NewVERP("b", "a.example") },
		func() (*email.VERP, error) { return email.NewVERP("b", "a.example", crm.NewSecret([]byte("weak"))) },
	} {
		_, err := bad()
		require.ErrorIs(t, err, email.ErrConfig)
	}
}

// TestEnded: a context that ends while the server is silent puts the message off or leaves
// it in doubt, and Send returns.
func TestEnded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		cancel() // and says nothing
		_, _ = io.ReadAll(conn)
		_ = conn.Close()
	}()
	out, err := open(t, &server{addr: l.Addr().String()}, nil).Send(ctx, []messaging.Message{letter(1), letter(2)})
	require.NoError(t, err)
	for _, r := range out {
		require.Equal(t, crm.Throttled, r.Status)
		require.True(t, r.Unreached)
	}
}

// TestChannel: a campaign says something by e-mail, with its values escaped.
func TestChannel(t *testing.T) {
	require.NoError(t, email.Channel().Validate())
	c := messaging.Campaign{Fields: []messaging.Field{{Name: "name", Max: 20}}, Contents: []messaging.Content{{Channel: crm.Email, Text: "Merhaba {name}",
		Parts: map[string]string{email.Subject: "{name}, merhaba", email.HTML: "<p>{name}</p>"}}}}
	script, err := c.Script(email.Channel())
	require.NoError(t, err)
	m, err := script.Render(crm.Email, messaging.Values{"name": "<b>\r\nAyşe"})
	require.NoError(t, err)
	require.NotContains(t, m.Parts[email.Subject], "\n")
	require.NotContains(t, m.Parts[email.HTML], "<b>")
	size, err := script.Measure(&m)
	require.NoError(t, err)
	require.Equal(t, 1, size.Units)
	c.Contents[0].Parts = nil
	_, err = c.Script(email.Channel())
	require.ErrorIs(t, err, messaging.ErrCampaign, "no subject")
	for value, ok := range map[string]bool{"a.b+c@d.example": true, "ç@d.example": true, "a@ç.example": false, "a..b@d.example": false, ".a@d.example": false,
		strings.Repeat("a", 65) + "@d.example": false, "a@-d.example": false, "a<b@d.example": false} {
		require.Equal(t, ok, email.Channel().Address(value) == "", value)
	}
}
