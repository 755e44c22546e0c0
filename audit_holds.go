package vefa

import (
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// silent: each unsolved ticket holds each address of its customer. One that
// does not would let messages through unseen, so it counts as if it had.
func (a *audit) silent() error {
	reached := map[crm.CustomerID][]map[crm.FactRef]bool{} // read once per customer
	for f, err := range crm.FactsOfKind(a.ctx, a.r, crm.AllParts(), crm.KindTicket) {
		if err != nil {
			return err
		}
		if !f.Data.(*crm.Ticket).Unsolved() {
			continue
		}
		id := a.now[f.Subject.Profile]
		held, ok := reached[id]
		if !ok {
			if held, err = a.held(id); err != nil {
				return err
			}
			reached[id] = held
		}
		for _, h := range held {
			if !h[f.Ref()] {
				a.report.find(&a.report.SentToOpenTicket, "ticket %s leaves an address of its customer open", f.Key)
			}
		}
	}
	return nil
}

// held returns, per address that a customer is reached at, the tickets that
// hold it.
func (a *audit) held(id crm.CustomerID) ([]map[crm.FactRef]bool, error) {
	members, err := a.r.Members(a.ctx, id)
	if err != nil {
		return nil, err
	}
	profiles, err := a.r.Profiles(a.ctx, members[0]...)
	if err != nil {
		return nil, err
	}
	var addrs []crm.Address
	for _, p := range profiles {
		for _, c := range p.Contacts {
			if !c.Masked && !slices.Contains(p.Disowned, c.Address) {
				addrs = append(addrs, c.Address)
			}
		}
	}
	slices.SortFunc(addrs, crm.Address.Compare)
	addrs = slices.Compact(addrs)
	states, err := a.r.Addresses(a.ctx, addrs...)
	if err != nil {
		return nil, err
	}
	out := make([]map[crm.FactRef]bool, len(states))
	for i, st := range states {
		out[i] = make(map[crm.FactRef]bool, len(st.Holds))
		for _, t := range st.Holds {
			out[i][t] = true
		}
	}
	return out, nil
}
