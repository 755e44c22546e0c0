package offer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/vefacrm/vefa/messaging/offer"
)

// Of three offers the people of this person's group took the strap most often, and for a hundred
// such people it is chosen nearly always.
func ExampleThompson() {
	offers := []offer.Offer{
		{Name: "", Results: offer.Results{All: offer.Count{Tried: 2000, Bought: 40}, Group: offer.Count{Tried: 800, Bought: 16}}},
		{Name: "ring", Categories: []string{"ring"}, Results: offer.Results{All: offer.Count{Tried: 900, Bought: 50}, Group: offer.Count{Tried: 300, Bought: 4}}},
		{Name: "strap", Categories: []string{"strap"}, Results: offer.Results{All: offer.Count{Tried: 900, Bought: 45}, Group: offer.Count{Tried: 400, Bought: 40}}},
	}
	bought := map[string]float64{"strap": 0.5, "watch": 0.5}
	who := offer.Person{Unit: "ada", Bought: bought, Group: offer.Group(bought, offers)}
	n := 0
	for seed := range uint64(100) {
		at, err := offer.Thompson{}.Choose(context.Background(), offer.Question{Person: who, Offers: offers, Random: rand.New(rand.NewPCG(seed, 0))})
		if err != nil {
			fmt.Println(err)
			return
		}
		if offers[at].Name == "strap" {
			n++
		}
	}
	fmt.Println("group:", who.Group)
	fmt.Println("nearly always:", n > 95)
	// Output:
	// group: strap
	// nearly always: true
}

// Somebody who bought such a thing today and never clicked scores two thirds, and half a year
// later less.
func ExampleRelevance() {
	today := time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)
	in := offer.Interest{Categories: []string{"ring"}, At: today, Responded: today, Purchased: today}
	fmt.Printf("%.2f\n", offer.Relevance(in))
	in.At = today.AddDate(0, 6, 0)
	fmt.Printf("%.2f\n", offer.Relevance(in))
	// Output:
	// 0.67
	// 0.40
}
