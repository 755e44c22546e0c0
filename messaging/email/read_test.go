package email_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/email"
)

// fixture reads a mail of testdata, in which RETURN and MID stand for the addresses of a message.
func fixture(t testing.TB, name string, v *email.VERP, id crm.EffectID) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "mail", name+".eml"))
	require.NoError(t, err)
	return strings.NewReplacer("RETURN", v.ReturnPath(id), "MID", v.MessageID(id), "\n", "\r\n").Replace(string(b))
}

func read(t *testing.T, r *email.Reader, text string) messaging.Feedback {
	t.Helper()
	f, err := r.ReadMessage(t.Context(), strings.NewReader(text))
	require.NoError(t, err)
	for _, x := range f.Reports {
		require.NoError(t, x.Validate())
	}
	for _, x := range f.Inbound {
		require.NoError(t, x.Validate())
	}
	return f
}

// TestBounces reads what servers write, as reports and in their own words.
func TestBounces(t *testing.T) {
	v := verp(t)
	id := letter(1).ID
	at := time.Date(2025, 3, 3, 12, 1, 2, 0, time.UTC)
	for name, want := range map[string]messaging.Report{
		"postfix-unknown":   {ID: id, State: messaging.Undelivered, Code: "5.1.1", Reason: "no such mailbox", Bounce: true, At: at},
		"postfix-delayed":   {ID: id, State: messaging.Enroute, Code: "4.4.1", Reason: "still tried"},
		"postfix-full":      {ID: id, State: messaging.Undelivered, Code: "5.2.2", Reason: "the mailbox is full"},
		"exchange-notfound": {ID: id, State: messaging.Undelivered, Code: "5.1.10", Reason: "no such mailbox", Bounce: true, At: at},
		"exchange-policy":   {ID: id, State: messaging.Undelivered, Code: "5.7.1", Reason: "the recipient's policy"},
		"gmail-unknown":     {ID: id, State: messaging.Undelivered, Code: "5.1.1", Reason: "no such mailbox", Bounce: true},
		"gmail-rate":        {ID: id, State: messaging.Undelivered, Code: "5.2.1", Reason: "too many messages"},
		"yandex-unknown":    {ID: id, State: messaging.Undelivered, Code: "5.7.1", Reason: "the recipient's policy"}, // it says so: the code counts
		"exim-unknown":      {ID: id, State: messaging.Undelivered, Code: "5.0.0", Reason: "no such mailbox", Bounce: true},
		"exim-delayed":      {ID: id, State: messaging.Enroute, Reason: "still tried"},
		"qmail-unknown":     {ID: id, State: messaging.Undelivered, Code: "5.1.1", Reason: "no such mailbox", Bounce: true},
		"turkish-full":      {ID: id, State: messaging.Undelivered, Code: "5.0.0", Reason: "the mailbox is full"},
		"expired":           {ID: id, State: messaging.Expired, Code: "4.4.7", Reason: "not reached while it was tried"},
		"delivered":         {ID: id, State: messaging.Delivered, Code: "2.0.0"},
	} {
		text := fixture(t, name, v, id)
		f := read(t, &email.Reader{VERP: v}, text)
		require.Equal(t, messaging.Feedback{Reports: []messaging.Report{want}}, f, name)
		// The same of a message that another made is no report, and nobody answers it.
		other, err := email.NewVERP("bounce", "mail.shop.example", secret(9))
		require.NoError(t, err)
		f = read(t, &email.Reader{VERP: other}, text)
		require.Empty(t, f.Reports, name)
		require.True(t, f.Inbound[0].Automatic, name)
	}
}

// TestCodes: which permanent faults are of the address.
func TestCodes(t *testing.T) {
	v := verp(t)
	for code, bounce := range map[string]bool{"5.1.1": true, "5.1.2": true, "5.1.3": true, "5.1.4": true, "5.1.6": true, "5.1.10": true, "5.2.1": true,
		"5.1.0": false, "5.1.5": false, "5.1.7": false, "5.1.8": false, "5.1.9": false, "5.2.2": false, "5.2.3": false, "5.4.1": false, "5.7.1": false, "5.7.26": false, "4.1.1": false, "4.2.1": false, "5.0.0": false} {
		text := strings.Replace(fixture(t, "postfix-full", v, letter(1).ID), "Status: 5.2.2", "Status: "+code, 1)
		text = strings.Replace(text, "552 5.2.2 mailbox full, user unknown to have read it", "said no", 1)
		f := read(t, &email.Reader{VERP: v}, strings.Replace(text, "user unknown is not what is said here", "", 1))
		require.Equal(t, bounce, f.Reports[0].Bounce, code)
		require.Equal(t, code, f.Reports[0].Code)
	}
}

