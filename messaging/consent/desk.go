package consent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// drawer is one address in a transaction that has locked it: its consent facts, its chains,
// and the entries that are to be written.
type drawer struct {
	l       *Ledger
	address crm.Address
	opening Hash
	holder  Hash
	now     time.Time
	facts   []*crm.Fact // consents, in the order in which they were said
	known   map[crm.FactKey]*crm.Fact
	chains  map[chainName]*History
	erased  map[chainName]int // the next epoch, where chains were erased
	lasts   map[originName]Entry
	fresh   []*crm.Fact
}

// originName is what the last entry about one consent fact is found by.
type originName struct {
	chainName
	origin Tag
}

// chainName is what a chain of an address is told by. A consumer who is spelt out in the
// record has a chain of that spelling: the record keeps the two apart, too, and Decide reads
// them together.
type chainName struct{ brand, recipient string }

func nameOf(k crm.ConsentKey) chainName { return chainName{k.Brand, k.Recipient} }

// open reads what there is about an address that is locked.
func (l *Ledger) open(ctx context.Context, tx crm.Tx, a crm.Address) (*drawer, error) {
	d := &drawer{l: l, address: a, opening: l.opening(a), now: l.svc.Now(),
		known: map[crm.FactKey]*crm.Fact{}, chains: map[chainName]*History{}, erased: map[chainName]int{}, lasts: map[originName]Entry{}}
	d.holder = holder(d.opening, a)
	for f, err := range crm.FactsOf(ctx, tx, []crm.Subject{crm.OfAddress(a)}, crm.KindConsent) {
		if err != nil {
			return nil, err
		}
		d.facts = append(d.facts, f)
		d.known[f.Key] = f
	}
	slices.SortStableFunc(d.facts, func(a, b *crm.Fact) int { return cmp.Or(a.At.Compare(b.At), a.Key.Compare(b.Key)) })
	rows, err := rowsOf(ctx, tx, crm.OfAddress(a))
	if err != nil {
		return nil, err
	}
	for _, h := range histories(rows) {
		name := chainName{h.Chain.Brand, h.Chain.Recipient}
		d.chains[name] = &h
		for _, e := range h.Entries {
			d.lasts[originName{name, e.Origin}] = e
		}
	}
	gone, err := rowsOf(ctx, tx, erasedSubject(d.holder))
	if err != nil {
		return nil, err
	}
	for _, h := range histories(gone) {
		name := chainName{h.Chain.Brand, h.Chain.Recipient}
		d.erased[name] = max(d.erased[name], h.Chain.Epoch+1)
	}
	return d, nil
}

// adopt makes entries for the facts that have none or say something else by now, and
// withdraws what no fact says any more.
func (d *drawer) adopt() {
	standing := map[originName]bool{}
	for _, f := range d.facts {
		c := f.Data.(*crm.Consent)
		standing[originName{nameOf(c.ConsentKey), d.origin(f.Key)}] = true
		s := Said{ConsentKey: c.ConsentKey, Source: clip(c.Via, 255), Actor: clip(c.Actor, 512), Note: clip(c.Proof, 1024)}
		if text, ok := strings.CutPrefix(c.Proof, "sha256:"); ok && s.Text.UnmarshalText([]byte(text)) == nil {
			s.Note = ""
		}
		d.enter(f.Key, f.At, c.Status, &s)
	}
	var gone []originName
	for name, e := range d.lasts {
		if !standing[name] && e.Status != Withdrawn {
			gone = append(gone, name)
		}
	}
	slices.SortFunc(gone, func(a, b originName) int { return cmp.Compare(d.lasts[a].Seq, d.lasts[b].Seq) })
	slices.SortStableFunc(gone, func(a, b originName) int {
		return cmp.Or(strings.Compare(a.brand, b.brand), strings.Compare(a.recipient, b.recipient))
	})
	for _, name := range gone {
		e := d.lasts[name]
		d.append(name, Entry{Status: Withdrawn, Purpose: e.Purpose, Said: e.Said, Evidence: &Evidence{Note: "the record no longer says so"}})
	}
}

// clip returns the beginning of a text that others wrote, at most n bytes of valid UTF-8.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}

func (d *drawer) origin(k crm.FactKey) Tag {
	h := mac(d.opening[:], "vefa/consent/origin/1", k.Source, k.ID)
	return Tag(h[:16])
}

// fact returns the consent fact of what is said.
func (d *drawer) fact(s *Said) *crm.Fact {
	s.Recipient = consumer(s.Recipient)
	at, id := crm.Micros(s.At), s.ID
	if s.At.IsZero() {
		at = d.now
		for _, f := range d.known {
			if c := f.Data.(*crm.Consent); nameOf(c.ConsentKey) == nameOf(s.ConsentKey) && c.Purpose == s.Purpose && !f.At.Before(at) && (id == "" || f.Key != d.key(id)) {
				at = f.At.Add(time.Microsecond)
			}
		}
	}
	if id == "" {
		id = fmt.Sprint(s.Brand, "/", s.Recipient, "/", s.Purpose, "/", s.Status, "/", s.Source, "/", s.Text, "/", at.UnixMicro())
	}
	key := d.key(id)
	if was := d.known[key]; was != nil && s.At.IsZero() {
		at = was.At // told again: the first time counts
	}
	via := s.Note
	if !s.Text.IsZero() {
		via = "sha256:" + s.Text.String()
	}
	f := &crm.Fact{Key: key, Subject: crm.OfAddress(d.address), At: at, Version: 1,
		Data: &crm.Consent{ConsentKey: s.ConsentKey, Status: s.Status, Via: s.Source, Proof: via, Actor: s.Actor}}
	d.known[key] = f
	return f
}

