package smppsender_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/smpp/smpptest"
	"github.com/vefacrm/vefa/messaging/smppsender"
)

// apart runs a test again in a network of its own, as Kannel listens on every address.
// It returns true in there.
func apart(t *testing.T, programs ...string) bool {
	t.Helper()
	if os.Getenv("VEFA_APART") == t.Name() {
		return true
	}
	for _, p := range append(programs, "unshare", "ip") {
		_, err := exec.LookPath(p)
		need(t, err == nil, p)
	}
	options := "-n"
	if os.Getuid() != 0 {
		options = "-rn"
	}
	if err := exec.CommandContext(t.Context(), "unshare", options, "true").Run(); err != nil {
		need(t, false, "a network namespace ("+err.Error()+")")
	}
	cmd := exec.CommandContext(t.Context(), "unshare", options, "sh", "-c", `ip link set lo up && exec "$0" "$@"`, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), "VEFA_APART="+t.Name())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return false
}

// start runs a program until the test ends; its output is shown if the test fails.
func start(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	log, err := os.Create(filepath.Join(dir, filepath.Base(name)+".out"))
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		log.Close()
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("%s: %s", name, said[max(0, len(said)-3000):])
		}
	})
}

// reach waits until somebody listens.
func reach(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("nobody listens on %s: %v", addr, err)
		}
	}
}

// TestKannelDriver sends to the SMSC that Kannel tests itself with.
func TestKannelDriver(t *testing.T) {
	const drive = "/usr/lib/kannel/test/drive_smpp"
	if !apart(t, drive) {
		return
	}
	smsbox, err := net.Listen("tcp", "127.0.0.1:13001") // which it wants to reach
	require.NoError(t, err)
	defer smsbox.Close()
	start(t, t.TempDir(), drive, "-v", "1", "-p", "2345", "-m", "5")
	// It serves who connects first, so that nobody may look before whether it is there.
	came := make(chan messaging.Inbound, 10)
	s := over(t, "127.0.0.1:2345", func(c *smppsender.Config) {
		c.Apart, c.NoReceipts = true, true // it knows no transceivers
		c.Feedback = func(_ context.Context, f messaging.Feedback) error { came <- f.Inbound[0]; return nil }
		c.Client.BackoffFrom, c.Client.BackoffTo = 20*time.Millisecond, 100*time.Millisecond
	})
	for i := range 3 {
		got, err := s.Send(t.Context(), []messaging.Message{message(i, "Merhaba")})
		require.NoError(t, err)
		assert.Equal(t, crm.Accepted, got[0].Status, got[0].Reason)
	}
	for range 5 { // what it was told to send
		assert.NotEmpty(t, (<-came).Text)
	}
}

// TestKannelBearerbox binds Kannel to smpptest: messages given to its HTTP interface
// arrive, their receipts come back, and so do messages of subscribers.
func TestKannelBearerbox(t *testing.T) {
	if !apart(t, "bearerbox", "smsbox") {
		return
	}
	smsc := smpptest.New(smpptest.Options{SystemID: "kannel", Password: "secret"})
	l, err := net.Listen("tcp", "127.0.0.1:2775")
	require.NoError(t, err)
	go func() { _ = smsc.Serve(l) }()
	defer smsc.Close()
	defer l.Close()

	var mu sync.Mutex
	calls := map[string][]url.Values{}
	came := make(chan struct{}, 100)
	host := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		calls[r.URL.Path] = append(calls[r.URL.Path], r.URL.Query())
		mu.Unlock()
		came <- struct{}{}
	}))
	defer host.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "kannel.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, `
group = core
admin-port = 13000
admin-password = bar
smsbox-port = 13001
box-allow-ip = "127.0.0.1"
log-level = 1

group = smsc
smsc = smpp
smsc-id = test
host = 127.0.0.1
port = 2775
transceiver-mode = true
smsc-username = kannel
smsc-password = secret
system-type = VMA
interface-version = 34

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = 13013
global-sender = 4609

group = sendsms-user
username = u
password = p
max-messages = 5
concatenation = true

group = sms-service
keyword = default
max-messages = 0
catch-all = true
get-url = "%s/mo?from=%%p&text=%%a"
`, host.URL), 0o600))
	start(t, dir, "bearerbox", conf)
	reach(t, "127.0.0.1:13001")
	start(t, dir, "smsbox", conf)
	reach(t, "127.0.0.1:13013")
	ask := url.Values{"username": {"u"}, "password": {"p"}, "to": {"905320000001"}, "from": {"4609"}, "dlr-mask": {"3"},
		"text": {"Merhaba dunya"}, "dlr-url": {host.URL + "/dlr?status=%d"}}
	wait := func(path string) url.Values {
		for {
			mu.Lock()
			got := calls[path]
			mu.Unlock()
			if len(got) > 0 {
				return got[0]
			}
			select {
			case <-came:
			case <-time.After(20 * time.Second):
				t.Fatalf("nothing came to %s", path)
			}
		}
	}
	resp, err := http.Get("http://127.0.0.1:13013/cgi-bin/sendsms?" + ask.Encode())
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusAccepted, resp.StatusCode)
	assert.Equal(t, "1", wait("/dlr").Get("status"), "delivered")
	got := smsc.Messages()
	require.Len(t, got, 1)
	assert.Equal(t, "Merhaba dunya", string(got[0].Message.Text))
	assert.Equal(t, "905320000001", got[0].Message.Destination.Addr)
	assert.Equal(t, byte(1), got[0].Message.RegisteredDelivery&3)

	smsc.Deliver(&smpp.Message{Source: smpp.Address{TON: 1, NPI: 1, Addr: "905320000001"}, Destination: smpp.Address{Addr: "4609"}, Text: []byte("RET")})
	mo := wait("/mo")
	assert.Equal(t, "RET", mo.Get("text"))
	assert.Equal(t, "+905320000001", mo.Get("from"))
}
