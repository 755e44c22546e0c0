// Package bitset holds sets of 32-bit ids in little memory and evaluates expressions over
// them.
//
// A Set is stored as an array, a bitmap or runs for every 65,536 ids, whatever is
// smallest, and is read and written in the portable Roaring format. Union, Intersect,
// Except, Xor, AtLeast and Select make sets of sets in one pass.
//
// An Expr is a formula over sets that is evaluated later, as often as wanted, without
// sets in between:
//
//	audience := bitset.AllOf(
//		[]*bitset.Expr{bitset.Leaf(live), bitset.AtLeastOf(2, bitset.Leaf(gold), bitset.Leaf(app), bitset.Leaf(often))},
//		[]*bitset.Expr{bitset.Leaf(staff)})
//	audience.Count()
//	audience.Set()
//
// The same Expr may be an operand of several others; what it gives is computed once for
// each 65,536 ids. A Batch does so for expressions that were made apart. An Expr and a
// Batch have scratch space and belong to one goroutine; Sets may be read by many while none
// writes.
package bitset
