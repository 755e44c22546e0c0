package crm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
)

// Case H4: the id of an effect says nothing of its phone number to those who do
// not have the key, beside the part. The golden value is HMAC-SHA256 by another
// implementation.
func TestEffectIDsAreKeyed(t *testing.T) {
	phone := crm.OfAddress(crm.Address{Channel: crm.Phone, Value: "+905321234567"})
	ids := crmtest.IDs()
	id := ids.ID("campaign/spring", phone, crm.FactKey{}, "2025-03-01")
	require.EqualValues(t, "1c69a2302495dd944b0226928320ce9", id)
	require.NoError(t, id.Validate())
	require.Equal(t, phone.Part(), id.Part())
	require.Equal(t, id, ids.ID("campaign/spring", phone, crm.FactKey{}, "2025-03-01"), "deterministic")

	others, err := crm.NewEffectIDs(crmtest.Secret("of another installation"))
	require.NoError(t, err)
	other := others.ID("campaign/spring", phone, crm.FactKey{}, "2025-03-01")
	require.Equal(t, id[:3], other[:3], "the part is known to those who know the number")
	require.NotEqual(t, id, other)

	require.NotEqual(t, id, ids.ID("campaign/spring", phone, crm.FactKey{}, "2025-03-02"), "another occurrence")

	// No two lists of texts run into each other.
	a := ids.ID("a", phone, crm.FactKey{Kind: "b", Source: "c", ID: "d"}, "e")
	for _, b := range []crm.EffectID{
		ids.ID("a", phone, crm.FactKey{Kind: "bc", ID: "d"}, "e"),
		ids.ID("a", phone, crm.FactKey{Kind: "b", Source: "c"}, "de"),
		ids.ID("a", phone, crm.FactKey{Kind: "b", Source: "c\x01d"}, "e"),
	} {
		require.NotEqual(t, a, b)
	}
}

func BenchmarkEffectID(b *testing.B) {
	phone := crm.OfAddress(crm.Address{Channel: crm.Phone, Value: "+905321234567"})
	ids := crmtest.IDs()
	b.ReportAllocs()
	for b.Loop() {
		ids.ID("campaign/spring", phone, crm.FactKey{}, "2025-03-01")
	}
}
