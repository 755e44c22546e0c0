package crm

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// writer holds what one chunk of an import needs to know about itself.
type writer struct {
	s   *Service
	ctx context.Context
	tx  Tx
	now time.Time
	rep ImportReport
	// which content of one version stays
	policy ConflictPolicy
	// what profiles of this chunk are now, so that nobody reads them again
	seen map[ProfileKey]*Profile
	// customers whose addresses or tickets changed: their silence is checked
	touched map[CustomerID]bool
	// facts without a version whose version here was made from an older one's
	newest map[*Fact]bool
	// tickets that were solved, moved or taken back in this chunk
	lapsed []FactRef
	// customers that are locked
	held map[CustomerID]bool
	// addresses that are locked, as they are now
	states map[Address]*AddressState
	// where delivered facts of the kinds that exist once hung before
	anchors map[FactKey]Subject
	// records that facts of this chunk hang on and that are not there
	missing map[FactKey]bool
	// records of this chunk that facts have waited for
	arrived []FactKey
}

func (s *Service) importChunk(ctx context.Context, tx Tx, b Batch) (ImportReport, error) {
	for _, k := range s.cfg.Kinds {
		if tx.Kinds().Of(k.Name) == nil {
			return ImportReport{}, &Error{Op: "configure", Entity: "store", Kind: ErrInvalid, Err: fieldError("kinds", fmt.Sprintf("have no %q: Config.Kinds has, give it to the store, too", k.Name))}
		}
	}
	w := newWriter(ctx, s, tx)
	w.seen = map[ProfileKey]*Profile{}
	facts := w.valid(b.Facts)
	// Locked before anything is read: anchors of facts, then customers, then
	// addresses, each in the order of their keys.
	counting, err := w.anchor(facts)
	if err != nil {
		return w.rep, err
	}
	if err := w.profiles(b.Profiles, facts, counting); err != nil {
		return w.rep, err
	}
	return w.rep, w.facts(counting)
}

func (w *writer) reject(entity, id string, err error) {
	w.rep.Rejected = append(w.rep.Rejected, Rejected{entity, id, err})
}

// profiles writes the newest version of each delivered profile, and stubs for
// the subjects of facts that were not delivered yet. Of the facts, counting are
// those that will be written.
func (w *writer) profiles(delivered []*Profile, facts, counting []*Fact) error {
	newest := make(map[ProfileKey]*Profile, len(delivered))
	for _, p := range delivered {
		if p == nil {
			w.reject("profile", "", invalid("put", "profile", "", fieldError("profile", "is nil")))
			continue
		}
		if err := p.Validate(); err != nil {
			w.reject("profile", p.ProfileKey.String(), invalid("put", "profile", p.ProfileKey.String(), err))
			continue
		}
		p = w.reachable(cleanProfile(p))
		if have := newest[p.ProfileKey]; have != nil {
			p = w.merge(have, p, false)
		}
		newest[p.ProfileKey] = p
	}
	stubs := map[ProfileKey]bool{}
	for _, f := range facts {
		k := f.Subject.Profile
		if !k.IsZero() && newest[k] == nil {
			newest[k] = &Profile{ProfileKey: k}
			stubs[k] = true
		}
	}
	if len(newest) == 0 {
		return nil
	}
	keys := make([]ProfileKey, 0, len(newest))
	for k := range newest {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, ProfileKey.Compare)
	old, err := w.tx.Profiles(w.ctx, keys...)
	if err != nil {
		return err
	}
	if err := w.lockDelivered(keys, old, newest, stubs, counting); err != nil {
		return err
	}
	var puts []*Profile
	var links []*Link
	var add, del []Ref
	var renamed []*Profile
	var relabel []ProfileKey
	for i, k := range keys {
		p := newest[k]
		switch was := old[i]; {
		case was == nil:
			id := CustomerID(w.s.cfg.NewID())
			p.Customer = id
			if p.unversioned() && !stubs[k] {
				p.At = w.now
			}
			links = append(links, &Link{Profile: k, Customer: id, Kind: LinkNew, At: w.now, Actor: "import"})
			add = append(add, contactRefs(p)...)
			if w.s.cfg.NameSearch {
				add = append(add, nameRefs(p)...)
			}
		case stubs[k]:
			w.seen[k] = was
			continue
		default:
			q := w.merge(was, p, true)
			if sameProfile(was, q) {
				w.seen[k] = was
				continue
			}
			q.Rev, q.Customer, q.Disowned = was.Rev, was.Customer, was.Disowned
			a, d := diffRefs(contactRefs(was), contactRefs(q))
			add, del = append(add, a...), append(del, d...)
			if len(a)+len(d) > 0 {
				w.touched[q.Customer] = true
			}
			if w.s.cfg.NameSearch && was.Name != q.Name {
				a, d := diffRefs(nameRefs(was), nameRefs(q))
				add, del = append(add, a...), append(del, d...)
			}
			if surnameKey(was.Name) != surnameKey(q.Name) {
				renamed = append(renamed, q)
			}
			if !was.Since.Equal(q.Since) {
				relabel = append(relabel, k)
			}
			p = q
		}
		puts = append(puts, p)
		w.seen[k] = p
		if !stubs[k] {
			w.rep.Profiles++
		}
	}
	if err := w.tx.PutProfiles(w.ctx, puts...); err != nil {
		return err
	}
	if err := w.tx.AppendLinks(w.ctx, links...); err != nil {
		return err
	}
	if err := w.tx.DeleteRefs(w.ctx, del...); err != nil {
		return err
	}
	more, err := w.renamedOrders(renamed)
	if err != nil {
		return err
	}
	if err := w.tx.PutRefs(w.ctx, append(add, more...)...); err != nil {
		return err
	}
	return w.relabel(relabel)
}

