package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

// Guard is for providers that sign nothing: it lets in who knows a secret, the last element
// of the path, and comes from an allowed network. Who sees such a path can use it, so
// that what comes is best confirmed by asking the provider. The zero value lets no request in.
type Guard struct {
	Secret crm.Secret
	// Allow are the networks; none means all.
	Allow []netip.Prefix
	// Client returns who calls, where a proxy stands before the host; nil means the
	// connection's other end.
	Client func(*http.Request) netip.Addr
}

// Check returns an ErrConfig that says why the secret cannot be used: it must have at least
// 16 bytes, all of them letters, digits, - or _.
func (g Guard) Check() error {
	s := string(g.Secret.Reveal())
	switch {
	case len(s) < minSecret:
		return fmt.Errorf("%w: Guard.Secret has less than %d bytes", ErrConfig, minSecret)
	case strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "":
		return fmt.Errorf("%w: Guard.Secret has characters besides letters, digits, - and _", ErrConfig)
	}
	return nil
}

// Admits reports whether a request is let in, in a time that does not depend on where
// a wrong secret differs.
func (g Guard) Admits(r *http.Request) bool {
	given := sha256.Sum256([]byte(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]))
	want := sha256.Sum256(g.Secret.Reveal())
	fits := subtle.ConstantTimeCompare(given[:], want[:]) == 1 && !g.Secret.IsZero()
	if len(g.Allow) == 0 {
		return fits
	}
	var from netip.Addr
	if g.Client != nil {
		from = g.Client(r)
	} else if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		from, _ = netip.ParseAddr(host)
	}
	from = from.Unmap().WithZone("")
	for _, p := range g.Allow {
		if from.IsValid() && p.Contains(from) {
			return fits
		}
	}
	return false
}
