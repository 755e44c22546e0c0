package consent

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
)

// KindRow is the kind of the facts that the ledger consists of.
const KindRow crm.FactKind = "consent-entry"

// Kind describes the ledger's facts, for crm.Config.Kinds, the store, and the root's
// Config.Kinds. They hang on their address, or on a hash in its place once it is erased.
func Kind() crm.Kind {
	return crm.Kind{
		Name: KindRow, New: func() crm.FactData { return new(Row) }, Subject: crm.OnAddress,
		Table: "consent_entries",
		Columns: []crm.Column{
			crm.ColumnOf("brand", func(r *Row) string { return r.Brand }),
			crm.ColumnOf("recipient", func(r *Row) string { return r.Recipient }),
			crm.ColumnOf("purpose", func(r *Row) string { return r.Purpose }),
			crm.ColumnOf("status", func(r *Row) string { return string(r.Status) }),
			crm.ColumnOf("seq", func(r *Row) int64 { return r.Seq }),
			crm.ColumnOf("recorded_at", func(r *Row) time.Time { return r.Recorded }),
		},
		// The consent facts are in a timeline already.
		Moment: func(*crm.Fact) (time.Time, bool) { return time.Time{}, false },
		// Hashes depend on when it was recorded, which no digest has.
		Digest: func(f *crm.Fact) []string {
			r := f.Data.(*Row)
			return []string{r.Brand, r.Recipient, r.Purpose, string(r.Status), r.Source, f.At.UTC().Format(time.RFC3339Nano), r.Text.String()}
		},
		Example: func() crm.FactData {
			r := &Row{Chain{"b", Merchant, crm.Email, HashText("holder"), 2}, Entry{Seq: 3, Status: crm.Refused, Purpose: "survey", Source: "HS_WEB",
				Said: time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC), Recorded: time.Date(2025, 3, 3, 9, 0, 1, 0, time.UTC), Text: HashText("text"), Origin: Tag{1},
				Prev: HashText("prev"), Evidence: &Evidence{Tag{2}, "web", "192.0.2.1", "form 7"}}}
			r.Proof = r.Evidence.hash()
			r.Hash = r.Digest()
			return r
		},
	}
}

//go:embed schema/*.sql
var files embed.FS

// Schema returns the steps that make the ledger's table, for
// sqlstore.Steps{Owner: "consent", Files: consent.Schema()}.
func Schema() fs.FS {
	sub, err := fs.Sub(files, "schema")
	if err != nil {
		return files // the folder is part of the program
	}
	return sub
}

// Config configures a Ledger. Key is needed.
type Config struct {
	// Key makes the hashes that stand for addresses: 32 random bytes or more, the same as
	// long as the ledger lives. Who has it can tell whether an address that was erased is
	// in the ledger, and nobody else.
	Key crm.Secret
	// KeepYears is for how many years after a consent ended its address is kept as proof,
	// see Ledger.Retain. 0 means 3, as current Turkish notices have it; a policy, which
	// counsel confirms.
	KeepYears int
}

// Ledger keeps proof of consents: beside each consent fact of the record an entry in a
// chain of hashes. It starts nothing and is safe for concurrent use.
type Ledger struct {
	svc   *crm.Service
	key   []byte
	years int
}

// New returns a ledger on a record that knows Kind. It fails with crm.ErrInvalid without a
// service, on a weak key and on a KeepYears below 0; where the store or the service does not
// know Kind, the first Append says so.
func New(svc *crm.Service, cfg Config) (*Ledger, error) {
	var faults []error
	if svc == nil {
		faults = append(faults, &crm.FieldError{Field: "service", Msg: "must be set"})
	}
	if err := cfg.Key.Check(); err != nil {
		faults = append(faults, fmt.Errorf("Config.Key: %w", err))
	}
	if cfg.KeepYears < 0 {
		faults = append(faults, &crm.FieldError{Field: "KeepYears", Msg: "is below 0"})
	}
	if err := errors.Join(faults...); err != nil {
		return nil, invalid("configure", err)
	}
	years := cfg.KeepYears
	if years == 0 {
		years = 3
	}
	return &Ledger{svc: svc, key: cfg.Key.Derive("", "vefa/consent/ledger/1").Reveal(), years: years}, nil
}

// In returns the ledger in the caller's transaction: what it writes is committed with that.
func (l *Ledger) In(tx crm.Tx) *Ledger {
	c := *l
	c.svc = l.svc.In(tx)
	return &c
}

// opening returns what shows that a holder's hash stands for an address.
func (l *Ledger) opening(a crm.Address) Hash {
	return mac(l.key, "vefa/consent/opening/1", string(a.Channel), a.Value)
}

// holder returns the hash that stands for an address whose opening is given.
func holder(opening Hash, a crm.Address) Hash {
	return mac(opening[:], "vefa/consent/holder/1", string(a.Channel), a.Value)
}

// Said is what the holder of an address said, with what shows it.
type Said struct {
	crm.ConsentKey
	Status crm.ConsentStatus
	// At is when it was said. The zero time means now, after all that was said before.
	At     time.Time
	Source string // code of how it was given, such as HS_WEB
	Text   Hash   // of the version of the text that was agreed to, see HashText
	Actor  string // who enters it: a person, a program, the holder
	IP     string // where the holder's request came from
	Note   string // id of a recording, of a message, …
	// ID makes the same thing told twice one entry, such as the id of a form. Empty: what
	// is said at the same time with the same content is the same.
	ID string
}

