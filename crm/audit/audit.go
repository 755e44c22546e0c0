// Package audit checks what must never happen in a record, whatever several
// writers did at once, by reading the record alone. crm/storetest runs it on every
// store, vefa adds what must never happen in the evening.
package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// Report is what a check found.
type Report struct {
	// Violations counts the places where an invariant does not hold.
	Violations int `json:"violations"`
	// Findings describe the first twenty, by the keys of the records concerned.
	Findings []string `json:"findings,omitempty"`
}

// maxFindings bounds what a report lists. A record that is broken in one way is broken in
// thousands of places, and the first few show it.
const maxFindings = 20

// find counts a violation and lists it while there is room.
func (r *Report) find(format string, args ...any) {
	r.Violations++
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
	}
}

// Record reads the whole record and reports where it contradicts itself:
//
//   - a customer bears the id that was made for the earliest of its profiles, and
//     that profile is one of its own;
//   - the members of a customer are the profiles that say that they belong to it;
//   - the last decision about a profile says where it is, decisions are numbered
//     without a gap, and each operation is there with all of its decisions;
//   - an order, a visit or a ticket exists once, where its anchor says;
//   - an unsolved ticket holds every address of its customer, and nothing else
//     holds any.
//
// It fails only if the store does. Give it the Reader of one View: on one that
// sees changes it would report what is on its way.
func Record(ctx context.Context, r crm.Reader) (Report, error) {
	c := &checker{ctx: ctx, r: r, ops: map[string]int{}}
	for _, check := range []func() error{c.customers, c.anchors, c.holds} {
		if err := check(); err != nil {
			return Report{}, err
		}
	}
	return c.Report, nil
}

// checker counts what the checks find; they share the operations of which not all decisions
// were met.
type checker struct {
	Report
	ctx context.Context
	r   crm.Reader
	ops map[string]int // decisions of an operation that were not yet met
}

// pageSize is how many records are looked at together.
const pageSize = 1000

// customers goes through all profiles. Every profile is looked at by itself; a
// customer is looked at where the profile comes that its id was made for.
func (c *checker) customers() error {
	profiles, placed := 0, 0
	for after := (crm.ProfileKey{}); ; {
		page, err := c.r.ScanProfiles(c.ctx, crm.AllParts(), after, pageSize)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].ProfileKey
		profiles += len(page)
		n, err := c.page(page)
		if err != nil {
			return err
		}
		placed += n
	}
	if profiles != placed {
		c.find("%d profiles, and customers have %d members", profiles, placed)
	}
	for _, op := range slices.Sorted(maps.Keys(c.ops)) {
		c.find("operation %s: %d decisions are missing", op, c.ops[op])
	}
	return nil
}

// page checks profiles and returns how many members the customers have whose ids
// were made for them.
func (c *checker) page(page []*crm.Profile) (int, error) {
	keys, at := make([]crm.ProfileKey, len(page)), make([]crm.CustomerID, len(page))
	for i, p := range page {
		keys[i], at[i] = p.ProfileKey, p.Customer
	}
	made, err1 := c.r.HomeIDs(c.ctx, keys...)
	names, err2 := c.r.Homes(c.ctx, at...) // whom the customers are named after
	logs, err3 := c.r.Links(c.ctx, keys...)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return 0, err
		}
	}
	named, err := c.r.CustomersOf(c.ctx, names...)
	if err != nil {
		return 0, err
	}
	origins, err := c.r.Homes(c.ctx, made...)
	if err != nil {
		return 0, err
	}
	var whole []crm.CustomerID
	for i, p := range page {
		if origins[i] != p.ProfileKey {
			c.find("profile %s: the id that was made for it is that of %s", p.ProfileKey, origins[i])
		}
		if named[i] != p.Customer {
			c.find("profile %s: is in customer %s, which is named after %s, which is in %s", p.ProfileKey, p.Customer, names[i], named[i])
		}
		if made[i] == p.Customer {
			whole = append(whole, p.Customer)
		}
		c.log(p, logs[i])
	}
	if err := c.seniority(page, names); err != nil {
		return 0, err
	}
	members, err := c.r.Members(c.ctx, whole...)
	if err != nil {
		return 0, err
	}
	n := 0
	var belong []member
	for i, id := range whole {
		n += len(members[i])
		for _, k := range members[i] {
			if belong = append(belong, member{id, k}); len(belong) == 10*pageSize { // one customer may have many
				if err := c.members(belong); err != nil {
					return 0, err
				}
				belong = belong[:0]
			}
		}
	}
	return n, c.members(belong)
}

// member is a profile of a customer.
type member struct {
	of  crm.CustomerID
	key crm.ProfileKey
}

// members compares what profiles say of their customers with what the customers list.
func (c *checker) members(belong []member) error {
	keys := make([]crm.ProfileKey, len(belong))
	for i, m := range belong {
		keys[i] = m.key
	}
	in, err := c.r.CustomersOf(c.ctx, keys...)
	if err != nil {
		return err
	}
	for i, m := range belong {
		switch in[i] {
		case m.of:
		case "":
			c.find("customer %s: its member %s does not exist", m.of, m.key)
		default:
			c.find("customer %s: its member %s is in %s", m.of, m.key, in[i])
		}
	}
	return nil
}

