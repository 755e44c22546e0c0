package smppsender_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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
	"github.com/vefacrm/vefa/messaging/sms"
)

// The tests of this file and of kannel_test.go ask independent programs, which .ci/oracles installs: npm's
// smpp, tshark, Kannel. Without them they are skipped.

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

// npm starts the SMSC of testdata and returns its address and what it prints.
func npm(t *testing.T, env ...string) (addr string, lines *bufio.Scanner) {
	t.Helper()
	modules := os.Getenv("VEFA_NODE_MODULES")
	_, err := os.Stat(filepath.Join(modules, "smpp", "package.json"))
	node, nodeErr := exec.LookPath("node")
	need(t, modules != "" && err == nil && nodeErr == nil, "npm smpp (VEFA_NODE_MODULES)")
	cmd := exec.CommandContext(t.Context(), node, "testdata/smsc.js")
	cmd.Env = append(os.Environ(), append(env, "NODE_PATH="+modules)...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines = bufio.NewScanner(stdout)
	t.Cleanup(func() {
		stdin.Close()
		for lines.Scan() {
		}
		_ = cmd.Wait()
	})
	require.True(t, lines.Scan())
	var up struct{ Port int }
	require.NoError(t, json.Unmarshal(lines.Bytes(), &up))
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(up.Port)), lines
}

func over(t *testing.T, addr string, change func(*smppsender.Config)) *smppsender.Sender {
	t.Helper()
	cfg := smppsender.Config{Client: smpp.ClientConfig{Session: smpp.Config{Bind: smpp.Bind{SystemID: "shop", Password: "secret"}},
		Dial: func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", addr) }}}
	if change != nil {
		change(&cfg)
	}
	s, err := smppsender.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		assert.NoError(t, s.Close(ctx))
	})
	return s
}

// oracleTexts are read by every oracle. The Turkish ones have no letter that only the
// default alphabet has, which npm's smpp misreads after a single shift.
var oracleTexts = []struct {
	name, text string
	encodings  []sms.Encoding
}{
	{"GSM-7", "Merhaba @ $ € [x] 100%", nil},
	{"UCS-2", "Значит, indirim başladı 😀", nil},
	{"locking", "Sayın Şişli, bugün mağazada indirim var", []sms.Encoding{sms.GSM7, sms.TurkishLocking}},
	{"single", "Sayın Şişli, bugün mağazada indirim var", []sms.Encoding{sms.GSM7, sms.TurkishSingle}},
	{"long GSM-7", strings.Repeat("Bu bir deneme mesajidir. ", 20), nil},
	{"long UCS-2", strings.Repeat("Şişli mağazası ", 20), nil},
	{"long locking", strings.Repeat("Şişli mağazası ", 20), []sms.Encoding{sms.GSM7, sms.TurkishLocking}},
	{"long single", strings.Repeat("Şişli mağazası ", 20), []sms.Encoding{sms.GSM7, sms.TurkishSingle}},
}

// TestNpmSMSC sends texts in all encodings to npm's smpp, which must read back each,
// and report its delivery.
func TestNpmSMSC(t *testing.T) {
	addr, lines := npm(t)
	for _, form := range []smppsender.Long{smppsender.UDH8, smppsender.UDH16, smppsender.SAR, smppsender.Payload} {
		for _, c := range oracleTexts {
			reports := make(chan messaging.Report, 20)
			s := over(t, addr, func(cfg *smppsender.Config) {
				cfg.Profile.Encodings, cfg.Long = c.encodings, form
				cfg.Feedback = func(_ context.Context, f messaging.Feedback) error { reports <- f.Reports[0]; return nil }
			})
			got, err := s.Send(t.Context(), []messaging.Message{message(1, c.text)})
			require.NoError(t, err)
			require.Equal(t, crm.Accepted, got[0].Status, "%s: %s", c.name, got[0].Reason)
			text := ""
			parts := 1
			for i := 0; i < parts; i++ {
				require.True(t, lines.Scan())
				var seen struct {
					Text, From, To string
					TON, NPI, ESM  int
					SAR            []int
				}
				require.NoError(t, json.Unmarshal(lines.Bytes(), &seen), lines.Text())
				text += seen.Text
				assert.Equal(t, "VEFA", seen.From)
				assert.Equal(t, "905320000001", seen.To)
				assert.Equal(t, 5, seen.TON)
				if strings.HasPrefix(c.name, "long") && form != smppsender.Payload {
					parts = len(c.text) // until the text is whole
				}
				if text == c.text {
					parts = i + 1
				}
				if form == smppsender.SAR && strings.HasPrefix(c.name, "long") {
					require.Len(t, seen.SAR, 3)
					assert.Equal(t, i+1, seen.SAR[2])
				}
			}
			assert.Equal(t, c.text, text, "%s, form %d", c.name, form)
			for range parts {
				r := <-reports
				assert.Equal(t, messaging.Delivered, r.State)
				assert.Contains(t, strings.Fields(got[0].Provider), r.Provider)
			}
		}
	}
}

