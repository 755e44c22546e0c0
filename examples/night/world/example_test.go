package world_test

import (
	"context"
	"fmt"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/night/world"
)

// Two evenings of a small retailer.
func Example() {
	w, err := world.New(world.Config{People: 1000, Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	records, persons := 0, map[int]bool{}
	for batch := range w.History(context.Background()) {
		records += batch.Len()
		for _, p := range batch.Profiles {
			person, _ := w.Truth(p.ProfileKey)
			persons[person] = true
		}
	}
	fmt.Println("the sources know about 600 people:", len(persons) > 550 && len(persons) < 650, records > 4000)

	for day := range 2 {
		batch := w.Day(day)
		fmt.Println(w.Evening(day).Format("2 January, 15:04 MST"), "something came:", batch.Len() > 0)
		for _, f := range batch.Facts {
			if err := f.Validate(); err != nil {
				fmt.Println(err)
			}
		}
	}
	to := crm.Address{Channel: crm.Phone, Value: "+905555555555"}
	status, _ := w.Gateway("an effect", to, w.Evening(1))
	fmt.Println("the number that tills make up is", status)
	// Output:
	// the sources know about 600 people: true true
	// 1 January, 19:00 UTC something came: true
	// 2 January, 19:00 UTC something came: true
	// the number that tills make up is rejected
}