// seniority: no profile of a customer is earlier than the profile it is named after.
func (c *checker) seniority(page []*crm.Profile, names []crm.ProfileKey) error {
	var others []crm.ProfileKey
	for i, p := range page {
		if names[i] != p.ProfileKey && !names[i].IsZero() {
			others = append(others, names[i])
		}
	}
	firsts, err := c.r.Profiles(c.ctx, others...)
	if err != nil {
		return err
	}
	for i, p := range page {
		switch {
		case names[i] == p.ProfileKey:
			continue
		case names[i].IsZero():
			c.find("profile %s: its customer %s is named after no profile", p.ProfileKey, p.Customer)
			continue
		}
		if first := firsts[0]; first == nil || crm.CompareSeniority(p, first) < 0 {
			c.find("customer %s: is named after %s, its member %s is earlier", p.Customer, names[i], p.ProfileKey)
		}
		firsts = firsts[1:]
	}
	return nil
}

// log replays the decisions about one profile, ticks them off their operations and compares
// where they lead with where the profile is.
func (c *checker) log(p *crm.Profile, log []crm.Link) {
	at := crm.CustomerID("")
	for i, l := range log {
		if l.Seq != int64(i+1) || (l.Kind == crm.LinkNew) != (i == 0) {
			c.find("profile %s: decision %d is number %d and of kind %s", p.ProfileKey, i+1, l.Seq, l.Kind)
		}
		if l.Kind == crm.LinkApart && l.Customer != at {
			c.find("profile %s: decision %d keeps apart the customer %q, and it is in %q", p.ProfileKey, l.Seq, l.Customer, at)
		}
		if l.Kind != crm.LinkNotMe {
			at = l.Customer
		}
		if l.Op != "" {
			left, met := c.ops[l.Op]
			if !met {
				left = l.OpLen
			}
			if left--; left == 0 {
				delete(c.ops, l.Op)
			} else {
				c.ops[l.Op] = left
			}
		}
	}
	if at != p.Customer {
		c.find("profile %s: is in %q, the last decision says %q", p.ProfileKey, p.Customer, at)
	}
}

// anchors: what exists once hangs where its anchor says.
func (c *checker) anchors() error {
	for _, k := range c.r.Kinds().All() {
		if !k.Unique {
			continue
		}
		for after := (crm.FactRef{}); ; {
			page, err := c.r.ScanFacts(c.ctx, crm.AllParts(), k.Name, after, pageSize)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			after = page[len(page)-1].Ref()
			keys := make([]crm.FactKey, len(page))
			for i, f := range page {
				keys[i] = f.Key
			}
			at, err := c.r.Anchors(c.ctx, keys...)
			if err != nil {
				return err
			}
			for i, f := range page {
				if at[i] != f.Subject {
					c.find("%s of %s: its anchor is %s", f.Key, f.Subject, at[i])
				}
			}
		}
	}
	return nil
}

// hold is a ticket that silences an address.
type hold struct {
	ticket crm.FactRef
	at     crm.Address
}

// holds: what tickets silence, and nothing else, is silent.
func (c *checker) holds() error {
	want := map[hold]bool{}
	reached := map[crm.CustomerID][]crm.Address{} // of the customers that have an unsolved ticket
	var page []crm.FactRef
	for f, err := range crm.FactsOfKind(c.ctx, c.r, crm.AllParts(), crm.KindTicket) {
		if err != nil {
			return err
		}
		if f.Subject.Profile.IsZero() || !f.Data.(*crm.Ticket).Unsolved() {
			continue
		}
		if page = append(page, f.Ref()); len(page) == pageSize {
			if err := c.silenced(page, reached, want); err != nil {
				return err
			}
			page = page[:0]
		}
	}
	if err := c.silenced(page, reached, want); err != nil {
		return err
	}
	for st, err := range crm.AddressStates(c.ctx, c.r, crm.AllParts()) {
		if err != nil {
			return err
		}
		for _, t := range st.Holds {
			if !want[hold{t, st.Address}] {
				c.find("ticket %s of %s holds an address that it is not about", t.Key, t.Subject)
			}
			delete(want, hold{t, st.Address})
		}
	}
	left := make([]hold, 0, len(want))
	for h := range want {
		left = append(left, h)
	}
	slices.SortFunc(left, func(a, b hold) int {
		if d := a.ticket.Compare(b.ticket); d != 0 {
			return d
		}
		return a.at.Compare(b.at)
	})
	for _, h := range left {
		c.find("ticket %s of %s leaves an address of its customer open", h.ticket.Key, h.ticket.Subject)
	}
	return nil
}

// silenced puts into want what unsolved tickets hold, and into reached the
// addresses of their customers, each of which is read once.
func (c *checker) silenced(tickets []crm.FactRef, reached map[crm.CustomerID][]crm.Address, want map[hold]bool) error {
	on := make([]crm.ProfileKey, len(tickets))
	for i, t := range tickets {
		on[i] = t.Subject.Profile
	}
	at, err := c.r.CustomersOf(c.ctx, on...)
	if err != nil {
		return err
	}
	var ids []crm.CustomerID
	for _, id := range at {
		if _, known := reached[id]; !known {
			reached[id] = nil
			ids = append(ids, id)
		}
	}
	members, err := c.r.Members(c.ctx, ids...)
	if err != nil {
		return err
	}
	profiles, err := c.r.Profiles(c.ctx, slices.Concat(members...)...)
	if err != nil {
		return err
	}
	for i, id := range ids {
		mine := profiles[:len(members[i])]
		profiles = profiles[len(members[i]):]
		var addrs []crm.Address
		for _, p := range mine {
			if p == nil {
				continue
			}
			for _, a := range p.Contacts {
				if !a.Masked && !slices.Contains(p.Disowned, a.Address) {
					addrs = append(addrs, a.Address)
				}
			}
		}
		slices.SortFunc(addrs, crm.Address.Compare)
		reached[id] = slices.Compact(addrs)
	}
	for i, t := range tickets {
		for _, a := range reached[at[i]] {
			want[hold{t, a}] = true
		}
	}
	return nil
}
