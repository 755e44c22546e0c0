package dbtest

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// counted is a store that counts the calls in its transactions that read or write
// members, decisions, profiles and refs, and how many records they are about.
type counted struct {
	crm.Store
	calls, records int
}

type countedTx struct {
	crm.Tx
	c *counted
}

func (c *counted) Update(ctx context.Context, fn func(crm.Tx) error) error {
	return c.Store.Update(ctx, func(tx crm.Tx) error { return fn(&countedTx{tx, c}) })
}

func (t *countedTx) count(n int) {
	t.c.calls++
	t.c.records += n
}

func (t *countedTx) Profiles(ctx context.Context, keys ...crm.ProfileKey) ([]*crm.Profile, error) {
	t.count(len(keys))
	return t.Tx.Profiles(ctx, keys...)
}

func (t *countedTx) CustomersOf(ctx context.Context, keys ...crm.ProfileKey) ([]crm.CustomerID, error) {
	t.count(len(keys))
	return t.Tx.CustomersOf(ctx, keys...)
}

func (t *countedTx) Members(ctx context.Context, ids ...crm.CustomerID) ([][]crm.ProfileKey, error) {
	out, err := t.Tx.Members(ctx, ids...)
	n := len(ids)
	for _, m := range out {
		n += len(m)
	}
	t.count(n)
	return out, err
}

func (t *countedTx) HomeIDs(ctx context.Context, keys ...crm.ProfileKey) ([]crm.CustomerID, error) {
	t.count(len(keys))
	return t.Tx.HomeIDs(ctx, keys...)
}

func (t *countedTx) Homes(ctx context.Context, ids ...crm.CustomerID) ([]crm.ProfileKey, error) {
	t.count(len(ids))
	return t.Tx.Homes(ctx, ids...)
}

func (t *countedTx) LockCustomers(ctx context.Context, ids ...crm.CustomerID) error {
	t.count(len(ids))
	return t.Tx.LockCustomers(ctx, ids...)
}

func (t *countedTx) LockAddresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	t.count(len(addrs))
	return t.Tx.LockAddresses(ctx, addrs...)
}

func (t *countedTx) Links(ctx context.Context, keys ...crm.ProfileKey) ([][]crm.Link, error) {
	out, err := t.Tx.Links(ctx, keys...)
	n := len(keys)
	for _, l := range out {
		n += len(l)
	}
	t.count(n)
	return out, err
}

func (t *countedTx) AppendLinks(ctx context.Context, links ...*crm.Link) error {
	t.count(len(links))
	return t.Tx.AppendLinks(ctx, links...)
}

func (t *countedTx) FactsOf(ctx context.Context, q crm.FactQuery) ([]*crm.Fact, error) {
	t.count(len(q.Subjects))
	return t.Tx.FactsOf(ctx, q)
}

func (t *countedTx) Refs(ctx context.Context, kind crm.RefKind, limit int, keys ...string) ([][]crm.Ref, error) {
	out, err := t.Tx.Refs(ctx, kind, limit, keys...)
	n := len(keys)
	for _, r := range out {
		n += len(r)
	}
	t.count(n)
	return out, err
}

// Case A12: records that share a phone, with a ticket, are merged and parted again
// with as many calls whatever their number, which are about twice as many records
// where there are twice as many. The times are told, not judged.
func TestMergeGrowsWithItsRecords(t *testing.T) {
	sizes := []int{500, 1000, 2000}
	if os.Getenv("VEFA_LONG") != "" {
		sizes = []int{2000, 4000, 8000}
	}
	onEach(t, func(t *testing.T, d database) {
		type cost struct{ calls, records int }
		costs := map[string][]cost{}
		for _, n := range sizes {
			d.cfg.Tenant = strconv.Itoa(n)
			c := &counted{Store: d.store()}
			svc := crm.New(c, crm.Config{Now: func() time.Time { return day.AddDate(1, 0, 0) }})
			var b crm.Batch
			keys := make([]crm.ProfileKey, n)
			for i := range keys {
				p := person(i)
				p.Contacts = []crm.Contact{{Address: phone(0)}}
				keys[i] = p.ProfileKey
				b.Profiles = append(b.Profiles, p)
			}
			rep, err := svc.Import(t.Context(), b)
			require.NoError(t, err)
			require.Equal(t, n, rep.Profiles)
			_, err = svc.OpenTicket(t.Context(), keys[0], "desk", "1", crm.Ticket{Title: "x"})
			require.NoError(t, err)
			measure := func(verb string, do func() ([]crm.Link, error), want int) []crm.Link {
				t.Helper()
				c.calls, c.records = 0, 0
				start := time.Now()
				links, err := do()
				require.NoError(t, err, verb)
				require.Len(t, links, want, verb)
				t.Logf("%s of %d: %v, %d calls about %d records", verb, n, time.Since(start).Round(time.Millisecond), c.calls, c.records)
				costs[verb] = append(costs[verb], cost{c.calls, c.records})
				return links
			}
			merged := measure("merge", func() ([]crm.Link, error) { return svc.Merge(t.Context(), "desk", crm.Evidence{}, keys...) }, n-1)
			measure("undo", func() ([]crm.Link, error) { return svc.Undo(t.Context(), "desk", merged...) }, n)
		}
		for verb, c := range costs {
			for i := range c[1:] {
				// Facts are read by pages of subjects: a few calls more.
				require.LessOrEqual(t, c[i+1].calls, c[i].calls+sizes[i+1]/500, "%s of %d", verb, sizes[i+1])
				require.LessOrEqual(t, c[i+1].records, 2*c[i].records+100, "%s of %d", verb, sizes[i+1])
			}
		}
	})
}
