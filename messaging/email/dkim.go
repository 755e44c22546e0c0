package email

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// DKIM is a signing key as the DNS has its other half under Selector._domainkey.Domain.
// Signatures are those of RFC 6376 in the relaxed forms.
type DKIM struct {
	Domain, Selector string
	Key              crypto.Signer // *rsa.PrivateKey of 1024 bits or more, or ed25519.PrivateKey
}

// signed are the header fields that a signature covers, those that are not there among
// them, so that nobody adds one: From and Subject also a second time. RFC 8058 wants the
// two of unsubscribing.
var signed = []string{"From", "From", "To", "Subject", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Reply-To",
	"In-Reply-To", "References", "Auto-Submitted", "List-Unsubscribe", "List-Unsubscribe-Post"}

// algorithm returns the name of the key's algorithm, "" for one that cannot sign.
func (d *DKIM) algorithm() string {
	switch k := d.Key.(type) {
	case *rsa.PrivateKey:
		if k != nil && k.N != nil && k.N.BitLen() >= 1024 {
			return "rsa-sha256"
		}
	case ed25519.PrivateKey:
		if len(k) == ed25519.PrivateKeySize {
			return "ed25519-sha256"
		}
	}
	return ""
}

var (
	runs     = regexp.MustCompile(`[ \t]+`)
	trailing = regexp.MustCompile(`[ \t]+\r\n`)
)

// sign returns the DKIM-Signature of a message, folded, with its line end. Lines end in
// CRLF; no field may be there twice.
func (d *DKIM) sign(fields []field, body []byte, at time.Time) (string, error) {
	b := runs.ReplaceAll(trailing.ReplaceAll(body, []byte("\r\n")), []byte(" "))
	b = append(bytes.TrimRight(b, "\r\n"), "\r\n"...)
	hash := sha256.Sum256(b)
	value := fmt.Sprintf("v=1; a=%s; c=relaxed/relaxed; d=%s; s=%s; t=%d;\r\n\th=%s;\r\n\tbh=%s;\r\n\tb=",
		d.algorithm(), d.Domain, d.Selector, at.Unix(), strings.Join(signed, ":\r\n\t"), base64.StdEncoding.EncodeToString(hash[:]))
	var text strings.Builder
	for i, name := range signed {
		if slices.Contains(signed[:i], name) {
			continue // a second one, which is not there
		}
		for _, f := range fields {
			if f.name == name {
				text.WriteString(canonical(f.name, f.value) + "\r\n")
			}
		}
	}
	text.WriteString(canonical("DKIM-Signature", value))
	sum := sha256.Sum256([]byte(text.String()))
	digest, options := sum[:], crypto.SignerOpts(crypto.SHA256)
	if _, ok := d.Key.(ed25519.PrivateKey); ok {
		options = crypto.Hash(0) // RFC 8463 signs the hash as a message
	}
	signature, err := d.Key.Sign(rand.Reader, digest, options)
	if err != nil {
		return "", err
	}
	s := base64.StdEncoding.EncodeToString(signature)
	for len(s) > 72 {
		value, s = value+s[:72]+"\r\n\t", s[72:]
	}
	return "DKIM-Signature: " + value + s + "\r\n", nil
}

// canonical is a field in the relaxed form of RFC 6376, 3.4.2.
func canonical(name, value string) string {
	value = strings.ReplaceAll(value, "\r\n", "")
	return strings.ToLower(name) + ":" + strings.Trim(runs.ReplaceAllString(value, " "), " \t")
}
