// Package mystery scores visits of mystery shoppers, says which are due, and whether what they find
// has to do with what customers say.
//
// A Form maps the questions of a definition to criteria, each with a condition to pass, a weight and
// the figure of the store that it belongs to. A Schedule says how many visits each place is to have. Compare
// asks whether the places that shoppers find good are those that customers find good: where they are,
// customers' answers, which are many and cost nothing, can take the place of the visits; where nothing
// can be said, as of four stores, it says so.
//
// Everything is arithmetic over what it is given: nothing is stored and no clock is read.
package mystery
