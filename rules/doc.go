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
//	max(Rows, .Field)   min   avg   last(Rows).Field   last(Rows, 2).Field   first
//	"tag" in Tags   any(Tags, # startsWith "vip-")   x in ["a", "b"]   n in 1..Other
//	abs min max   date("2025-01-31") today() daysSince daysUntil
//	daysToAnniversary year month monthDay weekday   fold(Text) == "istanbul"
//
// Within a loop .Field is a field of its row; a bare name is always one of the
// facts. In a rule with each, row.Field is a field of the row it fires for. A
// named condition is used like a field. fold compares without regard to case,
// diacritics and the four Turkish letters I İ ı i.
//
// An integer field tagged `rule:",scale=2"` is a decimal: it holds hundredths,
// and rules read and write it as 1250.50. Comparisons, sums and products with
// integers are exact; division gives a float.
//
// # Null and other edges
//
// Pointers, Maybes and times may be null (nil, not OK, the zero time). A
// comparison that reads a null is false, != too; so `not (x == 1)` is true when x is null. x == nil
// and x ?? 0 ask. Arithmetic with a null is null; sum, avg, min and max over rows
// leave nulls out, and over no rows all but sum are null; a null bool counts as
// false. These differ from expr on purpose: integers stop at
// the ends of int64 instead of wrapping; division by zero is null; a time is
// compared with a date by its local day.
//
// # Rule books
//
// A book is a YAML or JSON file, or a Book written in Go; the night example's
// evening.yaml is a whole one. The keys of a rule are those of Rule: name, doc, owner, tags,
// on, each, when, unless, guard, cancel_on, cancel_at, rearm, salience, group,
// then, once (customer, row, day, week, month, year, version), from, to, enabled,
// version. An action is one of tag, untag, survey, message, ticket and task, with
// id, with, after (90min 12h 1d 2w 6mo 2y), at ("10:00") and, for a tag, for.
// Every fault of every book is reported at once, with file, line, column and a
// caret; an Engine keeps its old set until a new one is without fault.
//
// A rule is looked at every evening, or on what Trigger says: an event, a tag
// that was set or taken away, a segment that was entered or left, a date such as
// a birthday, by hand.
//
//	on: {event: order}          on: {date: Born, yearly: true, before: 7d}
//	on: {tag_added: vip}        on: {segment_left: lapsed}
//
// A rule with each, on an event that is about one of those rows, looks at that row
// alone if the host says which (Set.On; vefa.Engine does), else at all rows.
//
// Conditions and parameters are named once and used anywhere, those of other
// books too; circles are refused with their path. A decision table (see Table)
// has a row per case and a hit policy; where rows meet that must not it is
// refused with the case, and Lint names the cases that it leaves out.
//
//	parameters: {vip_spend: 2_000_000, cities: [Ankara, İzmir]}
//	conditions: {big: Spend12m >= vip_spend and City in cities}
//
// # From a firing to something done
//
// Evening, On and Manual only read. Plan turns a Firing into crm.Effects
// whose ids depend on rule, subject, fact and period alone; Record writes those
// that are news to a Journal (a crm.Tx is one), so that an evening run twice,
// or killed and run again, ends in the same effects. When an effect is due,
// Recheck looks at the rule, its cancel_on and its guard again, by the facts of
// then. A battery changed today is tagged today and invited in 730 days; a
// battery changed in between cancels that and, being a row of its own, plans
// its own invitation; with rearm the new one cancels the old at once, and
// cancel_at names occasions that do (Set.Cancel).
//
// # Before and after
//
// Explain says why a rule fires or why not, in English or Turkish, with every
// value read, which rule of its group comes first, what its guards say, and, by
// Flips, the smallest changes that would turn the outcome round. Lint says what
// compiles but is probably not meant: rules that are dead, duplicate, subsumed
// or contradictory, tags by which rules trigger one another in a circle. Diff
// tells two sets apart. A Breaker stops a rule that suddenly matches many times
// its usual population. An effect has the version of its rule, and Engine.Swap
// goes back to the set of before.
//
// Rules do not see what others did this evening, unless they are evaluated by
// Chain: then each runs after those that set the tags it tests, and books in
// which that goes round in a circle are refused.
//
// # Many subjects, or many rules
//
// Evening asks one subject. Package population holds the facts of a million in
// columns and asks all rules for all of them in milliseconds: to preview an
// edited rule, to compare two sets, to run past evenings. Integers that count days
// say so in their tag, as in `rule:",days=since"`, so that nothing is loaded anew
// because a day has passed. On and Evening of a large set ask an index of its
// rules, which leaves a few of thousands to be tested. All give the same answers,
// by test and fuzzer.
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
