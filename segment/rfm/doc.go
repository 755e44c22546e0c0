// Package rfm scores customers by recency, frequency and monetary value.
//
// Summarise folds orders into one Row per customer, Config.Score gives each row
// three scores, Name puts scores into named groups, Migrate compares two dates:
//
//	rows, err := rfm.Summarise(orders, evening, istanbul)
//	scored, err := rfm.Config{Convention: "r"}.Score(rows)
//	for _, s := range scored.Scores {
//		group := rfm.Name(s, rfm.RPackageGroups())
//	}
//
// Live keeps the same scores up to date order by order.
//
// "RFM" is at least four different things in the wild, and they disagree about
// ties. The Convention is therefore explicit, and each is exact: cut points are
// compared in integer arithmetic, never as floating-point numbers.
//
// In every convention a higher score is better; for recency that means that the
// most recent customers score highest. Money is in integer minor units.
package rfm
