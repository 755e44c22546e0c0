package crm_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// parcel is a host's content.
type parcel struct {
	Tracking string            `json:"tracking"`
	Sent     time.Time         `json:"sent,omitzero"`
	Stops    []stop            `json:"stops,omitempty"`
	Owner    *stop             `json:"owner,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	Weight   int               `json:"weight"`
}

type stop struct {
	Name string    `json:"name"`
	At   time.Time `json:"at,omitzero"`
}

func (p *parcel) Validate() error {
	if p.Tracking == "" {
		return &crm.FieldError{Field: "tracking", Msg: "must be set"}
	}
	return nil
}

func parcelKind() crm.Kind {
	return crm.Kind{
		Name: "acme.parcel", New: func() crm.FactData { return new(parcel) }, Subject: crm.OnProfile, Unique: true,
		Table: "parcels", Columns: []crm.Column{crm.ColumnOf("tracking", func(p *parcel) string { return p.Tracking })},
		Example: func() crm.FactData { return &parcel{Tracking: "T1", Weight: 3} },
	}
}

// TestKindFaults holds that whatever is forgotten in a description is said.
func TestKindFaults(t *testing.T) {
	_, err := crm.NewKinds(parcelKind())
	require.NoError(t, err)
	for want, spoil := range map[string]func(*crm.Kind){
		"name": func(k *crm.Kind) { k.Name = "" },
		"is there already": func(k *crm.Kind) {
			*k = *crm.BuiltIn().Of(crm.KindNote)
			k.New = func() crm.FactData { return new(crm.Note) }
		},
		"must be set":             func(k *crm.Kind) { k.New = nil },
		"and example":             func(k *crm.Kind) { k.Example = nil },
		"hang on":                 func(k *crm.Kind) { k.Subject = 0 },
		"pointer to a struct":     func(k *crm.Kind) { k.New = func() crm.FactData { return (*parcel)(nil) } },
		"is a *crm.Note":          func(k *crm.Kind) { k.Example = func() crm.FactData { return &crm.Note{Text: "x"} } },
		"example of kind":         func(k *crm.Kind) { k.Example = func() crm.FactData { return new(parcel) } },
		"set Unique":              func(k *crm.Kind) { k.Unique = false; k.Index = func(*crm.Fact, func(crm.RefKind, string, int64)) {} },
		"set Table":               func(k *crm.Kind) { k.Table = "" },
		"small letters":           func(k *crm.Kind) { k.Table = "Parcels" },
		"usable name \"version\"": func(k *crm.Kind) { k.Columns[0].Name = "version" },
		"ColumnOf did not make":   func(k *crm.Kind) { k.Columns[0].Text = nil },
		"that of kind \"order\"":  func(k *crm.Kind) { k.Table = "orders" },
		"panic": func(k *crm.Kind) {
			k.Columns[0] = crm.ColumnOf("weight", func(o *crm.Order) int64 { return 1 })
		},
	} {
		k := parcelKind()
		spoil(&k)
		_, err := crm.NewKinds(k)
		require.ErrorContains(t, err, want)
		svc := crm.New(memstore.New(), crm.Config{Kinds: []crm.Kind{k}})
		require.ErrorContains(t, svc.PutProfile(t.Context(), &crm.Profile{ProfileKey: pos("1")}), want)
		require.ErrorContains(t, memstore.New(k).View(t.Context(), func(crm.Reader) error { return nil }), want)
	}
	_, err = crm.NewKinds(parcelKind(), parcelKind())
	require.ErrorContains(t, err, "is there already")
	require.ErrorContains(t, err, "returns the type of kind")
}

// TestKindsOfServiceAndStore holds that who forgets to give a kind to the store or to
// the service hears it with the first fact.
func TestKindsOfServiceAndStore(t *testing.T) {
	one := func() *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: "acme.parcel", Source: "dhl", ID: "1"}, Subject: crm.OfProfile(pos("1")), At: t0, Version: 1, Data: &parcel{Tracking: "T1"}}
	}
	kinds := []crm.Kind{parcelKind()}
	require.ErrorContains(t, crm.New(memstore.New(), crm.Config{Kinds: kinds}).Record(t.Context(), one()), `have no "acme.parcel"`)
	require.ErrorContains(t, crm.New(memstore.New(kinds...), crm.Config{}).Record(t.Context(), one()), "is not described")
	svc := crm.New(memstore.New(kinds...), crm.Config{Kinds: kinds})
	require.NoError(t, svc.Record(t.Context(), one()))
	raw := one()
	raw.Data = &crm.Custom{JSON: []byte(`{}`)}
	require.ErrorContains(t, svc.Record(t.Context(), raw), "must have the type that kind")
	wrong := one()
	wrong.Subject = crm.OfAddress(phone(1))
	require.ErrorContains(t, svc.Record(t.Context(), wrong), "must be a profile")
}

// TestOddContentOfAHost holds that texts and times of a host's content that JSON
// changes are stored as JSON gives them back, and that the host's value stays as it
// was.
func TestOddContentOfAHost(t *testing.T) {
	far := time.Date(2025, 1, 2, 3, 4, 5, 0, time.FixedZone("LMT", 6976))
	given := &parcel{Tracking: "a\xffb", Sent: far, Stops: []stop{{"x\xfe", far}, {"y", t0}}, Owner: &stop{"z", far}, Labels: map[string]string{"k": "v\xff"}, Weight: 1}
	kinds := []crm.Kind{parcelKind()}
	store := memstore.New(kinds...)
	svc := crm.New(store, crm.Config{Kinds: kinds})
	f := &crm.Fact{Key: crm.FactKey{Kind: "acme.parcel", Source: "dhl", ID: "1"}, Subject: crm.OfProfile(pos("1")), At: t0, Version: 1, Data: given}
	for range 2 {
		require.NoError(t, svc.Record(t.Context(), f), "delivered again it is the same")
	}
	require.Equal(t, far, given.Stops[0].At, "the host's own is not changed")
	require.Equal(t, far, given.Owner.At)
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		facts, err := r.Facts(t.Context(), f.Ref())
		require.NoError(t, err)
		got := facts[0].Data.(*parcel)
		require.Equal(t, "a\ufffdb", got.Tracking)
		require.True(t, far.Equal(got.Sent) && far.Equal(got.Stops[0].At) && far.Equal(got.Owner.At))
		text, err := json.Marshal(got)
		require.NoError(t, err)
		require.True(t, json.Valid(text))
		return nil
	}))
}
