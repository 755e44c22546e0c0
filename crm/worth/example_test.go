package worth_test

import (
	"fmt"

	"github.com/vefacrm/vefa/crm/worth"
)

func ExampleNew() {
	module, err := worth.New(worth.Config{Discount: 0.1, Costs: 0.6})
	if err != nil {
		fmt.Println(err)
		return
	}
	// vefa.New(vefa.Config{Modules: []crm.Module{module}, …}) lets rules say:
	//
	//	PAlive < 0.3 and WorthNext12 > 1000
	for _, f := range module.Fields {
		fmt.Printf("%s: %s\n", f.Name, f.Doc)
	}
	// Output:
	// PAlive: probability that the customer still buys, 0 to 1
	// OrdersNext12: days with a purchase expected in the next 12 months
	// OrdersLow12: lower bound of the number of days with a purchase in the next 12 months
	// OrdersHigh12: upper bound of the number of days with a purchase in the next 12 months
	// WorthNext12: what the purchases expected in the next 12 months are worth today, after costs
	// WorthLow12: WorthNext12 with as few purchases as OrdersLow12
	// WorthHigh12: WorthNext12 with as many purchases as OrdersHigh12
	// NextPurchase: noon of the day on which the next purchase is expected, by the customer's own gaps and those of all
	// DaysOverdue: since NextPurchase; below 0 while it is to come
	// RFM: recency, frequency and monetary value of the last night's quantiles, 5 best: 5-4-3
	// RFMRecency: the first of RFM
	// RFMFrequency: the second of RFM
	// RFMMonetary: the third of RFM
	// Loyalty: prospect, new, active, waiting, passive, captive or gone
	// LifeChange: category of which the customer began to buy more, for as long as that may be believed
	// LifeChangeAt: when that began
	// LifeChangeUntil: until when it may be believed at the latest, if nothing more is seen of it
	// LifeChangeConfidence: that it is none by chance, 0 to 1
	// FavouriteBrand: of which the customer spends most, older amounts counting less
	// FavouriteBrandShare: its share of what is known to be spent on brands, 0 to 1
	// FavouriteCategory: of which the customer spends most, older amounts counting less
	// FavouriteCategoryShare: its share of what is known to be spent on categories, 0 to 1
}
