package smpp_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/smpp/smpptest"
)

// TestTLS binds over TLS by a dial function, and does not to a server whose certificate
// nobody vouches for.
func TestTLS(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates})
	require.NoError(t, err)
	smsc := smpptest.New(smpptest.Options{})
	defer smsc.Close()
	defer l.Close()
	go func() { _ = smsc.Serve(l) }()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	dial := func(cfg *tls.Config) func(context.Context) (net.Conn, error) {
		return func(ctx context.Context) (net.Conn, error) {
			return (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", l.Addr().String())
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := smpp.NewClient(smpp.ClientConfig{Session: shop(), Dial: dial(&tls.Config{RootCAs: roots})})
	require.NoError(t, err)
	for range 100 {
		_, err := c.Submit(ctx, text("x"))
		require.NoError(t, err)
	}
	require.NoError(t, c.Close(ctx))

	said := make(chan error, 10)
	c, err = smpp.NewClient(smpp.ClientConfig{Session: shop(), Dial: dial(nil), Changed: func(err error) { said <- err }})
	require.NoError(t, err)
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, <-said, &unknown)
	require.NoError(t, c.Close(ctx))
	came, _ := smsc.Count()
	assert.Equal(t, 100, came)
}

// TestUnbindAfterTheLastGoes: a request whose caller goes in the moment in which it is
// granted a place is no reason to wait.
func TestUnbindAfterTheLastGoes(t *testing.T) {
	addr := echo(t)
	for range 50 {
		s := open(t, addr, 1)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		for range 4 {
			go func() {
				for ctx.Err() == nil {
					_, _ = s.Submit(ctx, benchMessage())
				}
				ended <- struct{}{}
			}()
		}
		_, err := s.Submit(t.Context(), benchMessage())
		require.NoError(t, err)
		go cancel()
		limited, stop := context.WithTimeout(t.Context(), 20*time.Second)
		require.NoError(t, s.Unbind(limited))
		stop()
		for range 4 {
			<-ended
		}
		<-s.Done()
		require.Zero(t, s.Stats().Open)
	}
}
