package webhook

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// Form is where a provider puts its signature and what it signs.
type Form struct {
	// Signature is the header that holds the signature.
	Signature string
	// Prefix stands in front of a signature, such as "sha256=".
	Prefix string
	// Separator stands between the elements of Signature, of which those with
	// Prefix are signatures and one may be the time. Empty means that the header
	// is one signature.
	Separator string
	// Base64 says that a signature is in the standard alphabet of base64, padded;
	// otherwise it is hexadecimal, of either case.
	Base64 bool
	// Timestamp is the header that holds the time in seconds since 1970.
	// TimestampPrefix marks it as an element of Signature instead. Without
	// either a request can be sent again at any time.
	Timestamp, TimestampPrefix string
	// ID is the header that holds the id of the delivery, where it is signed.
	ID string
	// Signed is the text that is signed: its {id}, {timestamp} and {body} stand
	// for what was sent. Empty means "{body}".
	Signed string
}

// decode reads a signature.
func (f Form) decode(s string) ([]byte, error) {
	if f.Base64 {
		return base64.StdEncoding.Strict().DecodeString(s)
	}
	return hex.DecodeString(s)
}

// GitHub is "X-Hub-Signature-256: sha256=<hex of the body>", which many
// providers use. It has no time.
func GitHub() Form { return Form{Signature: "X-Hub-Signature-256", Prefix: "sha256="} }

// Slack signs the version, the time and the body.
func Slack() Form {
	return Form{Signature: "X-Slack-Signature", Prefix: "v0=", Timestamp: "X-Slack-Request-Timestamp", Signed: "v0:{timestamp}:{body}"}
}

// Stripe keeps time and signatures in one header.
func Stripe() Form {
	return Form{Signature: "Stripe-Signature", Prefix: "v1=", Separator: ",", TimestampPrefix: "t=", Signed: "{timestamp}.{body}"}
}

// Standard is the form of standardwebhooks.com. Its secrets are the base64 after
// "whsec_": give them as crm.ParseSecret reads them.
func Standard() Form {
	return Form{Signature: "Webhook-Signature", Prefix: "v1,", Separator: " ", Base64: true,
		Timestamp: "Webhook-Timestamp", ID: "Webhook-Id", Signed: "{id}.{timestamp}.{body}"}
}

// piece is a part of the signed text: a literal or what was sent.
type piece struct {
	text string
	of   string // "", "id", "timestamp", "body"
}

// parse checks a form and cuts its signed text into pieces.
func (f Form) parse() ([]piece, error) {
	bad := func(field, what string) error { return fmt.Errorf("%w: Form.%s %s", ErrConfig, field, what) }
	switch {
	case f.Signature == "":
		return nil, bad("Signature", "must be set")
	case f.Timestamp != "" && f.TimestampPrefix != "":
		return nil, bad("Timestamp", "and TimestampPrefix are both set")
	case f.TimestampPrefix != "" && f.Separator == "":
		return nil, bad("TimestampPrefix", "needs a Separator")
	case f.TimestampPrefix != "" && f.TimestampPrefix == f.Prefix:
		return nil, bad("TimestampPrefix", "is the Prefix of signatures")
	}
	signed := f.Signed
	if signed == "" {
		signed = "{body}"
	}
	var out []piece
	count := map[string]int{}
	for signed != "" {
		at := strings.IndexByte(signed, '{')
		if at < 0 {
			out = append(out, piece{text: signed})
			break
		}
		if at > 0 {
			out = append(out, piece{text: signed[:at]})
		}
		name, rest, ok := strings.Cut(signed[at+1:], "}")
		if !ok || name != "id" && name != "timestamp" && name != "body" {
			return nil, bad("Signed", "has a brace that is not {id}, {timestamp} or {body}")
		}
		out = append(out, piece{of: name})
		count[name]++
		signed = rest
	}
	timed := f.Timestamp != "" || f.TimestampPrefix != ""
	switch {
	case count["body"] != 1:
		return nil, bad("Signed", "must have {body} once")
	case timed != (count["timestamp"] == 1):
		return nil, bad("Signed", "must have {timestamp} once where the form has a time, and only there")
	case (f.ID != "") != (count["id"] == 1):
		return nil, bad("Signed", "must have {id} once where the form has an id, and only there")
	}
	return out, nil
}
