package segment_test

import (
	"context"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/segment"
)

// questionShop has four customers and three segments.
func questionShop(at time.Time) (*segment.Index, error) {
	idx := segment.NewIndex(segment.Options{})
	rows := func(yield func(string, []string) bool) {
		_ = yield("ayşe", []string{"vip", "newsletter"}) && yield("burak", []string{"newsletter", "staff"}) &&
			yield("çiğdem", []string{"newsletter", "vip"}) && yield("deniz", []string{"vip"})
	}
	if _, err := idx.Load(at, rows); err != nil {
		return nil, err
	}
	cities := func(yield func(string, string) bool) {
		_ = yield("ayşe", "Bursa") && yield("burak", "Bursa") && yield("çiğdem", "Van") && yield("deniz", "Bursa")
	}
	if _, err := idx.SetField(at, "city", cities); err != nil {
		return nil, err
	}
	defs, err := segment.ParseDefinitions(`
		segment mail  = newsletter except staff
		segment best  = vip and (newsletter or vip)
		segment bursa = leaf(city:Bursa) and segment(best)`, segment.Limits{})
	if err != nil {
		return nil, err
	}
	_, err = idx.Define(at, defs...)
	return idx, err
}

func ExampleView_Compare() {
	evening := time.Date(2025, 5, 1, 20, 0, 0, 0, time.UTC)
	idx, err := questionShop(evening)
	if err != nil {
		fmt.Println(err)
		return
	}
	overlap, err := idx.View().Compare(evening, "mail", "best")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(overlap.Common[0][0], overlap.Common[1][1], "members,", overlap.Common[0][1], "of both")
	fmt.Printf("Jaccard %.3f\n", overlap.Jaccard(0, 1))
	// Output:
	// 2 3 members, 2 of both
	// Jaccard 0.667
}

func ExampleView_Lint() {
	evening := time.Date(2025, 5, 1, 20, 0, 0, 0, time.UTC)
	idx, err := questionShop(evening)
	if err != nil {
		fmt.Println(err)
		return
	}
	found, _, err := idx.View().Lint(context.Background(), evening, segment.LintOptions{Drawn: []string{"mail", "bursa"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range found {
		fmt.Println(f)
	}
	// Output:
	// segment mail: at present, all of it is in segment best
	// segment best: leaving out "newsletter or vip" changes nothing
}

func ExampleView_MicroSegments() {
	evening := time.Date(2025, 5, 1, 20, 0, 0, 0, time.UTC)
	idx, err := questionShop(evening)
	if err != nil {
		fmt.Println(err)
		return
	}
	v := idx.View()
	city, err := v.FieldDimension("city")
	if err != nil {
		fmt.Println(err)
		return
	}
	cells, err := v.MicroSegments(evening, []segment.Dimension{city, segment.TagDimension("interest", "vip", "newsletter")}, segment.MicroOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range cells.Segments {
		fmt.Println(m.Definition.Name, m.Size, m.Shared)
	}
	fmt.Println(cells.Segments[0].Definition)
	// Output:
	// Bursa / vip 2 1
	// Bursa / newsletter 2 1
	// Van / vip 1 1
	// Van / newsletter 1 1
	// segment "Bursa / vip" = leaf(city:Bursa) and vip
}

func ExampleView_Draw() {
	evening := time.Date(2025, 5, 1, 20, 0, 0, 0, time.UTC)
	idx, err := questionShop(evening)
	if err != nil {
		fmt.Println(err)
		return
	}
	panel := segment.Panel{Segment: "best", Tag: "panel", Rest: "panel-rest", Salt: []byte("panel"), Part: 1, Whole: 3}
	changes, err := idx.View().Draw(panel, evening)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := idx.Apply(evening, changes); err != nil {
		fmt.Println(err)
		return
	}
	v := idx.View()
	fmt.Println(v.Tag("panel").Len(), "drawn,", v.Tag("panel-rest").Len(), "not")
	changes, _ = v.Draw(panel, evening)
	fmt.Println(len(changes), "to be decided")
	// Output:
	// 1 drawn, 2 not
	// 0 to be decided
}
