package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// The errors of a Verifier, for errors.Is. None holds what was sent.
var (
	// ErrConfig: the configuration cannot be used.
	ErrConfig = errors.New("webhook: configuration")
	// ErrMissing: a header of the form is not there.
	ErrMissing = errors.New("webhook: a header is missing")
	// ErrMalformed: a header is there twice or cannot be read.
	ErrMalformed = errors.New("webhook: a header cannot be read")
	// ErrSignature: no signature fits any secret.
	ErrSignature = errors.New("webhook: wrong signature")
	// ErrTime: the signature fits and the time is outside the tolerance.
	ErrTime = errors.New("webhook: too old or from the future")
	// ErrTooLarge: the body is longer than Config.MaxBody.
	ErrTooLarge = errors.New("webhook: body too large")
)

const (
	// minSecret is the shortest secret that is taken. Providers choose them, so
	// it is less than crm.Secret.Check asks for.
	minSecret = 16
	// maxElements and maxHeader bound what one request makes a Verifier do.
	maxElements = 16
	maxHeader   = 4096
)

// Config configures a Verifier. Form and Secrets must be set.
type Config struct {
	Form Form
	// Secrets are what the provider may have signed with, at most four: several
	// while it changes them. Each has at least 16 bytes.
	Secrets []crm.Secret
	// Tolerance is how far the time of a request may be from now, either way;
	// 0 means 5 minutes. It has no effect on a form without a time.
	Tolerance time.Duration
	// MaxBody bounds a body in bytes; 0 means 1 MiB.
	MaxBody int64
	// ReadTimeout bounds how long Handler reads a body; 0 means 10 seconds.
	ReadTimeout time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Verifier checks requests of one provider. It is safe for concurrent use.
type Verifier struct {
	cfg    Config
	pieces []piece
}

// Delivery is what a provider sent.
type Delivery struct {
	ID   string    // of the form's ID; empty where it has none
	At   time.Time // when the provider signed it; zero where the form has no time
	Body []byte
}

// New checks the configuration and returns a verifier.
func New(cfg Config) (*Verifier, error) {
	pieces, err := cfg.Form.parse()
	faults := []error{err}
	if n := len(cfg.Secrets); n == 0 || n > 4 {
		faults = append(faults, fmt.Errorf("%w: Secrets has %d entries, not 1 to 4", ErrConfig, n))
	}
	for i, s := range cfg.Secrets {
		if n := len(s.Reveal()); n < minSecret {
			faults = append(faults, fmt.Errorf("%w: Secrets[%d] has %d bytes, at least %d are needed", ErrConfig, i, n, minSecret))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if cfg.Tolerance <= 0 {
		cfg.Tolerance = 5 * time.Minute
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 1 << 20
	}
	if cfg.ReadTimeout <= 0 {
		cfg.ReadTimeout = 10 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Secrets = slices.Clone(cfg.Secrets)
	return &Verifier{cfg, pieces}, nil
}

// signed is what the headers of a request say.
type signed struct {
	id, timestamp string
	at            time.Time
	signatures    [][]byte
}

// Verify returns the delivery of a request with these headers and this body.
// The error is ErrMissing, ErrMalformed, ErrTooLarge, ErrSignature or ErrTime.
// Signatures are compared in a time that depends on their number alone. The
// time is judged after the signature, so that ErrTime is about what the
// provider itself once sent.
func (v *Verifier) Verify(h http.Header, body []byte) (Delivery, error) {
	s, err := v.read(h)
	if err != nil {
		return Delivery{}, err
	}
	return v.check(s, body)
}

func (v *Verifier) check(s signed, body []byte) (Delivery, error) {
	if int64(len(body)) > v.cfg.MaxBody {
		return Delivery{}, ErrTooLarge
	}
	fits := false
	for _, secret := range v.cfg.Secrets {
		mac := hmac.New(sha256.New, secret.Reveal())
		for _, p := range v.pieces {
			switch p.of {
			case "id":
				mac.Write([]byte(s.id))
			case "timestamp":
				mac.Write([]byte(s.timestamp))
			case "body":
				mac.Write(body)
			default:
				mac.Write([]byte(p.text))
			}
		}
		want := mac.Sum(nil)
		for _, got := range s.signatures {
			if hmac.Equal(want, got) {
				fits = true // and the others are compared all the same
			}
		}
	}
	if !fits {
		return Delivery{}, ErrSignature
	}
	if !s.at.IsZero() {
		if d := v.cfg.Now().Sub(s.at); d > v.cfg.Tolerance || d < -v.cfg.Tolerance {
			return Delivery{}, ErrTime
		}
	}
	return Delivery{ID: s.id, At: s.at, Body: body}, nil
}

// read takes what the form says from the headers, before the body is looked at.
func (v *Verifier) read(h http.Header) (signed, error) {
	f := v.cfg.Form
	var s signed
	header, err := one(h, f.Signature)
	if err != nil {
		return s, err
	}
	elements := []string{header}
	if f.Separator != "" {
		if elements = strings.SplitN(header, f.Separator, maxElements+1); len(elements) > maxElements {
			return s, ErrMalformed
		}
	}
	for _, e := range elements {
		switch {
		case f.TimestampPrefix != "" && strings.HasPrefix(e, f.TimestampPrefix):
			if s.timestamp != "" {
				return s, ErrMalformed
			}
			s.timestamp = e[len(f.TimestampPrefix):]
		case strings.HasPrefix(e, f.Prefix):
			sig, err := f.decode(e[len(f.Prefix):])
			if err != nil || len(sig) != sha256.Size {
				return s, ErrMalformed
			}
			s.signatures = append(s.signatures, sig)
		case f.Separator == "":
			return s, ErrMalformed
		} // an element of another version is left aside
	}
	if len(s.signatures) == 0 {
		return s, ErrMissing
	}
	if f.Timestamp != "" {
		if s.timestamp, err = one(h, f.Timestamp); err != nil {
			return s, err
		}
	}
	if f.Timestamp != "" || f.TimestampPrefix != "" {
		if s.timestamp == "" {
			return s, ErrMissing
		}
		if s.at, err = seconds(s.timestamp); err != nil {
			return s, err
		}
	}
	if f.ID != "" {
		if s.id, err = one(h, f.ID); err != nil {
			return s, err
		}
	}
	return s, nil
}

// one returns the only value of a header.
func one(h http.Header, name string) (string, error) {
	values := h.Values(name)
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", ErrMissing
	case len(values) > 1 || len(values[0]) > maxHeader:
		return "", ErrMalformed
	}
	return values[0], nil
}

// seconds reads digits alone, so that a time has one spelling. Twelve are beyond
// any that is meant.
func seconds(s string) (time.Time, error) {
	if len(s) > 12 || strings.Trim(s, "0123456789") != "" {
		return time.Time{}, ErrMalformed
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, ErrMalformed
	}
	return time.Unix(n, 0).UTC(), nil
}
