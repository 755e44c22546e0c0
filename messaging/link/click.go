package link

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Click is one request for a tracked link, as it was seen. It holds what
// Classify needs and nothing that names a person: no token, and the address of
// the client only as a keyed hash whose key changes every day and is forgotten.
type Click struct {
	ID        uint64    // of the link
	RequestID string    // with ID the identity of the click: a repeat is the same click; a Log gives one without a random one
	At        time.Time // UTC
	Method    string
	Agent     string  // User-Agent, at most MaxAgent bytes
	IP        uint64  // keyed hash, to be compared within a day; 0 if the address or the key is not known
	Prefetch  bool    // Purpose, Sec-Purpose or X-Moz said so
	Language  bool    // there was an Accept-Language
	Fetch     bool    // there was a Sec-Fetch-Mode
	Network   Network // of the address, as Config.Network said
}

const (
	maxAgent     = 512 // bytes of a User-Agent that are kept
	maxRequestID = 128 // bytes up to which a request's id is kept as it is
)

// fill takes what a click keeps of a request's headers.
func (c *Click) fill(r *http.Request) {
	h := r.Header
	c.Method = r.Method
	c.Agent = cleanText(first(h["User-Agent"]), maxAgent)
	c.Language = first(h["Accept-Language"]) != ""
	c.Fetch = first(h["Sec-Fetch-Mode"]) != ""
	c.Prefetch = ahead(first(h["Sec-Purpose"])) || ahead(first(h["Purpose"])) || ahead(first(h["X-Moz"]))
}

// first is Header.Get for a name in canonical form, which saves canonicalising.
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// ahead reports a purpose that is no person's.
func ahead(purpose string) bool {
	return purpose != "" && hasFold(purpose, "prefetch", "preview", "prerender")
}

func hasFold(s string, words ...string) bool {
	s = strings.ToLower(s)
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// cutText returns at most n bytes of s, without half a character at the end.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cleanText is cutText of what a header may really hold: bytes that are not
// UTF-8 and control characters become U+FFFD.
func cleanText(s string, n int) string {
	s = cutText(s, n)
	if printable(s) {
		return s
	}
	return cutText(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, s), n)
}

// printable reports printable ASCII.
func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// requestKey makes a key of what a host's RequestID gave, which may be a header
// that anybody can set: what is no short printable text is hashed.
func requestKey(id string) string {
	if len(id) <= maxRequestID && printable(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

// randomKey is the key of a request that brought none: 128 random bits.
func randomKey() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], rand.Uint64())
	binary.BigEndian.PutUint64(b[8:], rand.Uint64())
	var text [32]byte
	hex.Encode(text[:], b[:])
	return string(text[:])
}

// remoteIP is the address of the connection. Behind a proxy give Config a
// function that reads the header which that proxy sets.
func remoteIP(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
