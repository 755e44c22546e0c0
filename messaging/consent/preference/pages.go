package preference

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/plainpage"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/link"
)

// Choice is one thing that people may want or not: a brand's messages of one purpose by one
// channel.
type Choice struct {
	Name    string // names it in forms and in Request; letters, digits and hyphens
	Key     crm.ConsentKey
	Channel crm.Channel // the addresses that it is offered to
	// Label is what one agrees to, by language: "tr", "en". Both must be set.
	Label map[string]string
}

// Config configures Pages. Service, Ledger, Tokens and Choices are needed.
type Config struct {
	Service *crm.Service
	Ledger  *consent.Ledger // on Service
	Tokens  *link.Codec
	// Choices are what the page offers, in this order; of an address those of its channel.
	Choices []Choice
	// Brand is whose page it is, at its top.
	Brand string
	// Path is where the pages are mounted. Defaults to "/p/".
	Path string
	// AskWithin is how long a double opt-in waits for its click. Defaults to 7 days.
	AskWithin time.Duration
	Now       func() time.Time // defaults to time.Now
	// Number draws the numbers of double opt-ins. Defaults to crypto/rand.
	Number func() uint64
	// ClientIP finds a visitor's address, for the evidence; nil means the connection's.
	ClientIP func(*http.Request) string
	// CrossOrigin refuses forms that other sites send. Defaults to http.NewCrossOriginProtection().
	CrossOrigin *http.CrossOriginProtection
	// BodyTimeout is how long a form may take to arrive. Defaults to 10 seconds.
	BodyTimeout time.Duration
	// Logger gets errors of the record, never tokens or addresses. Defaults to no logging.
	Logger *slog.Logger
}

// purposeAsk is the purpose of the tokens of double opt-ins.
const purposeAsk = "opt-in"

// The kinds of the documents that say which address a token is about.
const (
	pageKind = "consent-page"
	askKind  = "consent-ask"
)

// maxNumber is the largest number that a token has room for.
const maxNumber = 1<<39 - 1

// Pages serves the pages. It is safe for concurrent use.
type Pages struct {
	cfg    Config
	tmpl   *template.Template
	policy string
}

// New returns the pages, or crm.ErrInvalid with every fault of the configuration.
func New(cfg Config) (*Pages, error) {
	var faults []error
	fault := func(bad bool, field, msg string) {
		if bad {
			faults = append(faults, &crm.FieldError{Field: field, Msg: msg})
		}
	}
	fault(cfg.Service == nil, "Service", "must be set")
	fault(cfg.Ledger == nil, "Ledger", "must be set")
	fault(cfg.Tokens == nil, "Tokens", "must be set")
	fault(len(cfg.Choices) == 0, "Choices", "must not be empty")
	seen := map[string]bool{}
	for i, c := range cfg.Choices {
		field := fmt.Sprintf("Choices[%d]", i)
		fault(c.Name == "" || len(c.Name) > 64 || strings.Trim(strings.ToLower(c.Name), "abcdefghijklmnopqrstuvwxyz0123456789-") != "", field+".Name", "must have letters, digits and hyphens, at most 64")
		fault(seen[c.Name], field+".Name", "is there already")
		fault(c.Channel == "", field+".Channel", "must be set")
		fault(c.Label["tr"] == "" || c.Label["en"] == "", field+".Label", "must have tr and en")
		seen[c.Name] = true
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &crm.Error{Op: "configure", Entity: "preference", Kind: crm.ErrInvalid, Err: err}
	}
	if cfg.Path == "" {
		cfg.Path = "/p/"
	}
	if !strings.HasSuffix(cfg.Path, "/") {
		cfg.Path += "/"
	}
	if cfg.AskWithin <= 0 {
		cfg.AskWithin = 7 * 24 * time.Hour
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Number == nil {
		cfg.Number = draw
	}
	if cfg.ClientIP == nil {
		cfg.ClientIP = func(r *http.Request) string {
			host, _, err := net.SplitHostPort(r.RemoteAddr)
			if err != nil {
				return ""
			}
			return host
		}
	}
	if cfg.CrossOrigin == nil {
		cfg.CrossOrigin = http.NewCrossOriginProtection()
	}
	if cfg.BodyTimeout <= 0 {
		cfg.BodyTimeout = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	tmpl, err := template.New("preference").Parse(layout)
	if err != nil {
		return nil, err
	}
	return &Pages{cfg, tmpl, plainpage.Policy(plainpage.Style, false)}, nil
}

func draw() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])
}

// about is what a document says of a token.
type about struct {
	Address crm.Address `json:"address"`
	// Of a double opt-in:
	Choice  string       `json:"choice,omitempty"`
	Text    consent.Hash `json:"text,omitzero"`
	IP      string       `json:"ip,omitempty"`
	Actor   string       `json:"actor,omitempty"`
	Asked   time.Time    `json:"asked,omitzero"`
	Expires time.Time    `json:"expires,omitzero"`
}

