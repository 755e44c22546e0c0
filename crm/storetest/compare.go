package storetest

import (
	"errors"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// compare looks at everything in the store.
func (m *machine) compare() {
	require.NoError(m.T, m.store.View(m.ctx, func(r crm.Reader) error {
		return errors.Join(m.compareProfiles(r), m.compareFacts(r), m.compareRest(r), m.compareEffects(r), m.compareFeed(r))
	}))
}

func (m *machine) compareProfiles(r crm.Reader) error {
	var ids []crm.CustomerID
	var keys []crm.ProfileKey
	var homes []crm.ProfileKey
	var made []crm.CustomerID
	for n := range people {
		ids, keys = append(ids, customer(n)), append(keys, key(n))
		homes = append(homes, m.model.homes[customer(n)])
		id := crm.CustomerID("")
		if ls := m.model.links[key(n)]; len(ls) > 0 {
			id = ls[0].Customer
		}
		made = append(made, id)
	}
	ps, err1 := r.ScanProfiles(m.ctx, crm.AllParts(), crm.ProfileKey{}, 1000)
	members, err2 := r.Members(m.ctx, ids...)
	gotHomes, err3 := r.Homes(m.ctx, ids...)
	gotMade, err4 := r.HomeIDs(m.ctx, keys...)
	links, err5 := r.Links(m.ctx, keys...)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return err
	}
	same(m.T, m.model.sortedProfiles(), ps, "profiles")
	same(m.T, homes, gotHomes, "homes")
	same(m.T, made, gotMade, "home ids")
	require.Len(m.T, members, people)
	require.Len(m.T, links, people)
	for n := range people {
		same(m.T, m.model.members(ids[n]), members[n], "members of %s", ids[n])
		same(m.T, m.model.links[keys[n]], links[n], "links of %s", keys[n])
	}
	return nil
}

func (m *machine) compareFacts(r crm.Reader) error {
	kinds := map[crm.FactKind]bool{}
	for _, f := range m.model.facts {
		kinds[f.Key.Kind] = true
	}
	for kind := range kinds {
		var got []*crm.Fact
		for after := (crm.FactRef{}); ; {
			page, err := r.ScanFacts(m.ctx, crm.AllParts(), kind, after, 5)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			got, after = append(got, page...), page[len(page)-1].Ref()
		}
		same(m.T, m.model.sortedFacts(func(f *crm.Fact) bool { return f.Key.Kind == kind }), got, "%s facts", kind)
	}
	var who []crm.Subject
	for n := range people {
		who = append(who, crm.OfProfile(key(n)), crm.OfAddress(phone(n)))
	}
	who = append(who, crm.OfRecord(crm.FactKey{Kind: crm.KindOrder, Source: "till", ID: "TR/1"}))
	got, err := r.FactsOf(m.ctx, crm.FactQuery{Subjects: who, Limit: 10_000})
	same(m.T, m.model.sortedFacts(func(*crm.Fact) bool { return true }), got, "facts of everybody")
	return err
}

func (m *machine) compareRest(r crm.Reader) error {
	states, err := r.ScanAddresses(m.ctx, crm.AllParts(), crm.Address{}, 1000)
	if err != nil {
		return err
	}
	same(m.T, m.model.sortedAddresses(), states, "addresses")
	keys := []string{"0", "1", "2", "3"}
	for _, kind := range []crm.RefKind{crm.RefOrder, crm.RefPartial} {
		refs, err := r.Refs(m.ctx, kind, 1000, keys...)
		if err != nil {
			return err
		}
		require.Len(m.T, refs, len(keys))
		for i, k := range keys {
			same(m.T, m.model.refsOf(kind, k), refs[i], "%s refs of %s", kind, k)
		}
	}
	docs, err := r.ScanDocuments(m.ctx, "k", "", 1000)
	same(m.T, m.model.sortedDocuments("k"), docs, "documents")
	return err
}

func (m *machine) compareEffects(r crm.Reader) error {
	xs, err := r.ScanEffects(m.ctx, crm.AllParts(), "", 1000)
	if err != nil {
		return err
	}
	same(m.T, m.model.sortedEffects(), xs, "effects")
	for _, state := range []crm.EffectState{crm.Planned, crm.Sent, crm.Unknown} {
		q := crm.DueQuery{State: state, Before: start.Add(3 * time.Hour)}
		due, err := r.DueEffects(m.ctx, q)
		if err != nil {
			return err
		}
		same(m.T, m.model.due(q), due, "due effects that are %s", state)
	}
	return nil
}

// compareFeed goes through the feed transaction by transaction: within a part
// each has a change for every record that it changed.
func (m *machine) compareFeed(r crm.Reader) error {
	cs, err := readFeed(m.ctx, r, "", 37)
	if err != nil {
		return err
	}
	requireDense(m.T, cs)
	parts := map[crm.Part][]crm.Change{}
	for _, c := range cs {
		parts[c.Part] = append(parts[c.Part], c)
	}
	// A store may tell of a record that one transaction wrote twice once or
	// twice, but always in the same way.
	once, each := map[crm.Part]int{}, map[crm.Part]int{}
	for _, commit := range m.model.feed {
		for c, n := range commit {
			once[c.subject.Part()]++
			each[c.subject.Part()] += n
		}
	}
	for i, commit := range m.model.feed {
		owed := map[crm.Part]map[change]int{}
		for c, n := range commit {
			p := c.subject.Part()
			if owed[p] == nil {
				owed[p] = map[change]int{}
			}
			if once[p] == len(parts[p]) {
				n = 1
			}
			owed[p][c] = n
		}
		for p, left := range owed {
			total := 0
			for _, n := range left {
				total += n
			}
			require.GreaterOrEqual(m.T, len(parts[p]), total, "part %d has %d changes, want %d, or %d with each record once per transaction", p, len(cs), each[p], once[p])
			seen := map[change]int{}
			for _, c := range parts[p][:total] {
				seen[change{c.Kind, c.Subject, c.Fact}]++
			}
			require.Equal(m.T, left, seen, "the changes of transaction %d in part %d", i, p)
		}
		for p, left := range owed {
			for _, n := range left {
				parts[p] = parts[p][n:]
				once[p]--
				each[p] -= n
			}
		}
	}
	for p, rest := range parts {
		require.Empty(m.T, rest, "changes in part %d that nobody made", p)
	}
	return nil
}
