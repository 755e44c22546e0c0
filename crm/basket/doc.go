// Package basket finds what is bought together, what after what, and what to offer whom.
//
//	baskets, err := basket.New(lines)                       // from any iter.Seq of lines
//	rules, err := baskets.Pairs(basket.Options{Least: 150}) // support, confidence, lift, p, q
//	next, err := basket.Followed(purchases, 30*24*time.Hour, basket.Options{Least: 20})
//	model, err := baskets.Neighbours(basket.Options{Least: 5}, 50)
//	for _, c := range model.Offer(owned, 3) { ... }         // without what is owned
//
// A rule is a fact about the past: of baskets with A so many have B, too. Thousands of pairs are
// looked at, so that some lie far from chance by chance; every rule has a p value (Fisher's exact
// test) and q, the share of false ones to expect among the rules that are at least as good (Benjamini
// and Hochberg), which is the number to choose by. Lift says how large an effect is, not
// whether there is one.
//
// HitRate measures offers on baskets that the model has not seen, beside offering everybody what
// sells best.
//
// Of this module the package imports the adjustment of p values alone. Results do not depend on
// the order of the lines or on GOMAXPROCS.
package basket
