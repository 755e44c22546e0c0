package crm

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Digest is a hash of the whole logical state: SHA-256 over sorted canonical
// rows, keyed by natural keys. It does not depend on the store, on generated
// ids or on the order of anything. At is the time at which tags are current.
//
// The rows and their fields:
//
//	profile  source, id, all that the source said, first seen, disowned addresses
//	link     source, id → the earliest profile of the customer, and the profile
//	         that the customer's id was made for
//	tag      source, id, tag (current at At), by, expiry
//	consent  address, brand, recipient, purpose, status, time
//	stop     address, suppression reasons in force, tickets that hold it
//	order, visit, ticket, answer, interaction, note, what engines add, such as
//	         incident, and a host's own kinds: subject, key, place, time, version,
//	         content
//	click    subject, key, time, effect, verdict, count if it is not 0; another kind
//	         with a Kind.Digest likewise
//	effect   id, kind, cause, about, occurrence, due, state, reasons' guards
//	counter  kind, id, limit, how much is used
//	reserved a counter's kind, id, the reservation's id, amount: what has not expired
//
// Left out: generated ids (customers'), attempts, leases, times at which the
// record was written, versions of addresses, tokens, providers' ids.
func Digest(ctx context.Context, r Reader, at time.Time) ([32]byte, error) {
	d := &digester{h: sha256.New()}
	for _, part := range []func(context.Context, Reader, time.Time) error{d.profiles, d.facts, d.addresses, d.effects, d.counters} {
		if err := part(ctx, r, at); err != nil {
			return [32]byte{}, err
		}
	}
	slices.SortFunc(d.rows, func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) })
	h := sha256.New()
	for i := range d.rows {
		h.Write(d.rows[i][:])
	}
	return [32]byte(h.Sum(nil)), nil
}

// digester collects the hash of each row; rows are sorted by their hashes.
type digester struct {
	h    hash.Hash
	rows [][32]byte
}

func (d *digester) row(fields ...string) {
	d.h.Reset()
	for _, f := range fields {
		d.h.Write([]byte(strconv.Itoa(len(f))))
		d.h.Write([]byte{':'})
		d.h.Write([]byte(f))
	}
	d.rows = append(d.rows, [32]byte(d.h.Sum(nil)))
}

// counted writes a count behind a field, nothing for 0.
func counted(n int64) string {
	if n == 0 {
		return ""
	}
	return " " + strconv.FormatInt(n, 10)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMicro(), 10)
}

func (d *digester) profiles(ctx context.Context, r Reader, _ time.Time) error {
	groups := map[CustomerID]*Profile{}
	var all []struct {
		key ProfileKey
		id  CustomerID
	}
	for p, err := range Profiles(ctx, r, AllParts()) {
		if err != nil {
			return err
		}
		content, err := json.Marshal(p) // Customer and Rev are not part of it
		if err != nil {
			return err
		}
		d.row("profile", p.Source, p.ID, string(content))
		if first := groups[p.Customer]; first == nil || CompareSeniority(p, first) < 0 {
			groups[p.Customer] = &Profile{ProfileKey: p.ProfileKey, Since: p.Since}
		}
		all = append(all, struct {
			key ProfileKey
			id  CustomerID
		}{p.ProfileKey, p.Customer})
	}
	ids := make([]CustomerID, 0, len(groups))
	for id := range groups {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	home := make(map[CustomerID]ProfileKey, len(ids))
	for chunk := range slices.Chunk(ids, 1000) {
		homes, err := r.Homes(ctx, chunk...)
		if err != nil {
			return err
		}
		for i, id := range chunk {
			home[id] = homes[i]
		}
	}
	for _, m := range all {
		first, named := groups[m.id], home[m.id]
		d.row("link", m.key.Source, m.key.ID, first.Source, first.ID, named.Source, named.ID)
	}
	return nil
}

func (d *digester) facts(ctx context.Context, r Reader, at time.Time) error {
	kinds, err := r.FactKinds(ctx)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		k := r.Kinds().Of(kind)
		if k != nil && k.folded {
			continue // what they come to has rows of its own
		}
		for f, err := range FactsOfKind(ctx, r, AllParts(), kind) {
			if err != nil {
				return err
			}
			on, a, b := f.Subject.Flat()
			row := []string{string(kind), on, a, b, f.Key.Source, f.Key.ID}
			if k != nil && k.Digest != nil {
				d.row(append(row, k.Digest(f)...)...)
				continue
			}
			data, err := EncodeFactData(f.Data)
			if err != nil {
				return err
			}
			d.row(append(row, f.Place, stamp(f.At), strconv.FormatInt(f.Version, 10), string(data))...)
		}
	}
	// Tags of one profile come one after the other.
	var of Subject
	var changes []*Fact
	flush := func() {
		for _, t := range TagsAt(changes, at) {
			d.row("tag", of.Profile.Source, of.Profile.ID, t.Name, t.By, stamp(t.Since), stamp(t.Expires))
		}
		changes = changes[:0]
	}
	for f, err := range FactsOfKind(ctx, r, AllParts(), KindTag) {
		if err != nil {
			return err
		}
		if f.Subject != of {
			flush()
			of = f.Subject
		}
		changes = append(changes, f)
	}
	flush()
	return nil
}

func (d *digester) addresses(ctx context.Context, r Reader, _ time.Time) error {
	for st, err := range AddressStates(ctx, r, AllParts()) {
		if err != nil {
			return err
		}
		for _, c := range st.Consents {
			d.row("consent", string(st.Address.Channel), st.Address.Value, c.Brand, c.Recipient, c.Purpose, string(c.Status), stamp(c.At))
		}
		if len(st.Suppressed)+len(st.Holds) > 0 {
			holds := make([]string, len(st.Holds))
			for i, h := range st.Holds {
				holds[i] = ticketKey(h)
			}
			d.row("stop", string(st.Address.Channel), st.Address.Value, strings.Join(st.Suppressed, "\n"), strings.Join(holds, "\n"))
		}
	}
	return nil
}

func (d *digester) effects(ctx context.Context, r Reader, _ time.Time) error {
	for e, err := range AllEffects(ctx, r, AllParts()) {
		if err != nil {
			return err
		}
		var guards []string
		for _, g := range e.Reasons {
			guards = append(guards, g.Guard+strconv.FormatBool(g.Pass))
		}
		d.row("effect", string(e.ID), string(e.Kind), e.Cause, e.About.String(), e.Occurrence, stamp(e.Due), string(e.State), strings.Join(guards, "\n"))
	}
	return nil
}
