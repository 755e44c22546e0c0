// Package dedup finds the records that speak of the same entity, without labels:
// probabilistic record linkage after Fellegi and Sunter (1969), with blocking,
// expectation-maximisation, term frequencies, average-link clustering, an index
// that is updated record by record, and an explanation for every pair. It is
// generic; for persons start with package [github.com/vefacrm/vefa/dedup/people],
// which brings the schema and the normalising.
//
// # How a link comes about
//
// A [Schema] names the fields of a record, how two values of a field are graded
// ([Comparison], [Level]) and which pairs are worth comparing ([Block]). Two records
// give a pattern of levels, and the pattern a weight: the logarithm to base 2 of the
// odds that they are one entity. Weights come from a [Model] learnt from the data:
//
//   - u, how often a level occurs by chance: from random pairs, equality exactly;
//   - m, how often it occurs in a match, by expectation-maximisation over several
//     learning rules at once, each silent about the fields it blocks on;
//   - the share of matches among all pairs, by the same method over the candidates,
//     so that no recall of any rule has to be assumed;
//   - for each [Relation], its share and its own probabilities. Household members agree
//     on surname, phone and address, namesakes on names and name-like e-mail addresses;
//     as classes of their own they explain such agreement away, which is what keeps
//     weights calibrated when fields are correlated;
//   - the frequency of values: Yılmaz says less than a rare surname.
//
// Clusters are merged while the average weight over all pairs of records between
// them is positive. Pairs that no rule picked are compared when they are needed
// instead of being guessed, so there is no cut-off to tune and chains do not form.
//
// # Constants
//
// The threshold is even odds (0 bits). A single pair counts at most 20 and at least -5
// bits in an average. An identifier held under more than five different holders
// or by more than 1,000 records is nobody's. Blocks hold at most 1,000 records,
// fewer if the budget of pairs ([Options.Pairs]) asks for it; [Stats] reports
// what was left out. None of them was fitted to a file.
//
// # Determinism
//
// A result depends on the records, the model and the decisions only: not on the
// order of the input or the number of threads, and an [Index] that has been updated
// for years holds the clusters that a batch over its records would find.
//
// # Bad input
//
// Values beyond [MaxValue] bytes are cut; bytes that are no UTF-8 are compared as
// they are; a record without any value is a cluster of its own; an empty or repeated
// id is a [RecordError].
package dedup