// TestComplaints: an abuse report takes its recipient off, and only of a message of ours.
func TestComplaints(t *testing.T) {
	v := verp(t)
	id := letter(1).ID
	r := &email.Reader{VERP: v}
	f := read(t, r, fixture(t, "arf-abuse", v, id))
	at := time.Date(2025, 3, 3, 12, 1, 2, 0, time.UTC)
	require.Equal(t, []messaging.Report{{ID: id, State: messaging.Delivered, Code: "abuse", Reason: "reported by its recipient", At: at}}, f.Reports)
	require.Len(t, f.Inbound, 1)
	require.Equal(t, letter(1).To, f.Inbound[0].From)
	require.False(t, f.Inbound[0].Automatic)
	require.Equal(t, consent.OptOut, new(consent.Parser).Parse(f.Inbound[0].Text).Intent)

	require.Empty(t, read(t, r, fixture(t, "arf-redacted", v, id)).Inbound, "nobody is named")
	asked := &email.Reader{VERP: v, Recipient: func(_ context.Context, got crm.EffectID) (crm.Address, error) {
		require.Equal(t, id, got)
		return letter(5).To, nil
	}}
	require.Equal(t, letter(5).To, read(t, asked, fixture(t, "arf-redacted", v, id)).Inbound[0].From)
	require.Equal(t, letter(5).To, read(t, asked, fixture(t, "arf-abuse", v, id)).Inbound[0].From, "the record, not what a report says")
	require.Empty(t, read(t, r, fixture(t, "arf-notspam", v, id)).Inbound)
	forged := read(t, r, strings.ReplaceAll(fixture(t, "arf-abuse", v, id), string(id), "0"+string(id[1:30])+"f"))
	require.Empty(t, forged.Reports)
	require.True(t, forged.Inbound[0].Automatic)
	broken := &email.Reader{VERP: v, Recipient: func(context.Context, crm.EffectID) (crm.Address, error) { return crm.Address{}, errors.New("no") }}
	_, err := broken.ReadMessage(t.Context(), strings.NewReader(fixture(t, "arf-abuse", v, id)))
	require.Error(t, err)
	require.NotErrorIs(t, err, messaging.ErrReport)
}

func mailOf(header, body string) string {
	return "From: =?utf-8?Q?Ay=C5=9Fe?= <ayse@customer.example>\r\nTo: news@shop.example\r\nMessage-ID: <m1@customer.example>\r\n" + header + "\r\n" + strings.ReplaceAll(body, "\n", "\r\n")
}

func TestInbound(t *testing.T) {
	v := verp(t)
	r := &email.Reader{VERP: v, Unsubscribe: "off@shop.example"}
	one := func(header, body string) messaging.Inbound {
		f := read(t, r, mailOf(header, body))
		require.Empty(t, f.Reports)
		require.Len(t, f.Inbound, 1)
		return f.Inbound[0]
	}
	in := one("In-Reply-To: <x@y.example>\r\nReferences: <a@b.example> <"+v.MessageID(letter(1).ID)+">\r\nDate: Sat, 1 Jan 2000 00:00:00 +0000\r\nReceived: from a by b; Mon, 3 Mar 2025 15:01:02 +0300\r\n",
		"Ret\n\nOn Mon, 3 Mar 2025 at 12:00, VEFA <news@shop.example> wrote:\n> Merhaba\n> STOP yazın\n")
	require.Equal(t, messaging.Inbound{ID: "m1@customer.example", From: crm.Address{Channel: crm.Email, Value: "ayse@customer.example"}, To: crm.Address{Channel: crm.Email, Value: "news@shop.example"},
		Text: "Ret", Answers: v.MessageID(letter(1).ID), At: time.Date(2025, 3, 3, 12, 1, 2, 0, time.UTC)}, in)

	for name, c := range map[string][3]string{
		"quoted-printable":        {"Content-Type: text/plain; charset=iso-8859-9\r\nContent-Transfer-Encoding: quoted-printable\r\n", "=DEi=FEli ger=E7ek=\n mi?", "Şişli gerçek mi?"},
		"base64":                  {"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n", "xLBwdGFs\n", "İptal"},
		"HTML":                    {"Content-Type: text/html; charset=utf-8\r\n", "<style>p{}</style><div>Merhaba <b>A&amp;B</b></div><br>iki<div class=\"gmail_quote\">STOP</div>", "Merhaba A&B\n\niki"},
		"the text of both":        {"Content-Type: multipart/alternative; boundary=b\r\n", "--b\nContent-Type: text/html\n\n<p>HTML</p>\n--b\nContent-Type: text/plain\n\ndüz\n--b--\n", "düz"},
		"an attachment":           {"Content-Type: multipart/mixed; boundary=b\r\n", "--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nSTOP\n--b\nContent-Type: text/plain\n\nmerhaba\n--b--\n", "merhaba"},
		"the subject":             {"Subject: =?utf-8?Q?=C4=B0ptal?=\r\n", "", "İptal"},
		"Turkish quotation":       {"", "Evet\n\nVEFA <news@shop.example>, 3 Mar 2025 Pzt, 12:00 tarihinde şunu\nyazdı:\n> DUR\n", "Evet"},
		"Outlook":                 {"", "Tamam\n\n________________________________\nFrom: VEFA\nSTOP", "Tamam"},
		"Outlook in Turkish":      {"", "Tamam\n\n-----Orijinal İleti-----\nSTOP", "Tamam"},
		"a signature":             {"", "Tamam\n-- \nSTOP A.Ş.", "Tamam"},
		"between the lines":       {"", "On Monday VEFA wrote:\n> Ne zaman?\nYarın\n> Nerede?\nMağazada\n", "Yarın\nMağazada"},
		"no line of it is quoted": {"", "I wrote: hello\nYes", "I wrote: hello\nYes"},
		"control characters":      {"", "a\x00b\x07c", "abc"},
	} {
		require.Equal(t, c[2], one(c[0], c[1]).Text, name)
	}
	f := read(t, r, "From: a@b.example\r\nTo: off@shop.example\r\nAuto-Submitted: auto-generated\r\n\r\n")
	require.Equal(t, consent.OptOut, new(consent.Parser).Parse(f.Inbound[0].Text).Intent)
	require.False(t, f.Inbound[0].Automatic, "programs unsubscribe for people")
	require.Equal(t, f, read(t, r, "From: a@b.example\r\nTo: off@shop.example\r\nAuto-Submitted: auto-generated\r\n\r\n"), "the same id without a Message-ID")
	require.NotEqual(t, f.Inbound[0].ID, read(t, r, "From: c@b.example\r\nTo: off@shop.example\r\n\r\n").Inbound[0].ID)

	for _, bad := range []string{"", "x", "To: a@b.example\r\n\r\nx", "From: nobody\r\n\r\nx", "\x00\r\n\r\n"} {
		_, err := r.ReadMessage(t.Context(), strings.NewReader(bad))
		require.ErrorIs(t, err, messaging.ErrReport, bad)
	}
	_, err := r.ReadMessage(t.Context(), iotest.ErrReader(errors.New("disk")))
	require.Error(t, err)
	require.NotErrorIs(t, err, messaging.ErrReport)
}

