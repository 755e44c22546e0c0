// Package segment is exact tag algebra over large populations, with the reason
// for every member.
//
// An Index knows the live population, which customer carries which tag, and
// named segments defined over tags:
//
//	segment loyal      = at least 2 of (gold, app-user, ten-orders)
//	segment summer-sms = segment(loyal) and newsletter except staff
//	segment service    = battery or strap ignoring red service-only
//
// Definitions are written in this text, in JSON, or built with Tag, All, Any,
// Without and their like; the three forms convert into each other without loss.
//
// # Polarity
//
// A tag is green, neutral or red, for a span of time, by somebody's decision. A
// red tag takes its carriers out of every audience. A segment that does not care
// says so, tag by tag ("ignoring red"). Polarity acts once, on the audience that
// is drawn, not inside nested segments: otherwise "a except segment(b)" would let
// people back in because b had excluded them.
//
// # A night
//
//	idx := segment.NewIndex(segment.Options{})
//	idx.Load(evening, rows)            // customers and their tags, in bulk
//	idx.Define(evening, defs...)       // from ParseDefinitions
//	idx.SetPolarity(evening, rules...) // who is out, since when, by whom
//	idx.Track("loyal")                 // report who enters and leaves from now on
//	idx.Apply(evening, changes)        // the day's tags; returns those reports
//	view := idx.View()                 // frozen: everything below agrees
//	view.Members("summer-sms", sendTime)
//	view.Waterfall("summer-sms", sendTime)
//	view.Explain("summer-sms", customer, sendTime)
//
// With Options.History the index also knows the past: who was in a segment on 1
// May (MembersAt), and since when and by which cause somebody is in it (Since). A
// campaign keeps its audience as drawn with View.Freeze. Where many segments are
// asked about, View.Counts and View.Audiences evaluate them together; where a
// write moves many customers, its Changes have them as sets, too.
//
// Time is an argument everywhere; nothing here reads a clock. Results depend on
// the content of the index, not on the order of maps or goroutines. Members are
// in the order in which the index first met the customers.
//
// # Questions
//
// A View answers what people ask of segments: Preview counts every part of a
// definition while it is being edited (With adds the draft), Waterfall what each
// exclusion removes in order, alone and only it, Explain why somebody is in or
// out and Flips what would change that, Compare and Nearest what overlaps,
// MicroSegments which combinations of fields and tags have people in them,
// Users who uses what, Lint what is probably not meant. Package
// segment/report draws the answers.
//
// Leaves come from outside: SetField supplies a field such as the city or the
// RFM cell as leaves "city:Bursa", SetPredicate any function of customer and
// time; package segment/activity supplies behaviour windows such as
// leaf("purchase >= 2 in 90d").
//
// # Sets
//
// Audiences, the carriers of a tag and the like are a bitset.Set of dense 32-bit ids,
// of package segment/bitset, which evaluates what definitions compile to. Index.ID gives
// the dense id of a customer, View.Customers the customers of a set.
//
// Panel draws a stratified sample, hold-out or control group that stays the same as
// the population grows, and keeps it as tags. Package segment/rfm scores recency,
// frequency and monetary value.
package segment
