// Package activity answers what customers did in the last days, for segments
// that look at behaviour: "two purchases in 90 days but none in the last 30",
// "came to the service between two and three years ago", "bought in at least six
// of the last eight weeks".
//
// A Log keeps when each customer did what. A condition asks about it in
// words; it can stand in a definition of package segment as the name
// of a leaf, and Supply makes the Log answer for it:
//
//	segment at-risk = leaf("purchase >= 2 in 90d") except leaf("purchase >= 1 in 30d")
//
//	log := activity.NewLog(istanbul)
//	log.Add("ayşe", "purchase", at)
//	activity.Supply(idx, log, evening, defs...)
//	idx.Define(evening, defs...)
//
// After later purchases call Index.Touch for the customers concerned; as days
// pass call Index.Advance. The segments that are tracked then report who entered
// and who left.
//
// Days are calendar days of the Log's location. The day of the question is day
// 0: "in 30d" means today and the thirty days before it. What happened after the
// moment of the question is not seen, so that questions about the past are
// answered as they would have been then.
package activity
