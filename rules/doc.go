// Package rules evaluates business rules over a host's own facts, every
// evening for everybody or at an event for one, and says why.
//
// Rules are data that business people edit; the host declares what they can
// see, as a Go struct:
//
//	type Customer struct {
//		DaysSincePurchase int
//		SMSConsent        bool
//		Tags              rules.TagSet
//		Purchases         []Purchase `rule:",max=64"`
//	}
//	schema, err := rules.NewSchema[Customer](rules.Options{})
//	book, err := rules.ReadYAML("evening.yaml", data)
//	set, err := schema.Compile(book) // or every fault with line and column
//
// and an evening is a loop:
//
//	m := rules.NewMoment(now, zone)
//	for i := range customers {
//		firings, err = set.Evening(firings[:0], &customers[i], m)
//		… set.Plan(…) // makes durable effects with deterministic ids
//	}
//
// # The language
//
// It is that of github.com/expr-lang/expr, cut down to what ends quickly and
// cannot grow: comparisons, and/or/not, arithmetic, in, contains, startsWith,
// endsWith, ?:, ??, and
//
//	any all none one count (Rows, .Field …)   sum(filter(Rows, …), .Field)   len
//	"tag" in Tags   x in ["a", "b"]   n in 1..5
//	abs min max   date("2025-01-31") today() daysSince daysUntil
//	daysToAnniversary year month monthDay weekday   fold(Text) == "istanbul"
//
// Within a loop .Field is a field of its row; a bare name is always one of the
// facts. In a rule with each, row.Field is a field of the row it fires for. A
// named condition is used like a field. fold compares without regard to case,
// diacritics and the four Turkish letters I İ ı i.
//
// # Null and other edges
//
// Pointers and times may be null (nil, the zero time). A comparison that reads
// a null is false, != too; so `not (x == 1)` is true when x is null. x == nil
// and x ?? 0 ask. Arithmetic with a null is null; sum leaves nulls out; a null
// bool counts as false. These differ from expr on purpose: integers stop at
// the ends of int64 instead of wrapping; division by zero is null; a time is
// compared with a date by its local day.
//
// # Why it cannot hurt the process
//
// Parser and type checker are expr's; its virtual machine is never used. Our
// back end makes typed Go closures that allocate nothing. There is no loop but
// over declared child rows, no way to make a text or a list, and the worst-case
// number of steps is computed from the declared maxima before a rule is
// accepted. Facts that have more rows than declared are refused.
package rules
