package memstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// A host's test can use the store without a Service, and look at what was
// written.
func Example() {
	ctx := context.Background()
	store := memstore.New()
	key := crm.ProfileKey{Source: "till", ID: "42"}

	err := store.Update(ctx, func(tx crm.Tx) error {
		if err := tx.PutProfiles(ctx, &crm.Profile{ProfileKey: key, Name: crm.Name{Given: "Işıl", Family: "Çağrı"}}); err != nil {
			return err
		}
		_, err := tx.PutFacts(ctx, &crm.Fact{
			Key: crm.FactKey{Kind: crm.KindNote, Source: "desk", ID: "1"}, Subject: crm.OfProfile(key),
			At: time.Date(2025, 3, 1, 18, 30, 0, 0, time.UTC), Data: &crm.Note{Text: "18 mm"},
		})
		return err
	})
	fmt.Println(err)

	err = store.View(ctx, func(r crm.Reader) error {
		facts, err := r.FactsOf(ctx, crm.FactQuery{Subjects: []crm.Subject{crm.OfProfile(key)}})
		for _, f := range facts {
			fmt.Println(f.Subject, f.Key, f.Data.(*crm.Note).Text)
		}
		return err
	})
	fmt.Println(err)
	// Output:
	// <nil>
	// till/42 note/desk/1 18 mm
	// <nil>
}

// An Update that fails leaves nothing behind.
func ExampleStore_Update() {
	ctx := context.Background()
	store := memstore.New()
	key := crm.ProfileKey{Source: "till", ID: "42"}

	err := store.Update(ctx, func(tx crm.Tx) error {
		if err := tx.PutProfiles(ctx, &crm.Profile{ProfileKey: key}); err != nil {
			return err
		}
		return fmt.Errorf("the till said no")
	})
	fmt.Println(err)
	_ = store.View(ctx, func(r crm.Reader) error {
		profiles, err := r.Profiles(ctx, key)
		fmt.Println(profiles[0] == nil)
		return err
	})
	// Output:
	// the till said no
	// true
}
