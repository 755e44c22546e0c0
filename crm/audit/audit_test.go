package audit_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/audit"
	"github.com/vefacrm/vefa/crm/memstore"
)

// liar is a Reader that says something else than the record where a field is set.
type liar struct {
	crm.Reader
	members     func([][]crm.ProfileKey)
	customersOf func([]crm.ProfileKey, []crm.CustomerID)
	homes       func([]crm.ProfileKey)
	profiles    func([]*crm.Profile)
	links       func([][]crm.Link)
	anchors     func([]crm.Subject)
	states      func([]*crm.AddressState) []*crm.AddressState
}

func (l liar) Members(ctx context.Context, ids ...crm.CustomerID) ([][]crm.ProfileKey, error) {
	out, err := l.Reader.Members(ctx, ids...)
	if l.members != nil {
		l.members(out)
	}
	return out, err
}

func (l liar) CustomersOf(ctx context.Context, keys ...crm.ProfileKey) ([]crm.CustomerID, error) {
	out, err := l.Reader.CustomersOf(ctx, keys...)
	if l.customersOf != nil {
		l.customersOf(keys, out)
	}
	return out, err
}

func (l liar) Homes(ctx context.Context, ids ...crm.CustomerID) ([]crm.ProfileKey, error) {
	out, err := l.Reader.Homes(ctx, ids...)
	if l.homes != nil {
		l.homes(out)
	}
	return out, err
}

func (l liar) Profiles(ctx context.Context, keys ...crm.ProfileKey) ([]*crm.Profile, error) {
	out, err := l.Reader.Profiles(ctx, keys...)
	if l.profiles != nil {
		l.profiles(out)
	}
	return out, err
}

func (l liar) ScanProfiles(ctx context.Context, parts crm.PartRange, after crm.ProfileKey, limit int) ([]*crm.Profile, error) {
	out, err := l.Reader.ScanProfiles(ctx, parts, after, limit)
	if l.profiles != nil {
		l.profiles(out)
	}
	return out, err
}

func (l liar) Links(ctx context.Context, keys ...crm.ProfileKey) ([][]crm.Link, error) {
	out, err := l.Reader.Links(ctx, keys...)
	if l.links != nil {
		l.links(out)
	}
	return out, err
}

func (l liar) Anchors(ctx context.Context, keys ...crm.FactKey) ([]crm.Subject, error) {
	out, err := l.Reader.Anchors(ctx, keys...)
	if l.anchors != nil {
		l.anchors(out)
	}
	return out, err
}

func (l liar) ScanAddresses(ctx context.Context, parts crm.PartRange, after crm.Address, limit int) ([]*crm.AddressState, error) {
	out, err := l.Reader.ScanAddresses(ctx, parts, after, limit)
	if l.states != nil {
		out = l.states(out)
	}
	return out, err
}

