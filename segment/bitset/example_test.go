package bitset_test

import (
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/segment/bitset"
)

func ExampleSelect() {
	bought, visited, complained := bitset.Of(1, 2, 3, 70_000), bitset.Of(2, 3, 70_000), bitset.Of(3)
	q := bitset.Select{Include: []*bitset.Set{bought, visited}, Exclude: []*bitset.Set{complained}}
	fmt.Println(q.Count(), slices.Collect(q.Set().All()))
	// Output: 2 [2 70000]
}
