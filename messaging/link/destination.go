package link

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// ErrDestination is the kind of every error about a destination that nobody is
// sent to.
var ErrDestination = errors.New("link: destination refused")

// maxURL is the largest number of bytes in a destination.
const maxURL = 2048

// Destinations says where links may lead. The zero value allows any public
// https host by name.
type Destinations struct {
	// Hosts are the allowed hosts in lower case; ".example.com" allows every
	// host below it. Empty: all. A host of non-ASCII letters or of punycode is
	// allowed only if it is listed.
	Hosts []string
	// LoopbackHTTP also allows http to a loopback address or localhost, with
	// any port, for tests and examples.
	LoopbackHTTP bool
}

// Check returns nil if somebody may be sent to raw: an absolute https URL
// without user info, backslash, control characters or blanks, whose host is
// allowed and is no IP address. It is asked when a link is made and again when
// it is served.
func (d Destinations) Check(raw string) error {
	refuse := func(why string) error { return fmt.Errorf("%w: %s", ErrDestination, why) }
	if raw == "" || len(raw) > maxURL {
		return refuse(fmt.Sprintf("it has %d bytes", len(raw)))
	}
	for i := 0; i < len(raw); i++ {
		if c := raw[i]; c <= ' ' || c == 0x7f || c == '\\' || c >= 0x80 {
			return refuse(fmt.Sprintf("byte %#02x at %d; percent-encode it", c, i))
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return refuse("it is not a URL")
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case u.User != nil:
		return refuse("user info")
	case host == "" || u.Opaque != "":
		return refuse("no host")
	case d.LoopbackHTTP && u.Scheme == "http" && loopback(host):
		return nil
	case u.Scheme == "http" && loopback(host):
		return refuse("not https; to try it on this machine set Destinations.LoopbackHTTP")
	case u.Scheme != "https":
		return refuse("not https")
	case strings.HasPrefix(u.Path, "//"):
		return refuse("the path begins with //")
	}
	listed := false
	for _, h := range d.Hosts {
		if host == h || (strings.HasPrefix(h, ".") && strings.HasSuffix(host, h)) {
			listed = true
			break
		}
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && !listed {
		return refuse("an IP address")
	}
	switch {
	case listed:
		return nil
	case len(d.Hosts) > 0:
		return refuse("host " + host + " is not allowed")
	case !strings.Contains(host, ".") || strings.HasSuffix(host, ".") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal") || strings.HasSuffix(host, ".localhost"):
		return refuse("a private host")
	case numeric(host[strings.LastIndexByte(host, '.')+1:]):
		return refuse("an IP address") // 127.1 and the like
	case strings.Contains(host, "xn--") || strings.Contains(host, "%"):
		return refuse("an international host that is not listed")
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

func numeric(label string) bool {
	return label == "" || (label[0] >= '0' && label[0] <= '9')
}