// TestNpmThrottles sends 500 messages to npm's smpp, which refuses every tenth for now:
// in the end each was taken once.
func TestNpmThrottles(t *testing.T) {
	addr, lines := npm(t, "THROTTLE=1")
	s := over(t, addr, func(c *smppsender.Config) { c.NoReceipts = true })
	var left []messaging.Message
	for i := range 500 {
		left = append(left, message(i, "Merhaba"))
	}
	taken := map[string]int{}
	for round := 0; len(left) > 0; round++ {
		require.Less(t, round, 20)
		got, err := s.Send(t.Context(), left)
		require.NoError(t, err)
		var again []messaging.Message
		for i, r := range got {
			require.True(t, lines.Scan())
			var seen struct {
				To     string
				Status smpp.Status
			}
			require.NoError(t, json.Unmarshal(lines.Bytes(), &seen))
			if seen.Status == smpp.OK {
				taken[seen.To]++
			}
			switch r.Status {
			case crm.Throttled:
				again = append(again, left[i])
			default:
				require.Equal(t, crm.Accepted, r.Status)
			}
		}
		left = again
	}
	assert.Len(t, taken, 500)
	for to, n := range taken {
		assert.Equal(t, 1, n, to)
	}
}

// recorder keeps what is written to a connection.
type recorder struct {
	net.Conn
	mu   *sync.Mutex
	data *bytes.Buffer
}

func (r recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	r.data.Write(b)
	r.mu.Unlock()
	return r.Conn.Write(b)
}

// TestTshark has what a Sender writes dissected by tshark: no PDU may be malformed, and
// it must see the fields, the headers and the national tables that were meant.
func TestTshark(t *testing.T) {
	path, err := exec.LookPath("tshark")
	need(t, err == nil, "tshark")
	var all bytes.Buffer
	var mu sync.Mutex
	count, locking, single := 0, 0, 0
	for _, form := range []smppsender.Long{smppsender.UDH8, smppsender.UDH16, smppsender.SAR, smppsender.Payload} {
		for _, c := range oracleTexts {
			smsc := smpptest.New(smpptest.Options{})
			s, err := smppsender.New(smppsender.Config{Profile: sms.Profile{Encodings: c.encodings}, Long: form, Client: smpp.ClientConfig{Session: smpp.Config{Bind: smpp.Bind{SystemID: "shop"}},
				Dial: func(ctx context.Context) (net.Conn, error) {
					conn, err := smsc.Dial(ctx)
					return recorder{conn, &mu, &all}, err
				}}})
			require.NoError(t, err)
			require.Equal(t, crm.Accepted, sendOne(t, s, c.text).Status)
			require.NoError(t, s.Close(t.Context()))
			smsc.Close()
			for _, m := range smsc.Messages() {
				header, _, err := smpp.SplitHeader(m.Message.ESMClass, m.Message.UserData())
				require.NoError(t, err)
				count++
				locking += bytes.Count(header, []byte{0x25, 1, 1})
				single += bytes.Count(header, []byte{0x24, 1, 1})
			}
		}
	}
	mu.Lock()
	file := filepath.Join(t.TempDir(), "smpp.pcap")
	submits := pcap(t, file, all.Bytes())
	mu.Unlock()
	require.Equal(t, count, submits)
	out, err := exec.CommandContext(t.Context(), path, "-r", file, "-d", "tcp.port==2775,smpp", "-V").Output()
	require.NoError(t, err)
	said := string(out)
	assert.NotContains(t, said, "Malformed")
	assert.Equal(t, submits, strings.Count(said, "Operation: Submit_sm (0x00000004)"))
	assert.Equal(t, submits, strings.Count(said, "Originator address: VEFA"))
	assert.Equal(t, submits, strings.Count(said, "Recipient address: 905320000001"))
	assert.Equal(t, submits, strings.Count(said, "Type of number (originator): Alphanumeric (0x05)"))
	t.Logf("%d submits, %d octets", submits, all.Len())
	for what, want := range map[string]int{
		"IE: Concatenated short messages, 8-bit reference number": 15, "IE: Concatenated short message, 16-bit reference number": 15,
		"Optional parameter: sar_msg_ref_num": 15, "Optional parameter: sar_total_segments": 15, "Optional parameter: sar_segment_seqnum": 15,
		"Optional parameter: message_payload": 4, "IE: National Language Locking Shift": locking, "IE: National Language Single Shift": single, "Turkish (1)": locking + single,
	} {
		assert.Equal(t, want, strings.Count(said, what), what)
	}
}

// pcap writes each PDU of a stream as a packet of its own, raw IPv4 and TCP, and returns
// how many are submit_sm.
func pcap(t *testing.T, file string, stream []byte) (submits int) {
	t.Helper()
	out := binary.LittleEndian.AppendUint32(nil, 0xA1B2C3D4)
	out = append(out, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 101, 0, 0, 0)
	sequence := uint32(1)
	for i := 0; len(stream) > 0; i++ {
		pdu := stream[:binary.BigEndian.Uint32(stream)]
		stream = stream[len(pdu):]
		if smpp.Command(binary.BigEndian.Uint32(pdu[4:])) == smpp.SubmitSM {
			submits++
		}
		size := uint32(40 + len(pdu))
		out = binary.LittleEndian.AppendUint32(out, uint32(i))
		out = binary.LittleEndian.AppendUint32(out, 0)
		out = binary.LittleEndian.AppendUint32(out, size)
		out = binary.LittleEndian.AppendUint32(out, size)
		out = append(out, 0x45, 0, byte(size>>8), byte(size), 0, 0, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1)
		out = append(out, 0x9C, 0x40, 0x0A, 0xD7) // from 40000 to 2775
		out = binary.BigEndian.AppendUint32(out, sequence)
		out = append(out, 0, 0, 0, 0, 0x50, 0x18, 0xFF, 0xFF, 0, 0, 0, 0)
		out = append(out, pdu...)
		sequence += uint32(len(pdu))
	}
	require.NoError(t, os.WriteFile(file, out, 0o600))
	return submits
}
