package warning_test

import (
	"fmt"
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm/warning"
)

// A store that sells a fifth less from week 130 on, beside a chain that has Christmas as it has.
func Example() {
	store, others := make([]float64, 150), make([]float64, 150)
	for week := range store {
		season := 1 + 0.4*math.Sin(2*math.Pi*float64(week)/52)
		noise := []float64{-3, 2, 5, -4, 0, 3, -3}[week%7] / 100
		store[week], others[week] = 100_000*season*(1+noise), 9_000_000*season
		if week >= 130 {
			store[week] *= 0.8
		}
	}
	m, err := warning.NewMonitor(warning.Options{FalseAlarms: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	alarms, err := m.Watch(store, others)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range alarms {
		fmt.Printf("week %d: %.0f %% (%.0f to %.0f) since week %d\n", a.At, 100*a.Change, 100*a.Low, 100*a.High, a.Since)
	}
	// Output:
	// week 130: -20 % (-28 to -12) since week 130
}

// Shipments of two carriers, and one that is on its way.
func ExampleOutlook_Problems() {
	var past []warning.Course
	for i := range 60 {
		past = append(past,
			warning.Course{Group: "kargo A", Length: 1 + float64(i%4), Over: true},
			warning.Course{Group: "kargo B", Length: 2 + float64(i%6), Over: true})
	}
	o, err := warning.NewOutlook(slices.Values(past), 20)
	if err != nil {
		fmt.Println(err)
		return
	}
	problems, err := o.Problems(slices.Values([]warning.Running{
		{ID: "order 17", Group: "kargo A", Elapsed: 1, Limit: 3},
		{ID: "order 18", Group: "kargo B", Elapsed: 3, Limit: 4}, // promised within 4 days, and 3 have gone by
		{ID: "order 19", Group: "kargo A", Elapsed: 0, Limit: 5},
	}), 0.3)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range problems {
		fmt.Printf("%s will be late: %.0f %% (%.0f to %.0f), by %d of %s\n", p.ID, 100*p.Probability, 100*p.Low, 100*p.High, p.N, p.Group)
	}
	// Output:
	// order 18 will be late: 75 % (59 to 86), by 40 of kargo B
	// order 17 will be late: 33 % (20 to 47), by 45 of kargo A
}
