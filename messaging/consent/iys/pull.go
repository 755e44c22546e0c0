package iys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
)

// PullerConfig configures a Puller. Client, Service and Ledger are needed.
type PullerConfig struct {
	Client  *Client
	Service *crm.Service
	Ledger  *consent.Ledger // on Service
	// Brand is crm.ConsentKey.Brand of the consents that Client's brand is about.
	Brand string
	By    By               // whose changes; empty means ByHolders
	Now   func() time.Time // nil means time.Now
}

// Puller takes changes from the registry into the ledger.
type Puller struct{ cfg PullerConfig }

// NewPuller returns a puller, or crm.ErrInvalid.
func NewPuller(cfg PullerConfig) (*Puller, error) {
	if err := unset("Client", cfg.Client == nil, "Service", cfg.Service == nil, "Ledger", cfg.Ledger == nil); err != nil {
		return nil, &crm.Error{Op: "configure", Entity: "iys", Kind: crm.ErrInvalid, Err: err}
	}
	if cfg.By == "" {
		cfg.By = ByHolders
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Puller{cfg}, nil
}

// listed is for how long the registry lists a change.
const listed = 7 * 24 * time.Hour

// cursorKind is the kind of the documents that say how far changes were taken.
const cursorKind = "iys-pull"

// cursor is such a document.
type cursor struct {
	After string    `json:"after"`
	At    time.Time `json:"at"` // when the registry was last asked
}

// Pulled says what a run did.
type Pulled struct {
	Changes int // that were taken
	Known   int // of those, that were there already, from this host or an earlier run
	// Skipped are changes about what is no address here, by transaction.
	Skipped []string
	// Gap is set where the registry was not asked for so long that changes may have left its
	// list unseen: from the first time to the second. Compare with its daily files, and ask
	// Status for who was written to meanwhile.
	Gap [2]time.Time
	// More says that there may be more: run again.
	More bool
}

// RunOnce takes one page of changes into the ledger, each once, also where it is stopped or
// run by several processes: the cursor moves in the transaction of the entries.
func (p *Puller) RunOnce(ctx context.Context) (Pulled, error) {
	id := fmt.Sprintf("%d/%s", p.cfg.Client.cfg.Brand, p.cfg.By)
	was, _, err := p.cursor(ctx, id)
	if err != nil {
		return Pulled{}, err
	}
	now := crm.Micros(p.cfg.Now())
	page, err := p.cfg.Client.Changes(ctx, was.After, p.cfg.By)
	if err != nil {
		return Pulled{}, err
	}
	var out Pulled
	err = p.cfg.Service.Update(ctx, func(tx crm.Tx) error {
		out = Pulled{More: len(page.Changes) > 0 && page.After != was.After}
		if !was.At.IsZero() && now.Sub(was.At) > listed-time.Hour {
			out.Gap = [2]time.Time{was.At.Add(-time.Hour), now.Add(-listed)}
		}
		docs, err := tx.Documents(ctx, cursorKind, id)
		if err != nil {
			return err
		}
		doc, err := crm.NewDocument(cursorKind, id, cursor{page.After, now})
		if err != nil {
			return err
		}
		if docs[0] != nil {
			var is cursor
			if err := docs[0].Decode(&is); err != nil {
				return err
			}
			if is.After != was.After { // another process has taken this page
				out = Pulled{More: true}
				return nil
			}
			doc.Rev = docs[0].Rev
		}
		// Another process that takes this page fails here, before anything is entered.
		if err := tx.PutDocuments(ctx, doc); err != nil {
			return err
		}
		return p.take(ctx, tx, page.Changes, &out)
	})
	return out, err
}

// TakeFile enters the changes of a daily file, those that are not there yet.
func (p *Puller) TakeFile(ctx context.Context, changes []Change) (Pulled, error) {
	var total Pulled
	for part := range slices.Chunk(changes, 500) {
		var out Pulled
		err := p.cfg.Service.Update(ctx, func(tx crm.Tx) error {
			out = Pulled{}
			return p.take(ctx, tx, part, &out)
		})
		if err != nil {
			return total, err
		}
		total.Changes, total.Known, total.Skipped = total.Changes+out.Changes, total.Known+out.Known, append(total.Skipped, out.Skipped...)
	}
	return total, nil
}

// cursor reads how far changes were taken.
func (p *Puller) cursor(ctx context.Context, id string) (c cursor, rev int64, err error) {
	err = p.cfg.Service.Store().View(ctx, func(r crm.Reader) error {
		docs, err := r.Documents(ctx, cursorKind, id)
		if err != nil || docs[0] == nil {
			return err
		}
		rev = docs[0].Rev
		return docs[0].Decode(&c)
	})
	return c, rev, err
}

// take enters changes in a transaction: it locks all addresses, then reads.
func (p *Puller) take(ctx context.Context, tx crm.Tx, changes []Change, out *Pulled) error {
	type item struct {
		Change
		address crm.Address
		key     crm.ConsentKey
	}
	var items []item
	var addrs []crm.Address
	svc := p.cfg.Service.In(tx)
	for _, c := range changes {
		a, key, ok := p.subject(c)
		if ok {
			var err error
			if a, err = svc.Normal(a); err != nil {
				ok = false
			}
		}
		if !ok {
			out.Skipped = append(out.Skipped, c.Transaction)
			continue
		}
		items = append(items, item{c, a, key})
		addrs = append(addrs, a)
	}
	if len(items) == 0 {
		return nil
	}
	slices.SortFunc(addrs, crm.Address.Compare)
	if _, err := tx.LockAddresses(ctx, slices.Compact(addrs)...); err != nil {
		return err
	}
	ledger := p.cfg.Ledger.In(tx)
	for _, c := range items {
		histories, err := ledger.Histories(ctx, c.address)
		if err != nil {
			return err
		}
		at, known := meet(histories, c.key, c.Change)
		out.Changes++
		if known {
			out.Known++
			continue
		}
		status := crm.Granted
		if c.Status == Refused {
			status = crm.Refused
		}
		_, err = ledger.Append(ctx, c.address, consent.Said{ConsentKey: c.key, Status: status, At: at, Source: crm.Clip(string(c.Source), 255),
			Actor: "iys", Note: c.Transaction, ID: "iys/" + c.Transaction})
		if err != nil && !errors.Is(err, crm.ErrExists) {
			return err
		}
	}
	return nil
}

// meet compares a change with what the ledger has about its key: whether it is there already,
// and as of when it counts. Of two in one second a refusal counts, whatever the ledger knows
// of the fractions.
func meet(histories []consent.History, key crm.ConsentKey, c Change) (at time.Time, known bool) {
	at = c.Date
	if at.IsZero() {
		at = c.Created
	}
	for _, h := range histories {
		if h.Chain.Brand != key.Brand || h.Chain.Recipient != key.Recipient {
			continue
		}
		for i := range h.Entries {
			e := &h.Entries[i]
			if e.Purpose != key.Purpose || !seconds(e.Said).Equal(seconds(at)) {
				continue
			}
			if (e.Status == crm.Refused) == (c.Status == Refused) && e.Status != consent.Withdrawn {
				return at, true
			}
			if c.Status == Refused && e.Said.After(at) {
				at = e.Said
			}
		}
	}
	return at, false
}

// subject returns what a change is about here.
func (p *Puller) subject(c Change) (a crm.Address, key crm.ConsentKey, ok bool) {
	key.Brand = p.cfg.Brand
	switch c.Channel {
	case Emails:
		a.Channel = crm.Email
	case Texts:
		a.Channel = crm.Phone
	case Calls:
		a.Channel, key.Purpose = crm.Phone, Call
	default:
		return a, key, false
	}
	switch c.As {
	case Consumer:
	case Merchant:
		key.Recipient = consent.Merchant
	default:
		return a, key, false
	}
	a.Value = c.Recipient
	return a, key, true
}
