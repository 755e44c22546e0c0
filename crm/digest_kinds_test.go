package crm_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// Case A17: facts of a host's own kind, and of kinds that engines add, are in the
// digest.
func TestDigestCoversEveryKind(t *testing.T) {
	s, _ := newService(t)
	a := pos("1")
	require.NoError(t, s.PutProfile(t.Context(), person(a, "Ali", "Kaya", t0, phone(1))))
	seen := map[string]crm.FactKind{digest(t, s): ""}
	for _, kind := range []crm.FactKind{"incident", "acme.warranty"} {
		for _, subject := range []crm.Subject{crm.OfProfile(a), crm.OfAddress(phone(2))} {
			f := &crm.Fact{Key: crm.FactKey{Kind: kind, Source: "erp", ID: "1"}, Subject: subject, At: t0, Version: 1, Data: &crm.Custom{JSON: []byte(`{"a":1}`)}}
			for range 2 { // delivered, and changed
				require.NoError(t, s.Record(t.Context(), f))
				d := digest(t, s)
				require.NotContains(t, seen, d, "%s of %s is not in the digest", kind, subject)
				seen[d] = kind
				f.Version, f.Data = 2, &crm.Custom{JSON: []byte(`{"a":2}`)}
			}
		}
	}
}

// Case A17: generated ids are not in the digest, and which profile's id a customer
// bears is.
func TestDigestSeesWhoseIDACustomerBears(t *testing.T) {
	var digests [3]string
	for i := range digests {
		s, _ := newService(t)
		var b crm.Batch
		for j := range 2 {
			b.Profiles = append(b.Profiles, person(pos(fmt.Sprint(j)), "Ali", "Kaya", t0, phone(j)))
		}
		if i == 1 { // ids in another order
			b.Profiles[0], b.Profiles[1] = b.Profiles[1], b.Profiles[0]
		}
		for _, p := range b.Profiles {
			require.NoError(t, s.PutProfile(t.Context(), p))
		}
		if i < 2 {
			requireMerge(t, s, pos("0"), pos("1"))
		} else { // the other way round, which no verb does
			require.NoError(t, s.Store().Update(t.Context(), func(tx crm.Tx) error {
				ids, err := tx.CustomersOf(t.Context(), pos("1"))
				if err != nil {
					return err
				}
				return tx.AppendLinks(t.Context(), &crm.Link{Profile: pos("0"), Customer: ids[0], Kind: crm.LinkManual, At: t0})
			}))
		}
		digests[i] = digest(t, s)
	}
	require.Equal(t, digests[0], digests[1])
	require.NotEqual(t, digests[0], digests[2])
}
