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
// # Rule books
//
// A book is a YAML or JSON file, or a Book written in Go; testdata/evening.yaml
// is a whole one. The keys of a rule are those of Rule: name, doc, owner, tags,
// on (evening, manual, {event: kind}), each, when, unless, guard, cancel_on,
// salience, group, then, once (customer, row, day, week, month, year, version),
// from, to, enabled, version. An action is one of tag, untag, survey, message,
// ticket and task, with id, with, after (90min 12h 1d 2w 6mo 2y), at ("10:00")
// and, for a tag, for. Every fault of every book is reported at once, with
// file, line, column and a caret; an Engine keeps its old set until a new one
// is without fault.
//
// # From a firing to something done
//
// Evening, Event and Manual only read. Plan turns a Firing into crm.Effects
// whose ids depend on rule, subject, fact and period alone; Record writes those
// that are news to a Journal (a crm.Tx is one), so that an evening run twice,
// or killed and run again, ends in the same effects. When an effect is due,
// Recheck looks at the rule, its cancel_on and its guard again, by the facts of
// then. A battery changed today is tagged today and invited in 730 days; a
// battery changed in between cancels that and, being a row of its own, plans
// its own invitation. Explain says why or why not, in English or Turkish, and
// Lint what compiles but is probably not meant.
//
// # Many subjects, or many rules
//
// Evening asks one subject. A Population holds the facts of a million in
// columns: Set.Evaluate asks all rules for all of them, every distinct
// predicate once, in milliseconds; Set.Preview counts whom an edited rule is
// about while it is typed; Set.Compare says who gains and who loses when one
// set takes the place of another; Set.Backtest lets evenings pass, with tags
// and once-keys that act on later ones. A Calendar keeps the answers from
// evening to evening and reads the facts of those alone for whom the day or a
// change can make a difference. Integers that count days say so in their tag,
// as in `rule:",days=since"`, so that nothing is loaded anew because a day has
// passed. Event and Evening of a large set ask an index of its rules, which
// leaves a few of thousands to be tested. All give the same answers, by test
// and fuzzer.
//
// # Why it cannot hurt the process
//
// Parser and type checker are expr's; its virtual machine is never used. Our
// back ends are typed Go closures that allocate nothing, and columns, which
// take the memory of a block of subjects. There is no loop but
// over declared child rows, no way to make a text or a list, and the worst-case
// number of steps is computed from the declared maxima before a rule is
// accepted. Facts that have more rows than declared are refused.
package rules