// key is the key of the consent fact that an id names.
func (d *drawer) key(id string) crm.FactKey {
	h := mac(d.opening[:], "vefa/consent/said/1", id)
	return crm.FactKey{Kind: crm.KindConsent, Source: "ledger", ID: h.String()[:32]}
}

// enter makes the entry of a fact and returns it, or the one that says the same already.
func (d *drawer) enter(k crm.FactKey, at time.Time, status crm.ConsentStatus, s *Said) Entry {
	name := originName{nameOf(s.ConsentKey), d.origin(k)}
	if last, ok := d.lasts[name]; ok && last.Status == status && last.Purpose == s.Purpose && last.Said.Equal(at) && last.Source == s.Source {
		return last
	}
	return d.append(name, Entry{Status: status, Purpose: s.Purpose, Source: s.Source, Said: at, Text: s.Text,
		Evidence: &Evidence{Actor: s.Actor, IP: s.IP, Note: s.Note}})
}

// append continues a chain, or begins it.
func (d *drawer) append(name originName, e Entry) Entry {
	h := d.chains[name.chainName]
	if h == nil {
		h = &History{Chain: Chain{Brand: name.brand, Recipient: name.recipient, Channel: d.address.Channel, Holder: d.holder, Epoch: d.erased[name.chainName]}}
		d.chains[name.chainName] = h
	}
	e.Seq, e.Recorded, e.Origin, e.Prev = 1, d.now, name.origin, h.Chain.ID()
	if n := len(h.Entries); n > 0 {
		before := &h.Entries[n-1]
		e.Seq, e.Prev = before.Seq+1, before.Hash
		if !e.Recorded.After(before.Recorded) {
			e.Recorded = before.Recorded.Add(time.Microsecond)
		}
	}
	nonce := mac(d.opening[:], "vefa/consent/nonce/1", string(e.Prev[:]), string(e.Origin[:]))
	e.Evidence.Nonce = Tag(nonce[:16])
	e.Proof = e.Evidence.hash()
	e.Hash = e.Digest()
	h.Entries = append(h.Entries, e)
	d.lasts[name] = e
	d.fresh = append(d.fresh, rowFact(crm.OfAddress(d.address), h.Chain, e))
	return e
}

// write records the new entries. The address is locked, so that no two writers continue
// the same entry.
func (d *drawer) write(ctx context.Context, tx crm.Tx) error {
	if len(d.fresh) == 0 {
		return nil
	}
	return d.l.svc.In(tx).Record(ctx, d.fresh...)
}

// rowFact is the fact that an entry is kept as. Keys sort as the chain goes.
func rowFact(s crm.Subject, c Chain, e Entry) *crm.Fact {
	return &crm.Fact{Key: crm.FactKey{Kind: KindRow, Source: "ledger", ID: fmt.Sprintf("%s/%012d", c.ID().String()[:32], e.Seq)},
		Subject: s, At: e.Said, Version: 1, Data: &Row{c, e}}
}

// rowsOf reads the ledger's facts about a subject, sorted by chain and entry.
func rowsOf(ctx context.Context, r crm.Reader, s crm.Subject) ([]*crm.Fact, error) {
	var out []*crm.Fact
	for f, err := range crm.FactsOf(ctx, r, []crm.Subject{s}, KindRow) {
		if err != nil {
			return nil, err
		}
		if _, ok := f.Data.(*Row); !ok {
			return nil, invalid("read", &crm.FieldError{Field: "kinds", Msg: "the store does not know consent.Kind"})
		}
		out = append(out, f)
	}
	return out, nil
}

// histories puts rows together to chains, sorted by brand, recipient and epoch. The order
// of the entries is that of the rows.
func histories(rows []*crm.Fact) []History {
	var out []History
	at := map[Chain]int{}
	for _, f := range rows {
		r := f.Data.(*Row)
		i, ok := at[r.Chain]
		if !ok {
			i = len(out)
			at[r.Chain] = i
			out = append(out, History{Chain: r.Chain})
		}
		out[i].Entries = append(out[i].Entries, r.Entry)
	}
	slices.SortStableFunc(out, func(a, b History) int {
		return cmp.Or(strings.Compare(a.Chain.Brand, b.Chain.Brand), strings.Compare(a.Chain.Recipient, b.Chain.Recipient), cmp.Compare(a.Chain.Epoch, b.Chain.Epoch))
	})
	return out
}
