package email_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/email"
)

// The tests of this file ask independent programs, which .ci/oracles installs. Without them
// they are skipped.

// need skips the test where a program is missing, or fails it where all must be there.
func need(t *testing.T, there bool, what string) {
	t.Helper()
	switch {
	case there:
	case os.Getenv("VEFA_REQUIRE_ALL") != "":
		t.Fatalf("%s is not installed; .ci/oracles installs it", what)
	default:
		t.Skipf("%s is not installed; .ci/oracles installs it", what)
	}
}

// aiosmtpd takes mail and prints each as its own parser of the standard library reads it.
const aiosmtpd = `
import asyncio, email, email.policy, sys
from aiosmtpd.controller import Controller
class Handler:
    async def handle_DATA(self, server, session, envelope):
        m = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert not m.defects, m.defects
        for name in ("From", "To", "Subject", "List-Unsubscribe-Post"):
            print(name + ": " + str(m[name]))
        for part in m.walk():
            if not part.is_multipart():
                print(part.get_content_type() + ": " + part.get_content().strip())
        print("from", envelope.mail_from)
        print("end", flush=True)
        return "250 OK"
c = Controller(Handler(), hostname="127.0.0.1", port=int(sys.argv[1]))
c.start()
print("ready", flush=True)
sys.stdin.read()
c.stop()
`

// TestAiosmtpd: Python's server takes a message, and its parser reads what was meant.
func TestAiosmtpd(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's, which has Debian's packages
	need(t, exec.Command(python, "-c", "import aiosmtpd").Run() == nil, "python3-aiosmtpd")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), python, "-c", aiosmtpd, port)
	cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.Equal(t, "ready", lines.Text())

	m := letter(1)
	m.Parts[email.HTML] = "<p>İndirim</p>"
	receipts, err := open(t, &server{addr: addr}, nil).Send(t.Context(), []messaging.Message{m})
	require.NoError(t, err)
	require.Equal(t, crm.Accepted, receipts[0].Status, receipts[0].Reason)
	var got []string
	for lines.Scan() && lines.Text() != "end" {
		got = append(got, lines.Text())
	}
	require.Equal(t, []string{"From: VEFA <news@shop.example>", "To: k1@customer.example", "Subject: İndirim: ğüşıöç", "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
		"text/plain: Merhaba, İndirim başladı", "text/html: <p>İndirim</p>", "from " + verp(t).ReturnPath(m.ID)}, got)
}

// TestSwaks: what another client sends to the return path is read as it was written.
func TestSwaks(t *testing.T) {
	program, err := exec.LookPath("swaks")
	need(t, err == nil, "swaks")
	s := serve(t, &server{}, false)
	host, port, err := net.SplitHostPort(s.addr)
	require.NoError(t, err)
	v := verp(t)
	cmd := exec.CommandContext(t.Context(), program, "--server", host, "--port", port, "--from", "ayse@customer.example", "--to", v.ReturnPath(letter(1).ID),
		"--helo", "customer.example", "--header", "Subject: Re: order", "--header", "Auto-Submitted: auto-replied", "--body", "Ofis dışındayım", "--timeout", "20")
	output, err := cmd.CombinedOutput() // it ends after the answer to its message
	require.NoError(t, err, string(output))
	f := read(t, &email.Reader{VERP: v}, s.got()[0].data)
	require.Empty(t, f.Reports, "an answer of somebody absent is no bounce, though it came to the return path")
	require.Equal(t, "Ofis dışındayım", strings.TrimSpace(f.Inbound[0].Text))
	require.Equal(t, "ayse@customer.example", f.Inbound[0].From.Value)
	require.True(t, f.Inbound[0].Automatic)
}
