package crm_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/rowjson"
)

// TestRowsAreReadPlainly finds that what most rows hold is read without encoding/json: what
// is not would still be read, several times slower.
func TestRowsAreReadPlainly(t *testing.T) {
	read := 0
	for _, k := range crm.BuiltIn().All() {
		example := k.Example()
		switch k.Name {
		case crm.KindOrder, crm.KindVisit, crm.KindTag, crm.KindConsent, crm.KindSuppression, crm.KindHold:
			data, err := crm.EncodeFactData(example)
			require.NoError(t, err)
			got := k.New()
			require.True(t, rowjson.Read(data, got), "%s: %s", k.Name, data)
			require.Equal(t, example, got)
			read++
		}
	}
	require.Equal(t, 6, read)
	now := time.Date(2025, 3, 2, 18, 30, 15, 123456000, time.UTC)
	for _, row := range []any{
		&crm.Profile{ProfileKey: crm.ProfileKey{Source: "web", ID: "1"}, Kind: crm.Person, Name: crm.Name{Given: "Şule", Family: "Ünal"}, Birth: "1980-05", Prefers: []crm.Channel{crm.Phone},
			Contacts: []crm.Contact{{Address: crm.Address{Channel: crm.Phone, Value: "+905320000001"}, Verified: true}}, Postal: crm.Postal{City: "İzmir", Country: "TR"},
			Attributes: map[string]string{"tier": "gold"}, Since: now, At: now, SourceVersion: 3, Disowned: []crm.Address{{Channel: crm.Phone, Value: "+905320000002"}}},
		&crm.Link{Profile: crm.ProfileKey{Source: "web", ID: "1"}, Customer: "c", Kind: crm.LinkMatched, Actor: "dedup", At: now, Seq: 2,
			Evidence: crm.Evidence{With: crm.ProfileKey{Source: "erp", ID: "2"}, Weight: 17.25, Fields: []string{"phone"}, Steps: []crm.EvidenceStep{{What: "phone equal", Bits: 12.5}}}},
		&[]crm.Reason{{Guard: "consent", Pass: true, Note: "given"}},
		&[]crm.GuardRead{{Record: "address", Version: 4}},
	} {
		data, err := json.Marshal(row)
		require.NoError(t, err)
		got := reflect.New(reflect.TypeOf(row).Elem()).Interface()
		require.True(t, rowjson.Read(data, got), string(data))
		require.Equal(t, row, got)
	}
}
