package segment_test

import (
	"fmt"
	"maps"
	"time"

	"github.com/vefacrm/vefa/segment"
)

// Who was in it on 2 May, and since when and why is somebody out of it?
func ExampleIndex_Since() {
	may := func(day int) time.Time { return time.Date(2025, 5, day, 0, 0, 0, 0, time.UTC) }
	idx := segment.NewIndex(segment.Options{History: true})
	idx.Load(may(1), maps.All(map[string][]string{"ayşe": {"newsletter"}}))
	idx.Define(may(1), segment.Definition{Name: "mail", Expr: segment.Tag("newsletter")})
	idx.Track("mail")
	idx.SetPolarity(may(3), segment.PolarityRule{Tag: "newsletter", Polarity: segment.Red})

	then, _ := idx.MembersAt("mail", may(2))
	fmt.Println(then.Len(), "on 2 May")
	c, _, _ := idx.Since("mail", "ayşe", may(3))
	fmt.Println("entered:", c.Entered, "since", c.At.Format(time.DateOnly), "by", c.Cause.Kind, "of", c.Cause.Name)
	// Output:
	// 1 on 2 May
	// entered: false since 2025-05-03 by polarity of newsletter
}

// A tag that turns red for many customers is reported as sets.
func ExampleChanges() {
	now := time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)
	idx := segment.NewIndex(segment.Options{})
	idx.Load(now, func(yield func(string, []string) bool) {
		for i := range 1000 {
			if !yield(fmt.Sprint("customer-", i), []string{"newsletter"}) {
				return
			}
		}
	})
	idx.Define(now, segment.Definition{Name: "mail", Expr: segment.Tag("newsletter")})
	idx.Track("mail")
	changes, _ := idx.SetPolarity(now, segment.PolarityRule{Tag: "newsletter", Polarity: segment.Red})
	for s := range changes.Sets() {
		fmt.Println(s.IDs.Len(), "left", s.Segment)
	}
	for c := range changes.All() {
		fmt.Println(c.Seq, c.Customer)
		break
	}
	// Output:
	// 1000 left mail
	// 1 customer-0
}
