package population_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/population"
)

type shopper struct {
	City              string
	DaysSincePurchase int `rule:",days=since"`
	Tags              rules.TagSet
}

func shoppers() (*rules.Schema[shopper], []shopper) {
	schema, err := rules.NewSchema[shopper](rules.Options{})
	if err != nil {
		panic(err)
	}
	v := schema.Tags()
	return schema, []shopper{
		{"Izmir", 88, v.Set("vip")}, {"Izmir", 12, v.Set()}, {"Ankara", 89, v.Set()}, {"Ankara", 400, v.Set("asleep")},
	}
}

// Count whom a rule is about before anybody saves it.
func ExamplePopulation_Preview() {
	schema, people := shoppers()
	m := rules.NewMoment(time.Date(2025, 3, 1, 20, 0, 0, 0, time.UTC), nil)
	pop, err := population.New(schema, m, func(yield func(*shopper) bool) {
		for i := range people {
			if !yield(&people[i]) {
				return
			}
		}
	})
	if err != nil {
		panic(err)
	}
	set, err := schema.Compile(&rules.Book{Conditions: []rules.Condition{{Name: "away", Expr: "DaysSincePurchase > 80"}}})
	if err != nil {
		panic(err)
	}
	p, err := pop.Preview(context.Background(), set, rules.Rule{
		Name: "come back", When: `away and "asleep" not in Tags`,
		Then: []rules.Action{{Kind: "tag", Name: "asleep"}},
	}, m, 10)
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Subjects, "of", p.Population, p.Sample)
	// Output: 2 of 4 [0 2]
}

// Let three evenings pass: the tag that a rule gives keeps it from firing again.
func ExamplePopulation_Backtest() {
	schema, people := shoppers()
	first := rules.NewMoment(time.Date(2025, 3, 1, 20, 0, 0, 0, time.UTC), nil)
	set, err := schema.Compile(&rules.Book{Rules: []rules.Rule{{
		Name: "asleep", When: `DaysSincePurchase >= 90 and "asleep" not in Tags`,
		Then: []rules.Action{{Kind: "tag", Name: "asleep"}},
	}}})
	if err != nil {
		panic(err)
	}
	pop, err := population.New(schema, first, func(yield func(*shopper) bool) {
		for i := range people {
			if !yield(&people[i]) {
				return
			}
		}
	})
	if err != nil {
		panic(err)
	}
	for night, err := range pop.Backtest(context.Background(), set, first, 4, population.BacktestOptions[shopper]{}) {
		if err != nil {
			panic(err)
		}
		r := &night.Rules[0]
		fmt.Println(night.Moment.Date(), "matched", r.Matched, "planned", r.Planned, slices.Collect(r.Subjects()))
	}
	// Output:
	// 2025-03-01 matched 0 planned 0 []
	// 2025-03-02 matched 1 planned 1 [2]
	// 2025-03-03 matched 1 planned 1 [0]
	// 2025-03-04 matched 0 planned 0 []
}