// Token returns the token of an address's page, the same each time and valid as long as the
// key that signed it. What is no address is crm.ErrInvalid.
func (p *Pages) Token(ctx context.Context, a crm.Address) (string, error) {
	a, err := p.cfg.Service.Normal(a)
	if err != nil {
		return "", err
	}
	_, first := crm.PartHash("consent-page", a.String())
	n, err := p.keep(ctx, pageKind, uint64(first), about{Address: a}, true)
	if err != nil {
		return "", err
	}
	return p.cfg.Tokens.Mint(link.PurposePreference, n)
}

// keep writes down what a token is about, under the first number that is free, or with same
// that has the address already.
func (p *Pages) keep(ctx context.Context, kind string, first uint64, what about, same bool) (n uint64, err error) {
	err = p.cfg.Service.Update(ctx, func(tx crm.Tx) error {
		for n = first & maxNumber; ; n = (n + 1) & maxNumber {
			docs, err := tx.Documents(ctx, kind, strconv.FormatUint(n, 10))
			if err != nil {
				return err
			}
			if docs[0] == nil {
				break
			}
			var is about
			if err := docs[0].Decode(&is); err != nil {
				return err
			}
			if same && is.Address == what.Address {
				return nil
			}
		}
		doc, err := crm.NewDocument(kind, strconv.FormatUint(n, 10), what)
		if err != nil {
			return err
		}
		return tx.PutDocuments(ctx, doc)
	})
	return n, err
}

// Request is what somebody asked for and has to confirm.
type Request struct {
	Choice string // Choice.Name
	Locale string // the language of the text that was shown: "tr", or else English
	IP     string // where it was asked for
	Actor  string // who entered it, such as a form's name
}

// Ask notes that somebody who may be the holder of an address wants something, and returns
// the token of the page on which the holder confirms it, to be sent there. Nothing is granted
// before. A choice that is not known, or not for the address's channel, is crm.ErrInvalid.
func (p *Pages) Ask(ctx context.Context, a crm.Address, r Request) (string, error) {
	a, err := p.cfg.Service.Normal(a)
	if err != nil {
		return "", err
	}
	c := p.choice(r.Choice, a)
	if c == nil {
		return "", &crm.Error{Op: "ask", Entity: "preference", Kind: crm.ErrInvalid, Err: &crm.FieldError{Field: "choice", Msg: fmt.Sprintf("%q is none for %s", crm.Clip(r.Choice, 64), a.Channel)}}
	}
	_, lang := textsFor(r.Locale)
	now := crm.Micros(p.cfg.Now())
	n, err := p.keep(ctx, askKind, p.cfg.Number(), about{Address: a, Choice: c.Name, Text: consent.HashText(c.Label[lang]), IP: crm.Clip(r.IP, 64), Actor: crm.Clip(r.Actor, 200), Asked: now, Expires: now.Add(p.cfg.AskWithin)}, false)
	if err != nil {
		return "", err
	}
	return p.cfg.Tokens.Mint(purposeAsk, n)
}

// choice returns a choice of an address, nil if there is none.
func (p *Pages) choice(name string, a crm.Address) *Choice {
	for i := range p.cfg.Choices {
		if c := &p.cfg.Choices[i]; c.Name == name && c.Channel == a.Channel {
			return c
		}
	}
	return nil
}

// Forget deletes what says which tokens are about an address, for its erasure, and every
// request that has expired; with the zero address the latter alone. Tokens that were sent
// lead nowhere then. It returns how many documents went.
func (p *Pages) Forget(ctx context.Context, a crm.Address) (int, error) {
	if !a.IsZero() {
		var err error
		if a, err = p.cfg.Service.Normal(a); err != nil {
			return 0, err
		}
	}
	now, total := p.cfg.Now(), 0
	for _, kind := range []string{pageKind, askKind} {
		for after := ""; ; {
			n, done := 0, false
			err := p.cfg.Service.Update(ctx, func(tx crm.Tx) error {
				n = 0
				docs, err := tx.ScanDocuments(ctx, kind, after, 500)
				if err != nil {
					return err
				}
				done = len(docs) < 500
				var gone []string
				for _, d := range docs {
					var is about
					if err := d.Decode(&is); err != nil {
						return err
					}
					if !a.IsZero() && is.Address == a || !is.Expires.IsZero() && !now.Before(is.Expires) {
						gone = append(gone, d.ID)
					}
				}
				if n = len(gone); len(docs) > 0 {
					after = docs[len(docs)-1].ID
				}
				if n == 0 {
					return nil
				}
				return tx.DeleteDocuments(ctx, kind, gone...)
			})
			total += n
			if err != nil || done {
				if err != nil {
					return total, err
				}
				break
			}
		}
	}
	return total, nil
}

// ListUnsubscribe returns the header fields that a mail needs for the button of RFC 8058, for
// the https address of a page. The mail's DKIM signature must cover both.
func ListUnsubscribe(url string) http.Header {
	return http.Header{"List-Unsubscribe": {"<" + url + ">"}, "List-Unsubscribe-Post": {"List-Unsubscribe=One-Click"}}
}
