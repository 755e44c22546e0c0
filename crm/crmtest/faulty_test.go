package crmtest

import (
	"context"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// TestFaultyCallsAll: every method of a transaction asks for the fault first. A
// method that was added to crm.Tx and not to faultyTx meets the nil behind it.
func TestFaultyCallsAll(t *testing.T) {
	tx := reflect.TypeFor[crm.Tx]()
	for i := range tx.NumMethod() {
		m := tx.Method(i)
		if m.Name == "Kinds" { // cannot fail
			continue
		}
		f := NewFaulty(nil)
		f.Fail(Fault{Where: Inside, N: 1})
		v := reflect.ValueOf(&faultyTx{store: f}).MethodByName(m.Name)
		args := make([]reflect.Value, 0, m.Type.NumIn())
		for j := range m.Type.NumIn() {
			if m.Type.IsVariadic() && j == m.Type.NumIn()-1 {
				break
			}
			args = append(args, reflect.Zero(m.Type.In(j)))
		}
		out := v.Call(args)
		require.Equal(t, ErrFault, out[len(out)-1].Interface(), m.Name)
		require.Equal(t, 1, f.Heal(), m.Name)
	}
}

// TestFaultyPlaces: what is kept at each of the places.
func TestFaultyPlaces(t *testing.T) {
	for where, want := range map[Where]struct{ ran, kept bool }{Before: {false, false}, Inside: {true, false}, After: {true, false}, Lost: {true, true}} {
		t.Run(where.String(), func(t *testing.T) {
			store := memstore.New()
			f := NewFaulty(store)
			f.Fail(Fault{Where: where, N: 1})
			ran := false
			put := func(tx crm.Tx) error {
				ran = true
				return tx.PutDocuments(t.Context(), &crm.Document{Kind: "x", ID: "1", Data: []byte("1")})
			}
			require.ErrorIs(t, f.Update(t.Context(), put), ErrFault)
			require.Equal(t, want.ran, ran)
			kept := false
			require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
				docs, err := r.Documents(t.Context(), "x", "1")
				kept = err == nil && docs[0] != nil
				return err
			}))
			require.Equal(t, want.kept, kept)
			require.Equal(t, 1, f.Heal())
			require.NoError(t, f.View(context.Background(), func(crm.Reader) error { return nil }))
		})
	}
}
