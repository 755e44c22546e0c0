package email_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// arrival is a message that the server took.
type arrival struct {
	from, to string
	data     string
}

// server is a real SMTP server that does as the recipient's name says: "c550-5.1.1-x@…" is
// refused with that code, "d451@…" after its text, "cut@…" loses the answer.
type server struct {
	mu       sync.Mutex
	arrivals []arrival
	conns    int
	each     bool // closes the connection after each message
	utf8     bool
	refuse   *smtp.SMTPError // of every sender
	addr     string
	tls      *tls.Config
	roots    *x509.CertPool
	password string
}

type session struct {
	s    *server
	c    *smtp.Conn
	from string
	to   string
	sent int
}

func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns++
	return &session{s: s, c: c}, nil
}

func (x *session) Reset()        { x.from, x.to = "", "" }
func (x *session) Logout() error { return nil }

func (x *session) AuthMechanisms() []string {
	if x.s.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (x *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "crm" || password != x.s.password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no: " + password}
		}
		return nil
	}), nil
}

func (x *session) Mail(from string, _ *smtp.MailOptions) error {
	if x.s.each && x.sent > 0 {
		_ = x.c.Conn().Close()
		return errors.New("gone")
	}
	if x.s.refuse != nil {
		return x.s.refuse
	}
	x.from = from
	return nil
}

// told reads a code such as 550-5.1.1 at the beginning of a name.
func told(name, mark, to string) *smtp.SMTPError {
	code, ok := strings.CutPrefix(name, mark)
	if !ok || len(code) < 3 {
		return nil
	}
	e := &smtp.SMTPError{Code: int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0'), EnhancedCode: smtp.NoEnhancedCode, Message: "<" + to + "> " + code}
	if _, rest, ok := strings.Cut(code, "-"); ok && len(rest) >= 5 {
		e.EnhancedCode = smtp.EnhancedCode{int(rest[0] - '0'), int(rest[2] - '0'), int(rest[4] - '0')}
		e.Message = strings.ReplaceAll(strings.TrimPrefix(rest[5:], "-"), "_", " ") + " <" + to + ">"
	}
	return e
}

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	name, _, _ := strings.Cut(to, "@")
	if e := told(name, "c", to); e != nil {
		return e
	}
	x.to = to
	return nil
}

func (x *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(x.to, "@")
	if e := told(name, "d", x.to); e != nil {
		return e
	}
	x.s.mu.Lock()
	x.s.arrivals = append(x.s.arrivals, arrival{x.from, x.to, string(data)})
	x.s.mu.Unlock()
	x.sent++
	if name == "cut" {
		_ = x.c.Conn().Close()
	}
	return nil
}

func (s *server) got() []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]arrival(nil), s.arrivals...)
}

// arrived counts the messages of an effect.
func (s *server) arrived(id crm.EffectID) int {
	n := 0
	for _, a := range s.got() {
		if strings.Contains(a.data, "Message-ID: <"+string(id)+".") {
			n++
		}
	}
	return n
}

// serve starts a server. Implicit encrypts from the first byte.
func serve(t *testing.T, s *server, implicit bool) *server {
	t.Helper()
	cert, roots := certificate(t)
	s.roots = roots
	srv := smtp.NewServer(s)
	srv.Domain, srv.AllowInsecureAuth, srv.MaxRecipients, srv.EnableSMTPUTF8 = "localhost", true, 1, s.utf8
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.addr = l.Addr().String()
	if s.tls != nil {
		s.tls.Certificates = []tls.Certificate{cert}
		if implicit {
			l = tls.NewListener(l, s.tls)
		} else {
			srv.TLSConfig = s.tls
		}
	}
	srv.ErrorLog = quiet{}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); _ = l.Close(); <-done }) // it may not serve yet
	return s
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
