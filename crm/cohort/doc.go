// Package cohort follows customers over time: who comes back in which month after his first
// purchase, how much of revenue is kept from one month to the next, how long it takes until
// a customer buys a second time, and how few customers bring most of the revenue.
//
//	table, err := cohort.New(sales, cohort.Options{Zone: istanbul, Until: now})
//	for _, c := range table.Cohorts {
//		for i, cell := range c.Cells { // one in the newest cohort
//			share, low, high := cell.Share(c.Size)
//			fmt.Println(c.Begin.Format("2006-01"), i, share, low, high, cell.Partial)
//		}
//	}
//
// Every number has what it is a share of, and every share an interval. What has not
// happened yet is not there: the cells of a cohort end with the period of Options.Until, and
// the last one says that it is not over.
//
// In a trade without contracts customers leave without notice, so that the retention of this package is
// activity: who did not buy in a month may buy in the next. Package crm/value estimates who has
// left.
//
// Curve is the estimator of Kaplan and Meier for times of which some are not over, such as that
// until a second purchase, and LogRank compares several of them. Concentration has Pareto's
// shares, Lorenz's curve and Gini's index.
//
// Of events other than sales, Funnel says how far customers came on a way and how long its steps took, Journeys and
// Paths which ways they went, Transitions which category is bought after which and whether that changes, and Attribute
// how many purchases in stores came after research online.
//
// The package imports nothing of this module; the example Analyses of package vefa fills sales from a record. Results
// do not depend on the order of the sales.
package cohort
