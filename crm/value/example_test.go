package value_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/crm/value"
)

// Four customers out of many like them, in weeks since each one's first purchase.
func Example() {
	var customers []value.Purchases
	for i := range 300 {
		customers = append(customers, []value.Purchases{
			{Repeats: 0, Last: 0, Age: 40}, // bought once
			{Repeats: 2, Last: 3, Age: 38}, // twice again, and never since
			{Repeats: 1, Last: 10, Age: 35 + float64(i%5)},
			{Repeats: 6, Last: 33, Age: 36}, // still buys
		}[i%4])
	}
	s, err := value.Condense(slices.Values(customers))
	if err != nil {
		fmt.Println(err)
		return
	}
	m, fit, err := value.FitBGNBD(context.Background(), s)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d customers, log-likelihood %.1f\n", fit.Customers, fit.LogLikelihood)
	for _, p := range customers[1:4] {
		fmt.Printf("alive %.2f, expected in 13 weeks %.2f\n", m.Alive(p), m.ExpectAfter(p, 13))
	}
	year := value.Terms{Periods: 12, Length: 4.345, Discount: .01, Costs: .6}
	fmt.Printf("worth %.0f\n", year.Worth(m, customers[3], 1500))
	// Output:
	// 300 customers, log-likelihood -2352.6
	// alive 0.03, expected in 13 weeks 0.02
	// alive 0.28, expected in 13 weeks 0.13
	// alive 0.85, expected in 13 weeks 1.68
	// worth 3111
}

// A shop that knows what complaints cost it: what its customers with open tickets may take away, and whose ticket to
// solve first.
func ExampleAtRisk() {
	m := value.BGNBD{R: .55, Alpha: 10.6, A: .61, B: 11.7} // in weeks
	year := value.Terms{Periods: 12, Length: 4.345, Costs: .6}
	givesUp := value.Interval{Expected: .3, Low: .2, High: .4} // Recovery.GivenUp of last year's complaints
	risks, err := value.AtRisk(m, year, givesUp, slices.Values([]value.Complainant{
		{Purchases: value.Purchases{Repeats: 9, Last: 50, Age: 52}, Purchase: 1200, Tickets: 1},
		{Purchases: value.Purchases{Repeats: 9, Last: 12, Age: 52}, Purchase: 1200, Tickets: 2},
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range risks.Each {
		fmt.Printf("alive %.2f: %.0f at risk (%.0f to %.0f), of which %.0f can be saved\n", r.Alive, r.AtRisk.Expected, r.AtRisk.Low, r.AtRisk.High, r.Avoidable.Expected)
	}
	fmt.Printf("%d tickets, %.0f can be saved\n", risks.Tickets, risks.Avoidable.Expected)
	// Output:
	// alive 0.96: 1124 at risk (796 to 1453), of which 986 can be saved
	// alive 0.00: 3420 at risk (3419 to 3421), of which 2 can be saved
	// 3 tickets, 988 can be saved
}

// Customers of a town, with what they have brought, will bring and could.
func ExampleTierDefinition_Tiers() {
	m := value.BGNBD{R: .55, Alpha: 10.6, A: .61, B: 11.7}
	var customers []value.Valued
	for i := range 40 {
		customers = append(customers, value.Valued{
			Purchases:    value.Purchases{Repeats: i % 8, Last: float64(i%8) * 6, Age: 50},
			Purchase:     500,
			Contribution: float64(300*(i%8)) - 100,
			Group:        "İzmir",
		})
	}
	values, err := value.Valuate(m, customers, value.ValueOptions{
		Terms:  value.Terms{Periods: 12, Length: 4.345, Costs: .6},
		Uplift: value.Interval{Expected: .5, Low: .3, High: .7}, // of a test with a control group
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	standings := make([]value.Standing, len(values))
	for i, v := range values {
		standings[i].Valuation = v
	}
	tiers, err := value.TierDefinition{Version: "2026-1"}.Tiers(standings)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 8 {
		v := values[i]
		fmt.Printf("%d repeats: %.0f + %.0f (%.0f to %.0f) + %.0f: %s\n", i, v.Actual.Expected, v.Future.Expected, v.Future.Low, v.Future.High, v.Strategic.Expected, tiers[i].Tier)
	}
	// Output:
	// 0 repeats: -100 + 92 (0 to 400) + 488: below zero
	// 1 repeats: 200 + 183 (0 to 800) + 442: most growable
	// 2 repeats: 500 + 259 (0 to 1000) + 404: migrating
	// 3 repeats: 800 + 347 (0 to 1200) + 360: migrating
	// 4 repeats: 1100 + 472 (0 to 1600) + 297: migrating
	// 5 repeats: 1400 + 644 (0 to 1800) + 212: migrating
	// 6 repeats: 1700 + 851 (0 to 2200) + 108: most valuable
	// 7 repeats: 2000 + 1067 (0 to 2400) + 0: most valuable
}

// Whether customers came back after their complaints were solved, beside those like them.
func ExampleRecover() {
	var complaints, others []value.History
	for i := range 60 {
		h := value.History{Raised: 200, Solved: 204}
		for day := i % 7; day < 320; day += 30 {
			h.Bought = append(h.Bought, value.Bought{Day: day, Amount: 10_000})
		}
		others = append(others, h)
		if i%3 == 0 { // a third of those who complain never come back
			h.Bought = slices.DeleteFunc(slices.Clone(h.Bought), func(b value.Bought) bool { return i%9 == 0 && b.Day > 200 })
			complaints = append(complaints, h)
		}
	}
	m := value.MBGNBD{R: 5, Alpha: 20, A: .5, B: 8}
	r, err := value.Recover(m, complaints, others, value.RecoveryOptions{Until: 320})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range r.Returned {
		fmt.Printf("within %d days %.0f %% (%.0f to %.0f) of %d, others %.0f %%\n", b.Days, 100*b.Complaints.Expected, 100*b.Complaints.Low, 100*b.Complaints.High, b.N, 100*b.Matched.Expected)
	}
	fmt.Printf("given up: %.2f (%.2f to %.2f); causal: %v\n", r.GivenUp.Expected, r.GivenUp.Low, r.GivenUp.High, r.Causal)
	// Output:
	// within 30 days 65 % (43 to 82) of 20, others 100 %
	// within 60 days 65 % (43 to 82) of 20, others 100 %
	// within 90 days 65 % (43 to 82) of 20, others 100 %
	// given up: 0.35 (0.10 to 0.53); causal: false
}