// TestAutomatic: what RFC 3834 and common use say of programs.
func TestAutomatic(t *testing.T) {
	r := &email.Reader{VERP: verp(t)}
	for header, want := range map[string]bool{
		"":                                      false,
		"Auto-Submitted: no\r\n":                false,
		"Auto-Submitted: auto-replied\r\n":      true,
		"Auto-Submitted: Auto-Generated; x\r\n": true,
		"Precedence: bulk\r\n":                  true,
		"Precedence: junk\r\n":                  true,
		"Precedence: list\r\n":                  true,
		"Precedence: first-class\r\n":           false,
		"Return-Path: <>\r\n":                   true,
		"Return-Path: <a@b.example>\r\n":        false,
		"X-Auto-Response-Suppress: All\r\n":     true,
		"X-Auto-Response-Suppress: None\r\n":    false,
		"List-Id: <l.example>\r\n":              true,
		"List-Unsubscribe: <x>\r\n":             true,
		"X-Autoreply: yes\r\n":                  true,
	} {
		require.Equal(t, want, read(t, r, mailOf(header, "x")).Inbound[0].Automatic, header)
	}
	for from, want := range map[string]bool{"no-reply@a.example": true, "NoReply@a.example": true, "do_not_reply@a.example": true, "mailer-daemon@a.example": true, "bounces+x@a.example": true,
		"owner-list@a.example": true, "list-request@a.example": true, "owner@a.example": false, "ayse@a.example": false, "request@a.example": false} {
		require.Equal(t, want, read(t, r, "From: "+from+"\r\nSubject: x\r\n\r\nx").Inbound[0].Automatic, from)
	}
}

// TestBounds: mails that are made to be costly.
func TestBounds(t *testing.T) {
	r := &email.Reader{VERP: verp(t), MaxSize: 1 << 20}
	deep := "From: a@b.example\r\n"
	for range 2000 {
		deep += "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	}
	read(t, r, deep)
	read(t, r, "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"+strings.Repeat("--b\r\n\r\nx\r\n", 20000))
	in := read(t, r, "From: a@b.example\r\n\r\n"+strings.Repeat("x", 3<<20)).Inbound[0]
	require.LessOrEqual(t, len(in.Text), 64<<10)
	read(t, r, "From: a@b.example\r\nContent-Type: text/html\r\n\r\n"+strings.Repeat("<", 1<<20))
	read(t, r, "Return-Path: <>\r\nFrom: mailer-daemon@b.example\r\nSubject: failure\r\n\r\n"+strings.Repeat(strings.Repeat("a", 31)+"."+strings.Repeat("b", 16)+" ", 20000))
	read(t, r, "From: a@b.example\r\nReferences: "+strings.Repeat("<a@b> ", 20000)+"\r\n\r\nx")
	first := read(t, r, "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/pdf\r\n\r\n"+strings.Repeat("x", 3<<20))
	require.Equal(t, "hello", first.Inbound[0].Text, "a large attachment does not keep the text back")
}
