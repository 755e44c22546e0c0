// Package rollup adds scores up along a hierarchy that the caller gives: country, region, store
// and employee, or rule, or category and product. Counts are whole numbers, so that a parent is
// the exact sum of its children in every order of adding and merging.
//
//	tree, err := rollup.New(rollup.Definition{Name: "visit", Version: "1", Metric: survey.NPS,
//		Levels: []string{"region", "store"}, From: may, Until: june})
//	err = tree.Add(answered, score, "Marmara", "kadikoy")
//	for _, f := range tree.Figures(rollup.Audience{Name: "Marmara's manager", Under: []string{"Marmara"}}) { … }
//
// What an Audience sees has no figure of a few people, and none that could be had from the
// others: where a small one is hidden, another of the same parent is, and nothing below a hidden
// one is shown. Each Figure carries the Definition that it was counted by.
//
// Who shows a league of the same answers beside it shows what Keep leaves of it.
//
// One answer belongs to one path. Who adds an answer about two products twice counts products,
// not answers, and the root says so. Figures of windows that overlap can be subtracted from each
// other: show windows that do not.
package rollup
