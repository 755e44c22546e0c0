package consent

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// erasedChannel is the channel of the subjects that erased chains hang on: no address.
const erasedChannel crm.Channel = "erased"

func erasedSubject(holder Hash) crm.Subject {
	return crm.OfAddress(crm.Address{Channel: erasedChannel, Value: holder.String()})
}

// Erased says what an erasure did.
type Erased struct {
	Chains, Entries int
	// Consents is how many consent facts of the record went with them.
	Consents int
}

// Erase takes an address out of the ledger and its consent facts out of the record: the
// entries stay, with all their hashes and what was said when, on a keyed hash in the
// address's place, and without their evidence. Verify knows them as before. What stays
// elsewhere is not the ledger's: contacts of profiles, messages, an empty state of the
// address, and what package preference keeps (Pages.Forget). Afterwards nothing stands for
// the address, so that no commercial message goes there; Recall tells, before an address is
// imported again, what it had said, and an audit that is given the ledger, by Gone, that
// earlier messages had consent.
func (l *Ledger) Erase(ctx context.Context, a crm.Address) (Erased, error) {
	return l.erase(ctx, a, func([]History) bool { return true })
}

// Retain erases the addresses of some parts that need not be kept any more: those of which
// every consent ended, or was never given, Config.KeepYears years before the service's time.
// An address is kept or erased as a whole, because a refusal may speak for several brands;
// that of a merchant stays, because to forget it would allow messages. It works address by
// address and may be run again at any time.
func (l *Ledger) Retain(ctx context.Context, parts crm.PartRange) (Erased, error) {
	var total Erased
	over := func(h []History) bool { return l.over(h, l.svc.Now()) }
	var after crm.FactRef
	for {
		var addrs []crm.Address
		done := false
		err := l.svc.Store().View(ctx, func(r crm.Reader) error {
			page, err := r.ScanFacts(ctx, parts.Bounds(), KindRow, after, 500)
			if err != nil {
				return err
			}
			addrs, done = addrs[:0], len(page) < 500
			for _, f := range page {
				if a := f.Subject.Address; a.Channel != erasedChannel && (len(addrs) == 0 || addrs[len(addrs)-1] != a) {
					addrs = append(addrs, a)
				}
				after = f.Ref()
			}
			return nil
		})
		if err != nil {
			return total, err
		}
		for _, a := range addrs {
			n, err := l.erase(ctx, a, over)
			if err != nil {
				return total, err
			}
			total.Chains, total.Entries, total.Consents = total.Chains+n.Chains, total.Entries+n.Entries, total.Consents+n.Consents
		}
		if done {
			return total, nil
		}
	}
}

// over reports whether the chains of an address need not be kept as proof any more.
func (l *Ledger) over(all []History, now time.Time) bool {
	for _, s := range Fold(all, time.Time{}, time.Time{}) {
		if s.Status == crm.Granted || s.Recipient == Merchant {
			return false
		}
	}
	for _, h := range all {
		for i := range h.Entries { // what was corrected is kept as long
			if !h.Entries[i].Said.AddDate(l.years, 0, 0).Before(now) {
				return false
			}
		}
	}
	return true
}

// erase moves the chains of an address under its lock, if they may go.
func (l *Ledger) erase(ctx context.Context, a crm.Address, may func([]History) bool) (Erased, error) {
	a, err := l.svc.Normal(a)
	if err != nil {
		return Erased{}, err
	}
	var out Erased
	err = l.svc.Update(ctx, func(tx crm.Tx) error {
		out = Erased{}
		states, err := tx.LockAddresses(ctx, a)
		if err != nil {
			return err
		}
		d, err := l.open(ctx, tx, a)
		if err != nil {
			return err
		}
		d.adopt()
		all := make([]History, 0, len(d.chains))
		for _, h := range d.chains {
			all = append(all, *h)
		}
		if len(all) == 0 || !may(all) {
			return nil
		}
		var gone []crm.FactRef
		var moved []*crm.Fact
		made := map[originName]int64{} // the versions of the address that the consents made
		for _, f := range d.facts {
			c := f.Data.(*crm.Consent)
			made[originName{nameOf(c.ConsentKey), d.origin(f.Key)}] = c.Guard
		}
		for _, h := range all {
			name := chainName{h.Chain.Brand, h.Chain.Recipient}
			out.Chains++
			for _, e := range h.Entries {
				gone = append(gone, rowFact(crm.OfAddress(a), h.Chain, e).Ref())
				e.Evidence = nil
				f := rowFact(erasedSubject(d.holder), h.Chain, e)
				f.Recorded = d.now
				if at := (originName{name, e.Origin}); d.lasts[at].Seq == e.Seq { // else it was corrected
					f.Version += made[at]
				}
				moved = append(moved, f)
				out.Entries++
			}
		}
		for _, f := range d.facts {
			gone = append(gone, f.Ref())
		}
		out.Consents = len(d.facts)
		slices.SortFunc(gone, crm.FactRef.Compare)
		slices.SortFunc(moved, func(a, b *crm.Fact) int { return a.Ref().Compare(b.Ref()) })
		if err := tx.DeleteFacts(ctx, gone...); err != nil {
			return err
		}
		if _, err := tx.PutFacts(ctx, moved...); err != nil {
			return err
		}
		st := states[0].Clone()
		st.Version++
		st.Consents = nil
		return tx.PutAddresses(ctx, st)
	})
	return out, err
}

// Recall returns what the erased chains of an address came to, sorted as Fold sorts: the
// last epoch of each. Only who has the ledger's key can ask.
func (l *Ledger) Recall(ctx context.Context, a crm.Address) ([]crm.ConsentState, error) {
	a, err := l.svc.Normal(a)
	if err != nil {
		return nil, err
	}
	var out []crm.ConsentState
	err = l.svc.Store().View(ctx, func(r crm.Reader) error {
		rows, err := rowsOf(ctx, r, erasedSubject(holder(l.opening(a), a)))
		if err != nil {
			return err
		}
		last := map[chainName]History{}
		for _, h := range histories(rows) {
			name := chainName{h.Chain.Brand, h.Chain.Recipient}
			if was, ok := last[name]; !ok || cmp.Less(was.Chain.Epoch, h.Chain.Epoch) {
				last[name] = h
			}
		}
		var all []History
		for _, h := range last {
			all = append(all, h)
		}
		out = Fold(all, time.Time{}, time.Time{})
		return nil
	})
	return out, err
}

// Gone returns the consents that an address had when it was erased, as facts that hang on
// it: Guard is the version of the address that each made, and Recorded when it was erased.
// Only who has the ledger's key can ask. What was erased before there was a Gone is not
// among them.
func (l *Ledger) Gone(ctx context.Context, r crm.Reader, a crm.Address) ([]*crm.Fact, error) {
	a, err := l.svc.Normal(a)
	if err != nil {
		return nil, err
	}
	rows, err := rowsOf(ctx, r, erasedSubject(holder(l.opening(a), a)))
	if err != nil {
		return nil, err
	}
	var out []*crm.Fact
	for _, f := range rows {
		row := f.Data.(*Row)
		if f.Version <= 1 || row.Status == Withdrawn {
			continue
		}
		out = append(out, &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "erased", ID: f.Key.ID}, Subject: crm.OfAddress(a), At: row.Said, Version: 1, Recorded: f.Recorded,
			Data: &crm.Consent{ConsentKey: row.Chain.key(&row.Entry), Status: row.Status, Via: row.Source, Guard: f.Version - 1}})
	}
	return out, nil
}
