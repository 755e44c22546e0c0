package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

// ErrSignature: a callback is not signed by Twilio with the account's token.
var ErrSignature = fmt.Errorf("twilio: a callback %w", gateway.ErrForged)

// Verify reports whether a request with this body was signed with a token for an address:
// HMAC-SHA1 over the address, with the query as it came, and the sorted parameters of a form, of
// which a repeated one counts each different value once. Where the query has bodySHA256, the body
// may be anything of that hash and is signed by it alone. External is the address without its
// query, as Twilio calls it; it is tried with and without the port of its scheme. The error is
// ErrSignature. Comparisons take a time that does not depend on what was sent.
func Verify(token crm.Secret, external string, r *http.Request, body []byte) error {
	values := r.Header.Values("X-Twilio-Signature")
	if len(values) != 1 || len(values[0]) > 64 || token.IsZero() {
		return ErrSignature
	}
	given, err := base64.StdEncoding.Strict().DecodeString(values[0])
	if err != nil {
		return ErrSignature
	}
	var params url.Values
	if _, hashed := r.URL.Query()["bodySHA256"]; hashed {
		sum := sha256.Sum256(body)
		want := strings.ToLower(r.URL.Query().Get("bodySHA256"))
		if !hmac.Equal([]byte(hex.EncodeToString(sum[:])), []byte(want)) {
			return ErrSignature
		}
	} else if params, err = url.ParseQuery(string(body)); err != nil {
		return ErrSignature
	}
	fits := false
	for _, u := range ports(external) {
		if r.URL.RawQuery != "" {
			u += "?" + r.URL.RawQuery
		}
		if hmac.Equal(sign(token.Reveal(), u, params), given) {
			fits = true // and the others are compared all the same
		}
	}
	if !fits {
		return ErrSignature
	}
	return nil
}

// sign makes the signature of an address and parameters.
func sign(token []byte, address string, params url.Values) []byte {
	h := hmac.New(sha1.New, token)
	_, _ = h.Write([]byte(address))
	names := make([]string, 0, len(params))
	for k := range params {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		values := slices.Clone(params[k])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			_, _ = h.Write([]byte(k + v))
		}
	}
	return h.Sum(nil)
}

// ports returns an address with the port of its scheme and without a port; Twilio signs
// either.
func ports(address string) []string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return []string{address}
	}
	host, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	u, err := url.Parse(address)
	if err != nil {
		return []string{address}
	}
	if p := u.Port(); p != "" {
		return []string{address, scheme + "://" + strings.TrimSuffix(host, ":"+p) + path}
	}
	return []string{address, scheme + "://" + host + port + path}
}
