package segment_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/segment"
)

func Example() {
	evening := time.Date(2025, 5, 1, 20, 0, 0, 0, time.UTC)
	idx := segment.NewIndex(segment.Options{})
	customers := func(yield func(string, []string) bool) {
		_ = yield("ayşe", []string{"newsletter", "gold"}) &&
			yield("burak", []string{"newsletter", "staff"}) &&
			yield("çiğdem", []string{"newsletter", "service-only"})
	}
	if _, err := idx.Load(evening, customers); err != nil {
		fmt.Println(err)
		return
	}
	defs, err := segment.ParseDefinitions(`segment summer-sms = newsletter except staff`, segment.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := idx.Define(evening, defs...); err != nil {
		fmt.Println(err)
		return
	}
	if err := idx.Track("summer-sms"); err != nil {
		fmt.Println(err)
		return
	}

	// Turn the tag red and they are out, everywhere.
	changes, err := idx.SetPolarity(evening, segment.PolarityRule{
		Tag: "service-only", Polarity: segment.Red, From: evening, Owner: "marketing"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for c := range changes.All() {
		fmt.Println("left:", c.Customer, "because of", c.Cause.Kind, c.Cause.Name)
	}
	view := idx.View()
	audience, _ := view.Members("summer-sms", evening)
	fmt.Println("audience:", slices.Collect(audience))
	waterfall, _ := view.Waterfall("summer-sms", evening)
	fmt.Print(waterfall)
	why, _ := view.Explain("summer-sms", "çiğdem", evening)
	fmt.Print(why)
	// Output:
	// left: çiğdem because of polarity service-only
	// audience: [ayşe]
	// 3 before exclusions
	//   -1 staff (alone 1, only 1), 2 left
	//   -1 tag service-only is red (alone 1, only 1), 1 left
	// 1 members
	// çiğdem is not in summer-sms (version 1)
	//   in the live population
	// * in the first and in none of the others: yes
	// *   tag newsletter: yes
	// *   tag staff: no
	// * tag service-only is red since 2025-05-01 by marketing
}

func ExampleParse() {
	e, err := segment.Parse(`at least 2 of (gold, app-user, "ten orders") and newsletter except staff`, segment.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	data, _ := e.MarshalJSON()
	fmt.Println(e)
	fmt.Println(string(data))
	_, err = segment.Parse("gold or app-user and newsletter", segment.Limits{})
	fmt.Println(err)
	// Output:
	// at least 2 of (gold, app-user, "ten orders") and newsletter except staff
	// {"except":[{"all":[{"atLeast":{"k":2,"of":["gold","app-user","ten orders"]}},"newsletter"]},"staff"]}
	// segment: 1:18: "or" and "and" side by side need parentheses
}
