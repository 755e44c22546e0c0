package things_test

import (
	"context"
	"fmt"
	"log"
	"slices"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/things"
)

// Two sources write their products; each has every product once.
func Example() {
	l, err := things.New(things.Options{OnePerSource: []string{dedup.EverySource}})
	if err != nil {
		log.Fatal(err)
	}
	records := []things.Record{
		{ID: "shop-1", Source: "shop", Name: "Panasonic KX-TGA820B Cordless Handset", Price: "39,90 TL"},
		{ID: "shop-2", Source: "shop", Name: "Panasonic KX-TGA820W Cordless Handset White", Price: "39,90 TL"},
		{ID: "shop-3", Source: "shop", Name: "Canon CL-51 Ink Cartridge 21 ml", Price: "350 TL"},
		{ID: "market-1", Source: "market", Name: "KXTGA820B Panasonic cordless handset black", Price: "41.5"},
		{ID: "market-2", Source: "market", Name: "Canon Color Ink Cartridge - CL51 (0,021 L)", Price: "349,00"},
	}
	r, err := l.Link(context.Background(), slices.Values(records), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range r.Clusters {
		fmt.Println(c.Members)
	}
	// Output:
	// [market-1 shop-1]
	// [market-2 shop-3]
	// [shop-2]
}

func ExampleFold() {
	fmt.Println(things.Fold("IŞIK Saatçilik & Çelik A.Ş."))
	// Output: isik saatcilik celik a s
}