// maxEvidence bounds actor, IP and note together, in bytes.
const maxEvidence = 4096

func (s *Said) validate() error {
	var faults []error
	fault := func(field, msg string) { faults = append(faults, &crm.FieldError{Field: field, Msg: msg}) }
	c := crm.Consent{ConsentKey: s.ConsentKey, Status: s.Status}
	if err := c.Validate(); err != nil {
		faults = append(faults, err)
	}
	if len(s.Source) > 255 {
		fault("source", "has more than 255 bytes")
	}
	if len(s.Actor)+len(s.IP)+len(s.Note) > maxEvidence {
		fault("note", fmt.Sprintf("makes with actor and ip more than %d bytes", maxEvidence))
	}
	for _, t := range [...]struct{ name, text string }{{"source", s.Source}, {"actor", s.Actor}, {"ip", s.IP}, {"note", s.Note}, {"id", s.ID}} {
		if !utf8.ValidString(t.text) {
			fault(t.name, "is not valid UTF-8") // a store would mend it, and its hash would not fit
		} else if strings.ContainsRune(t.text, 0) {
			fault(t.name, "contains a NUL")
		}
	}
	return errors.Join(faults...)
}

// Append records what the holder of an address said: the consent fact, which decides what
// may be sent from now on, and the entry that proves it, in one transaction under the
// address's lock. It returns the entries, in the order of what was said; what was told
// before is answered with the entry that it made. Consent facts of the address that came
// into the record otherwise get their entries first. What is not valid is crm.ErrInvalid,
// an ID that was used for something else crm.ErrExists.
func (l *Ledger) Append(ctx context.Context, a crm.Address, said ...Said) ([]Entry, error) {
	a, err := l.svc.Normal(a)
	if err != nil {
		return nil, err
	}
	for i := range said {
		if err := said[i].validate(); err != nil {
			return nil, invalid("append", err)
		}
	}
	said = slices.Clone(said)
	var out []Entry
	err = l.svc.Update(ctx, func(tx crm.Tx) error {
		out = out[:0]
		if _, err := tx.LockAddresses(ctx, a); err != nil {
			return err
		}
		d, err := l.open(ctx, tx, a)
		if err != nil {
			return err
		}
		d.adopt()
		for i := range said {
			f := d.fact(&said[i])
			if err := l.svc.In(tx).Record(ctx, f); err != nil {
				return err
			}
			out = append(out, d.enter(f.Key, f.At, said[i].Status, &said[i]))
		}
		return d.write(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Adopt gives entries to those consent facts of an address that have none, because they
// were imported or said through another verb than Append, and to those that were replaced
// by a later version. It returns how many entries it wrote.
func (l *Ledger) Adopt(ctx context.Context, addrs ...crm.Address) (int, error) {
	normal := make([]crm.Address, len(addrs))
	for i, a := range addrs {
		var err error
		if normal[i], err = l.svc.Normal(a); err != nil {
			return 0, err
		}
	}
	var n int
	err := l.svc.Update(ctx, func(tx crm.Tx) (err error) {
		n, err = l.adopt(ctx, tx, normal)
		return err
	})
	return n, err
}

// adopt is Adopt in a transaction.
func (l *Ledger) adopt(ctx context.Context, tx crm.Tx, addrs []crm.Address) (int, error) {
	addrs = slices.Clone(addrs)
	slices.SortFunc(addrs, crm.Address.Compare)
	addrs = slices.Compact(addrs)
	if len(addrs) == 0 {
		return 0, nil
	}
	if _, err := tx.LockAddresses(ctx, addrs...); err != nil {
		return 0, err
	}
	n := 0
	for _, a := range addrs {
		d, err := l.open(ctx, tx, a)
		if err != nil {
			return 0, err
		}
		d.adopt()
		n += len(d.fresh)
		if err := d.write(ctx, tx); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// Handle gives entries to the consents that a change feed tells of, exactly once: it is
// the Handler of a crm.Feed, so that imports, replies and pages need not know the ledger.
func (l *Ledger) Handle(ctx context.Context, tx crm.Tx, changes []crm.Change) error {
	var addrs []crm.Address
	for _, c := range changes {
		if c.Kind == crm.ChangedFact && c.Fact.Kind == crm.KindConsent && !c.Subject.Address.IsZero() {
			addrs = append(addrs, c.Subject.Address)
		}
	}
	_, err := l.adopt(ctx, tx, addrs)
	return err
}

// Histories returns the chains of an address, sorted by brand and recipient, without those
// that were erased.
func (l *Ledger) Histories(ctx context.Context, a crm.Address) ([]History, error) {
	a, err := l.svc.Normal(a)
	if err != nil {
		return nil, err
	}
	var out []History
	err = l.svc.Store().View(ctx, func(r crm.Reader) error {
		facts, err := rowsOf(ctx, r, crm.OfAddress(a))
		out = histories(facts)
		return err
	})
	return out, err
}

// State returns what stood about an address when something was said until an instant, as
// was known at another, for Policy.Decide; zero times are no bounds. Suppressions and holds
// are those of now.
func (l *Ledger) State(ctx context.Context, a crm.Address, said, known time.Time) (*crm.AddressState, error) {
	h, err := l.Histories(ctx, a)
	if err != nil {
		return nil, err
	}
	st, err := l.svc.Address(ctx, a)
	if err != nil {
		return nil, err
	}
	st = st.Clone()
	st.Consents = Fold(h, said, known)
	return st, nil
}
