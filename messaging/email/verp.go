package email

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

// ErrConfig is the kind of every error about a configuration.
var ErrConfig = errors.New("email: configuration")

// VERP makes what names a message in mail that comes back: its return path (variable
// envelope return path) and its Message-ID. Both hold the effect's id and a keyed code of
// it, and nothing about the recipient, so that nobody can make up bounces of messages that
// he never had. It is immutable and safe for concurrent use.
type VERP struct {
	prefix, domain string
	keys           [][]byte
}

const (
	maxPrefix = 14 // with a plus, an id, a dot and a code it fits into 64 bytes
	maxKeys   = 4
	codeBytes = 10 // 80 bits
	codeLen   = 16 // in base32
	idLen     = 31
)

var (
	prefixForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	domainForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)
	tokenForm  = regexp.MustCompile(`[0-9a-f]{31}\.[a-z2-7]{16}`)
	code32     = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
)

// NewVERP returns the return paths prefix+…@domain and the Message-IDs …@domain. The prefix
// has at most 14 small letters, digits, - and _, such as "bounce"; mail to prefix+anything
// must come to the caller of Reader.Read. The first key makes codes and all are taken, at
// most four, so that keys can be changed; each must pass crm.Secret.Check. The error names
// every fault, each an ErrConfig.
func NewVERP(prefix, domain string, keys ...crm.Secret) (*VERP, error) {
	v := &VERP{prefix: prefix, domain: strings.ToLower(domain)}
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
		}
	}
	fault(len(prefix) > maxPrefix || !prefixForm.MatchString(prefix), "the prefix is not of 1 to %d small letters, digits, - and _", maxPrefix)
	fault(len(domain) > 180 || !domainForm.MatchString(v.domain), "the domain is not of ASCII letters, digits, - and dots")
	fault(len(keys) == 0 || len(keys) > maxKeys, "there are %d keys, not 1 to %d", len(keys), maxKeys)
	for i, k := range keys {
		if err := k.Check(); err != nil {
			fault(true, "key %d: %w", i, err)
			continue
		}
		v.keys = append(v.keys, k.Derive("", "vefa/email/verp/1").Reveal())
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return v, nil
}

// code is the keyed code of an id.
func code(key []byte, id string) string {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(id))
	return code32.EncodeToString(h.Sum(nil)[:codeBytes])
}

func (v *VERP) token(id crm.EffectID) string { return string(id) + "." + code(v.keys[0], string(id)) }

// ReturnPath returns the address that a message's bounces go to. The id must be valid.
func (v *VERP) ReturnPath(id crm.EffectID) string {
	return v.prefix + "+" + v.token(id) + "@" + v.domain
}

// MessageID returns a message's Message-ID without its angle brackets: always the same for
// one id, so that a mailbox that gets a message twice can tell. The id must be valid.
func (v *VERP) MessageID(id crm.EffectID) string { return v.token(id) + "@" + v.domain }

// Effect returns the message that a return path or a Message-ID of ours names, with or
// without angle brackets, in letters of either case. It is false for what no key made. How
// long that takes does not depend on where a wrong code differs.
func (v *VERP) Effect(address string) (crm.EffectID, bool) {
	s := strings.ToLower(strings.TrimSpace(address))
	s = strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">")
	local, domain, ok := strings.Cut(s, "@")
	if !ok || domain != v.domain {
		return "", false
	}
	return v.effect(strings.TrimPrefix(local, v.prefix+"+"))
}

// effect reads a token.
func (v *VERP) effect(token string) (crm.EffectID, bool) {
	if len(token) != idLen+1+codeLen || token[idLen] != '.' {
		return "", false
	}
	id, given := token[:idLen], token[idLen+1:]
	fits := 0
	for _, k := range v.keys { // all, however the first compares
		fits |= subtle.ConstantTimeCompare([]byte(code(k, id)), []byte(given))
	}
	if fits != 1 || crm.EffectID(id).Validate() != nil {
		return "", false
	}
	return crm.EffectID(id), true
}

// find returns the first message that a text names, wherever its token stands in it.
func (v *VERP) find(text string) (crm.EffectID, bool) {
	s := strings.ToLower(text)
	for tries := 0; tries < maxTokens; tries++ {
		at := tokenForm.FindStringIndex(s)
		if at == nil {
			return "", false
		}
		if id, ok := v.effect(s[at[0]:at[1]]); ok {
			return id, true
		}
		s = s[at[0]+1:]
	}
	return "", false
}

// maxTokens bounds the codes that are computed for one text.
const maxTokens = 64