// TestEachContradictionIsFound: a record that holds has no violation, and one that
// contradicts itself in one place has one of that kind.
func TestEachContradictionIsFound(t *testing.T) {
	day := time.Date(2025, 3, 1, 9, 0, 0, 0, time.UTC)
	key := func(id string) crm.ProfileKey { return crm.ProfileKey{Source: "pos", ID: id} }
	store := memstore.New()
	svc := crm.New(store, crm.Config{Now: func() time.Time { return day }})
	var b crm.Batch
	for i, id := range []string{"a", "b", "c"} {
		b.Profiles = append(b.Profiles, &crm.Profile{ProfileKey: key(id), At: day, Since: day.AddDate(0, 0, i-9), Name: crm.Name{Given: "Ada", Family: "Kaya"},
			Contacts: []crm.Contact{{Address: crm.Address{Channel: crm.Phone, Value: "+90532000000" + string(rune('1'+i))}}}})
	}
	b.Facts = []*crm.Fact{
		{Key: crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: "o1"}, Subject: crm.OfProfile(key("c")), At: day, Version: 1, Data: &crm.Order{Number: "o1", Status: crm.OrderPlaced}},
		{Key: crm.FactKey{Kind: crm.KindTicket, Source: "pos", ID: "t1"}, Subject: crm.OfProfile(key("a")), At: day, Version: 1, Data: &crm.Ticket{Title: "strap", State: crm.TicketOpen, Opened: day}},
	}
	rep, err := svc.Import(t.Context(), b)
	require.NoError(t, err)
	require.Empty(t, rep.Rejected)
	_, err = svc.Merge(t.Context(), "desk", crm.Evidence{}, key("a"), key("b"))
	require.NoError(t, err)

	every := func(change func(*crm.Profile)) func([]*crm.Profile) {
		return func(ps []*crm.Profile) {
			for i, p := range ps {
				if p != nil {
					ps[i] = p.Clone()
					change(ps[i])
				}
			}
		}
	}
	for name, c := range map[string]struct {
		lie  liar
		says string // "": nothing is found
	}{
		"nothing": {},
		"a member is missing": {liar{members: func(ms [][]crm.ProfileKey) {
			for i := range ms {
				ms[i] = slices.DeleteFunc(ms[i], func(k crm.ProfileKey) bool { return k == key("b") })
			}
		}}, "3 profiles, and customers have 2 members"},
		"a member is in another customer": {liar{members: func(ms [][]crm.ProfileKey) {
			for i := range ms {
				if slices.Contains(ms[i], key("a")) {
					ms[i] = append(slices.Clone(ms[i]), key("c"))
				}
			}
		}}, "its member pos/c is in "},
		"a member does not exist": {liar{members: func(ms [][]crm.ProfileKey) {
			for i := range ms {
				if slices.Contains(ms[i], key("a")) {
					ms[i] = append(slices.Clone(ms[i]), key("x"))
				}
			}
		}}, "its member pos/x does not exist"},
		"a later profile gives the name": {liar{profiles: every(func(p *crm.Profile) {
			if p.ProfileKey == key("a") {
				p.Since = day.AddDate(1, 0, 0)
			}
		})}, "is named after pos/a, its member pos/b is earlier"},
		"a profile says another customer": {liar{profiles: every(func(p *crm.Profile) {
			if p.ProfileKey == key("c") {
				p.Customer = "elsewhere"
			}
		})}, "profile pos/c: is in customer elsewhere, which is named after"},
		"the customer of a home": {liar{customersOf: func(keys []crm.ProfileKey, ids []crm.CustomerID) {
			for i, k := range keys {
				if k == key("a") {
					ids[i] = "elsewhere"
				}
			}
		}}, "which is named after pos/a, which is in elsewhere"},
		"an id of another profile": {liar{homes: func(ks []crm.ProfileKey) {
			for i, k := range ks {
				if k == key("c") {
					ks[i] = key("a")
				}
			}
		}}, "the id that was made for it is that of pos/a"},
		"a decision is missing": {liar{links: func(all [][]crm.Link) {
			for i, log := range all {
				if len(log) > 1 {
					all[i] = log[:1]
				}
			}
		}}, "the last decision says"},
		"half of an operation": {liar{links: func(all [][]crm.Link) {
			for i, log := range all {
				all[i] = slices.Clone(log)
				for j := range all[i] {
					if all[i][j].Op != "" {
						all[i][j].OpLen++
					}
				}
			}
		}}, "1 decisions are missing"},
		"an anchor": {liar{anchors: func(at []crm.Subject) {
			for i := range at {
				at[i] = crm.OfProfile(key("b"))
			}
		}}, "its anchor is "},
		"a hold is missing": {liar{states: func(all []*crm.AddressState) []*crm.AddressState {
			out := slices.Clone(all)
			for i, st := range out {
				free := *st
				free.Holds = nil
				out[i] = &free
			}
			return out
		}}, "leaves an address of its customer open"},
		"a hold too many": {liar{states: func(all []*crm.AddressState) []*crm.AddressState {
			out := slices.Clone(all)
			for i, st := range out {
				held := *st
				held.Holds = append(slices.Clone(st.Holds), crm.FactRef{Subject: crm.OfProfile(key("c")), Key: crm.FactKey{Kind: crm.KindTicket, Source: "pos", ID: "t9"}})
				out[i] = &held
			}
			return out
		}}, "holds an address that it is not about"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
				c.lie.Reader = r
				got, err := audit.Record(t.Context(), c.lie)
				require.NoError(t, err)
				if c.says == "" {
					require.Equal(t, audit.Report{}, got)
					return nil
				}
				require.Positive(t, got.Violations)
				require.Len(t, got.Findings, got.Violations)
				require.Condition(t, func() bool {
					return slices.ContainsFunc(got.Findings, func(f string) bool { return strings.Contains(f, c.says) })
				}, "%q", got.Findings)
				return nil
			}))
		})
	}
}
