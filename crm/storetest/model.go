package storetest

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

// model is a store without anything clever: maps of records that are never
// changed in place. It is written from the contract, not from a store.
type model struct {
	profiles  map[crm.ProfileKey]*crm.Profile
	links     map[crm.ProfileKey][]crm.Link
	homes     map[crm.CustomerID]crm.ProfileKey
	facts     map[crm.FactRef]*crm.Fact
	addresses map[crm.Address]*crm.AddressState
	refs      map[crm.Ref]bool
	effects   map[crm.EffectID]*crm.Effect
	documents map[[2]string]*crm.Document
	cursors   map[string]crm.Position
	feed      []commit
}

// commit is what one transaction changed, and how often.
type commit map[change]int

// change is what the feed tells of a record, without where it stands in the feed.
type change struct {
	kind    crm.ChangeKind
	subject crm.Subject
	fact    crm.FactKey
}

// newModel returns an empty store.
func newModel() *model {
	return &model{
		profiles: map[crm.ProfileKey]*crm.Profile{}, links: map[crm.ProfileKey][]crm.Link{}, homes: map[crm.CustomerID]crm.ProfileKey{},
		facts: map[crm.FactRef]*crm.Fact{}, addresses: map[crm.Address]*crm.AddressState{}, refs: map[crm.Ref]bool{},
		effects: map[crm.EffectID]*crm.Effect{}, documents: map[[2]string]*crm.Document{}, cursors: map[string]crm.Position{},
	}
}

// begin returns a copy to write to; it replaces the model at the commit.
func (m *model) begin() *model {
	return &model{
		profiles: maps.Clone(m.profiles), links: maps.Clone(m.links), homes: maps.Clone(m.homes), facts: maps.Clone(m.facts),
		addresses: maps.Clone(m.addresses), refs: maps.Clone(m.refs), effects: maps.Clone(m.effects),
		documents: maps.Clone(m.documents), cursors: maps.Clone(m.cursors), feed: append(slices.Clone(m.feed), commit{}),
	}
}

// changed notes a change of the transaction that was begun last.
func (m *model) changed(kind crm.ChangeKind, s crm.Subject, f crm.FactKey) {
	m.feed[len(m.feed)-1][change{kind, s, f}]++
}

// The verbs return whether the store has to accept the call.

// putProfiles refuses a wrong revision and a profile that is given twice, before it writes any.
func (m *model) putProfiles(ps []*crm.Profile) bool {
	seen := map[crm.ProfileKey]bool{}
	for _, p := range ps {
		rev := int64(0)
		if old := m.profiles[p.ProfileKey]; old != nil {
			rev = old.Rev
		}
		if p.Rev != rev || seen[p.ProfileKey] {
			return false
		}
		seen[p.ProfileKey] = true
	}
	for _, p := range ps {
		q := p.Clone()
		q.Customer = ""
		if old := m.profiles[p.ProfileKey]; old != nil {
			q.Customer = old.Customer
		}
		m.profiles[p.ProfileKey] = q // the Rev is set when the store has said what it is
		m.changed(crm.ChangedProfile, crm.OfProfile(p.ProfileKey), crm.FactKey{})
	}
	return true
}

// appendLink refuses a first decision that is not LinkNew, a later one that is, and a home that
// is taken.
func (m *model) appendLink(l *crm.Link) bool {
	old := m.links[l.Profile]
	p := m.profiles[l.Profile]
	_, taken := m.homes[l.Customer]
	isNew := l.Kind == crm.LinkNew
	if p == nil || (len(old) == 0) != isNew || (isNew && taken) {
		return false
	}
	x := *l
	x.Seq = int64(len(old)) + 1
	m.links[l.Profile] = append(slices.Clone(old), x)
	if isNew {
		m.homes[l.Customer] = l.Profile
	}
	if l.Kind != crm.LinkNotMe {
		q := p.Clone()
		q.Customer = l.Customer
		m.profiles[l.Profile] = q
	}
	m.changed(crm.ChangedLink, crm.OfProfile(l.Profile), crm.FactKey{})
	return true
}

