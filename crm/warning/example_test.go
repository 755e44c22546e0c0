package warning_test

import (
	"fmt"
	"math"

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
