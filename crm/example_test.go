package crm_test

import (
	"context"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// Two sources know the same person. A link decision makes them one customer,
// another one takes it back; nothing that the sources said is changed.
func Example() {
	ctx := context.Background()
	noon := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	svc := crm.New(memstore.New(), crm.Config{Now: func() time.Time { return noon }})
	till, web := crm.ProfileKey{Source: "till", ID: "4711"}, crm.ProfileKey{Source: "web", ID: "a-1"}
	phone := crm.Address{Channel: crm.Phone, Value: "+905321234567"}

	rep, err := svc.Import(ctx, crm.Batch{
		Profiles: []*crm.Profile{
			{ProfileKey: till, At: noon, Name: crm.Name{Given: "Ayşe", Family: "Yılmaz"}, Contacts: []crm.Contact{{Address: phone}}},
			{ProfileKey: web, At: noon.Add(time.Hour), Name: crm.Name{Given: "AYSE", Family: "YILMAZ"}, Birth: "1980-05-12"},
		},
		Facts: []*crm.Fact{{
			Key: crm.FactKey{Kind: crm.KindOrder, Source: "till", ID: "2025-118"}, Subject: crm.OfProfile(till), At: noon,
			Data: &crm.Order{Number: "2025-118", Channel: "store", Total: crm.Money{Amount: 129900, Currency: "TRY"}},
		}},
	})
	if err != nil || len(rep.Rejected) > 0 {
		fmt.Println(err, rep.Rejected)
		return
	}
	merged, err := svc.Merge(ctx, "desk", crm.Evidence{Note: "she said so"}, till, web)
	if err != nil {
		fmt.Println(err)
		return
	}
	one, err := svc.CustomerOf(ctx, web)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(one.Profiles), "profiles; born", one.Birth, "says", one.Origin["birth"])

	// By the last digits of the order and the surname, however it is typed.
	for hit, err := range svc.Find(ctx, crm.Query{Suffix: "118", Surname: "yilmaz"}) {
		fmt.Println(hit.Fact, hit.Customer == one.ID, err)
	}

	// They are mother and daughter: the merge is taken back.
	if _, err := svc.Undo(ctx, "desk", merged...); err != nil {
		fmt.Println(err)
		return
	}
	again, err := svc.CustomerOf(ctx, till)
	fmt.Println(len(again.Profiles), "profile, born", again.Birth == "", err)

	// And linkage is told so, however alike they are.
	kept, err := svc.KeepApart(ctx, "desk", crm.Evidence{Note: "mother and daughter"}, till, web)
	fmt.Println(len(kept), "decisions", err)
	// Output:
	// 2 profiles; born 1980-05-12 says web/a-1
	// order/till/2025-118 true <nil>
	// 1 profile, born true <nil>
	// 2 decisions <nil>
}

// A handler of the change feed commits with its position: it sees each change
// once, however often it is stopped.
func ExampleFeed() {
	ctx := context.Background()
	store := memstore.New()
	svc := crm.New(store, crm.Config{Now: func() time.Time { return time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC) }})
	for _, id := range []string{"1", "2"} {
		if err := svc.PutProfile(ctx, &crm.Profile{ProfileKey: crm.ProfileKey{Source: "till", ID: id}}); err != nil {
			fmt.Println(err)
			return
		}
	}
	seen := map[string]bool{}
	feed := &crm.Feed{Store: store, Consumer: "example", Handler: func(_ context.Context, _ crm.Tx, changes []crm.Change) error {
		for _, c := range changes {
			seen[c.Subject.Profile.String()] = true
		}
		return nil
	}}
	for {
		n, err := feed.RunOnce(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		if n == 0 {
			break
		}
	}
	fmt.Println(seen)
	// Output: map[till/1:true till/2:true]
}