// putFact is PutFacts of one fact, or PutNewest.
func (m *model) putFact(f *crm.Fact, newest bool) (put crm.Put, err error) {
	put = crm.PutNew
	if old := m.facts[f.Ref()]; old != nil {
		if f.Version < old.Version && !newest {
			return crm.PutOlder, nil
		}
		a, err := crm.EncodeFactData(old.Data)
		if err != nil {
			return 0, err
		}
		b, err := crm.EncodeFactData(f.Data)
		if err != nil {
			return 0, err
		}
		was, is := crm.FactHash(old, a), crm.FactHash(f, b)
		switch {
		case newest && was == is:
			return crm.PutSame, nil
		case newest:
			c := *f
			c.Version = max(f.Version, old.Version+1)
			f = &c
		case f.Version > old.Version:
		case is == was:
			return crm.PutSame, nil
		case is < was:
			return crm.PutLost, nil
		default:
			put = crm.PutWon
		}
	}
	m.facts[f.Ref()] = f
	m.changed(crm.ChangedFact, f.Subject, f.Key)
	return put, nil
}

func (m *model) deleteFact(r crm.FactRef) {
	if m.facts[r] != nil {
		delete(m.facts, r)
		m.changed(crm.ChangedFact, r.Subject, r.Key)
	}
}

func (m *model) putAddress(s *crm.AddressState) bool {
	version := int64(0)
	if old := m.addresses[s.Address]; old != nil {
		version = old.Version
	}
	if s.Version != version+1 {
		return false
	}
	m.addresses[s.Address] = s.Clone()
	return true
}

// The same contents as lists, in the order of the contract.

func (m *model) sortedProfiles() []*crm.Profile {
	return slices.SortedFunc(maps.Values(m.profiles), func(a, b *crm.Profile) int {
		return cmp.Or(cmp.Compare(a.Part(), b.Part()), a.Compare(b.ProfileKey))
	})
}

func (m *model) members(id crm.CustomerID) []crm.ProfileKey {
	var out []crm.ProfileKey
	for k, p := range m.profiles {
		if p.Customer == id {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, crm.ProfileKey.Compare)
	return out
}

// sortedFacts returns the facts that keep accepts in the order of FactRef.Compare.
func (m *model) sortedFacts(keep func(*crm.Fact) bool) []*crm.Fact {
	var out []*crm.Fact
	for _, f := range m.facts {
		if keep(f) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b *crm.Fact) int { return a.Ref().Compare(b.Ref()) })
	return out
}

func (m *model) sortedAddresses() []*crm.AddressState {
	return slices.SortedFunc(maps.Values(m.addresses), func(a, b *crm.AddressState) int {
		return cmp.Or(cmp.Compare(a.Address.Part(), b.Address.Part()), a.Address.Compare(b.Address))
	})
}

// refsOf returns the entries under one key of an index.
func (m *model) refsOf(kind crm.RefKind, key string) []crm.Ref {
	var out []crm.Ref
	for r := range m.refs {
		if r.Kind == kind && r.Key == key {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, crm.Ref.Compare)
	return out
}

func (m *model) sortedEffects() []*crm.Effect {
	return slices.SortedFunc(maps.Values(m.effects), func(a, b *crm.Effect) int { return strings.Compare(string(a.ID), string(b.ID)) })
}

// due returns what DueEffects must, without its limit.
func (m *model) due(q crm.DueQuery) []*crm.Effect {
	var out []*crm.Effect
	for _, x := range m.effects {
		at := x.Due
		if q.State != crm.Planned {
			at = x.Lease
		}
		if x.State == q.State && at.Before(q.Before) {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b *crm.Effect) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID.Part(), b.ID.Part()), strings.Compare(string(a.ID), string(b.ID)))
	})
	return out
}

func (m *model) sortedDocuments(kind string) []*crm.Document {
	var out []*crm.Document
	for k, d := range m.documents {
		if k[0] == kind {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b *crm.Document) int { return strings.Compare(a.ID, b.ID) })
	return out
}