// relabel gives customers whose earliest profile turned out to be another one
// the id that content decides.
func (w *writer) relabel(keys []ProfileKey) error {
	if len(keys) == 0 {
		return nil
	}
	profiles, err := w.tx.Profiles(w.ctx, keys...)
	if err != nil {
		return err
	}
	members, err := w.tx.Members(w.ctx, customersOf(profiles)...)
	if err != nil {
		return err
	}
	var groups []Grouping
	for _, m := range members {
		if len(m) > 1 {
			groups = append(groups, Grouping{Profiles: m, Kind: LinkMatched, Actor: "import", Evidence: Evidence{Note: "an earlier profile names the customer"}})
		}
	}
	_, err = w.regroup(groups, decided{})
	return err
}

// renamedOrders returns the partial keys of orders under their buyer's new
// surname. Those of the old one stay: people keep using it.
func (w *writer) renamedOrders(profiles []*Profile) ([]Ref, error) {
	var refs []Ref
	for _, p := range profiles {
		for f, err := range FactsOf(w.ctx, w.tx, []Subject{OfProfile(p.ProfileKey)}, w.s.kinds.names(func(k *Kind) bool { return k.Names != nil })...) {
			if err != nil {
				return nil, err
			}
			w.s.kinds.Of(f.Key.Kind).Names(f, func(number string, who ProfileKey) {
				if key := partialKey(number, p.Name); who == p.ProfileKey && key != "" {
					refs = append(refs, Ref{RefPartial, key, f.Subject, RefKey(f.Key.String()), 0})
				}
			})
		}
	}
	return refs, nil
}

// unversioned reports whether the source gave the profile no version.
func (p *Profile) unversioned() bool { return p.At.IsZero() && p.SourceVersion == 0 }

// merge is mergeVersions, and notes in the report what it means for p, which
// came later; stored says that have is in the record. Where p has no version it
// gets one that is newer than have's, unless it says the same.
func (w *writer) merge(have, p *Profile, stored bool) *Profile {
	said := func(p *Profile) string {
		c := *p
		c.At, c.SourceVersion = time.Time{}, 0
		return string(profileContent(&c))
	}
	if p.unversioned() {
		if said(have) == said(p) {
			w.rep.Repeated++
			p.At, p.SourceVersion = have.At, have.SourceVersion
			return mergeVersions(have, p)
		}
		if !stored {
			w.rep.Repeated++        // of the two one counts
			if have.unversioned() { // they came in this order
				return sinceOf(p, have)
			}
		}
		p.At, p.SourceVersion = w.now, have.SourceVersion
		if !have.At.Before(p.At) {
			p.At = have.At.Add(time.Microsecond)
		}
		return mergeVersions(have, p)
	}
	if !stored && have.unversioned() {
		have.At = w.now
	}
	switch {
	case have.SourceVersion != p.SourceVersion || !have.At.Equal(p.At):
		if newerProfile(have, p) {
			w.rep.Repeated++
			if stored {
				w.rep.Older++
			}
		} else if !stored {
			w.rep.Repeated++
		}
	case said(have) == said(p):
		w.rep.Repeated++
	default:
		if w.conflict("profile", p.ProfileKey.String(), p.SourceVersion, newerProfile(p, have)) {
			return sinceOf(p, have)
		}
		if w.policy == ConflictReject {
			return have // as it is
		}
		return sinceOf(have, p)
	}
	return mergeVersions(have, p)
}

