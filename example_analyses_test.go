package vefa_test

import (
	"context"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/crm/memstore"
)

// From the record to the analyses: crm/cohort, basket, cube, value and warning know no record. They are given what was
// bought, with customers and orders numbered from 0, in one currency, without what was cancelled or came back.
func Example_analyses() {
	ctx, store := context.Background(), memstore.New()
	day := func(month time.Month, d int) time.Time { return time.Date(2025, month, d, 12, 0, 0, 0, time.UTC) }
	order := func(customer, number string, at time.Time, total crm.Money) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Source: "till", ID: number}, Subject: crm.OfProfile(crm.ProfileKey{Source: "till", ID: customer}), At: at, Place: "moda",
			Data: &crm.Order{Number: number, Total: total}}
	}
	_, err := crm.New(store, crm.Config{}).Import(ctx, crm.Batch{
		Profiles: []*crm.Profile{{ProfileKey: crm.ProfileKey{Source: "till", ID: "ayse"}}, {ProfileKey: crm.ProfileKey{Source: "till", ID: "can"}}},
		Facts: []*crm.Fact{
			order("ayse", "1", day(1, 5), crm.Money{Amount: 129900, Currency: "TRY"}),
			order("ayse", "2", day(2, 9), crm.Money{Amount: 2500, Currency: "EUR"}),
			order("can", "3", day(1, 20), crm.Money{Amount: 50000, Currency: "TRY"}),
		}})
	if err != nil {
		fmt.Println(err)
		return
	}

	var sales []cohort.Sale
	err = store.View(ctx, func(r crm.Reader) error {
		var orders []*crm.Fact
		var subjects []crm.Subject
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindOrder) {
			if err != nil {
				return err
			}
			if o := f.Data.(*crm.Order); o.Status != crm.OrderCancelled && !o.IsReturn() {
				orders, subjects = append(orders, f), append(subjects, f.Subject)
			}
		}
		owners, err := crm.Owners(ctx, r, subjects...) // an order may hang on another record
		if err != nil {
			return err
		}
		profiles := make([]crm.ProfileKey, len(owners))
		for i, o := range owners {
			profiles[i] = o.Profile
		}
		customers, err := r.CustomersOf(ctx, profiles...) // who the profile is now, after merges and splits
		if err != nil {
			return err
		}
		numbers := map[crm.CustomerID]uint32{}
		for i, f := range orders {
			if customers[i] == "" { // on no profile that is there
				continue
			}
			n, ok := numbers[customers[i]]
			if !ok {
				n = uint32(len(numbers))
				numbers[customers[i]] = n
			}
			amount := f.Data.(*crm.Order).Total
			if amount.Currency == "EUR" {
				amount = crm.Money{Amount: amount.Amount * 40, Currency: "TRY"} // as Config.Rate
			}
			sales = append(sales, cohort.Sale{Customer: n, Order: uint32(i), At: f.At.Unix(), Amount: amount.Amount})
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	table, err := cohort.New(sales, cohort.Options{Until: day(3, 1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, cell := range table.Cohorts[0].Cells {
		fmt.Println("month", i, "of", table.Cohorts[0].Size, "customers", cell.Customers, "bought for", crm.Money{Amount: cell.Amount, Currency: "TRY"})
	}
	// Output:
	// month 0 of 2 customers 2 bought for 1799.00 TRY
	// month 1 of 2 customers 1 bought for 1000.00 TRY
	// month 2 of 2 customers 0 bought for 0.00 TRY
}