// mergeVersions returns the newer of two versions of a profile, first known at
// the earlier of their times. Which is which does not matter.
func mergeVersions(a, b *Profile) *Profile {
	if newerProfile(b, a) {
		return sinceOf(b, a)
	}
	return sinceOf(a, b)
}

// sinceOf returns win, first known at the earlier of the two times.
func sinceOf(win, other *Profile) *Profile {
	since := win.Since
	if since.IsZero() || (!other.Since.IsZero() && other.Since.Before(since)) {
		since = other.Since
	}
	if !win.Since.Equal(since) {
		win = win.Clone()
		win.Since = since
	}
	return win
}

func newerProfile(a, b *Profile) bool {
	switch {
	case a.SourceVersion != b.SourceVersion:
		return a.SourceVersion > b.SourceVersion
	case !a.At.Equal(b.At):
		return a.At.After(b.At)
	}
	return ContentHash(profileContent(a)) > ContentHash(profileContent(b))
}

// profileContent is what the source said, without what the kernel keeps beside
// it.
func profileContent(p *Profile) []byte {
	c := *p
	c.Disowned, c.Since = nil, time.Time{}
	data, _ := json.Marshal(&c) // a struct of texts and times: cannot fail
	return data
}

func sameProfile(a, b *Profile) bool {
	return a.Since.Equal(b.Since) && string(profileContent(a)) == string(profileContent(b))
}

// cleanProfile returns a copy in the form that stores keep.
func cleanProfile(p *Profile) *Profile {
	q := p.Clone()
	q.Since, q.At = Micros(q.Since), Micros(q.At)
	q.Rev, q.Customer, q.Disowned = 0, "", nil
	for _, s := range []*string{&q.Name.Given, &q.Name.Family, &q.Name.Full, &q.Name.Title, &q.Gender, &q.Locale,
		&q.Postal.Street, &q.Postal.District, &q.Postal.City, &q.Postal.Postcode, &q.Postal.Country} {
		*s = cleanText(*s)
	}
	for k, v := range q.Attributes {
		if c := cleanText(k); c != k {
			delete(q.Attributes, k)
			k = c
		}
		q.Attributes[k] = cleanText(v)
	}
	if len(q.Attributes) == 0 {
		q.Attributes = nil
	}
	return q
}

// reachable brings the contacts of a profile, which it may change, into their
// normal form, each once. One that is no address is reported, and the profile
// kept without it.
func (w *writer) reachable(p *Profile) *Profile {
	kept := p.Contacts[:0]
	for i, c := range p.Contacts {
		a, err := w.s.normal(c.Address)
		if err != nil {
			id := p.ProfileKey.String()
			w.reject("contact", id, invalid("put", "contact", id, within("contacts", i, err)))
			continue
		}
		c.Address = a
		if !slices.ContainsFunc(kept, func(k Contact) bool { return k.Address == a }) {
			kept = append(kept, c)
		}
	}
	if p.Contacts = kept; len(kept) == 0 {
		p.Contacts = nil
	}
	return p
}

func contactRefs(p *Profile) []Ref {
	var refs []Ref
	for _, c := range p.Contacts {
		if !c.Masked && !slices.Contains(p.Disowned, c.Address) {
			refs = append(refs, Ref{RefContact, RefKey(c.Address.String()), OfProfile(p.ProfileKey), "", 0})
		}
	}
	return refs
}

func diffRefs(was, is []Ref) (add, del []Ref) {
	return without(is, was), without(was, is)
}

// without returns the refs of a list that are not in another, in their order.
func without(list, other []Ref) (out []Ref) {
	has := func(r Ref) bool { return slices.Contains(other, r) }
	if len(other) > 16 { // a dealer's profile may have thousands of addresses
		set := make(map[Ref]bool, len(other))
		for _, r := range other {
			set[r] = true
		}
		has = func(r Ref) bool { return set[r] }
	}
	for _, r := range list {
		if !has(r) {
			out = append(out, r)
		}
	}
	return out
}
