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
// odds that they are one entity. A metric that is a [metric.Sketcher] rules most pairs out
// without a look at their strings. Weights come from a [Model] learnt from the data:
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
//   - the frequency of values: Yılmaz says less than a rare surname, and of a [Whole],
//     such as a full name whose words go together;
//   - what depends on what: where random pairs agree on two comparisons together more often
//     than apart, as on town and postcode, one is learnt for each level of the other (a
//     dependence tree after Chow and Liu 1968), so that joint evidence counts once.
//
// Clusters are merged while the average weight over all pairs of records between them, and
// the little that many pairs say beside one, exceeds even odds. Pairs that no rule picked are
// compared when they are needed instead of being guessed, so there is no cut-off to tune and
// chains do not form.
//
// Records that say the same, names and an identifier among them, share one row: a customer with
// a thousand orders is one piece of evidence, fills no block, and does not fall apart.
//
// # In a batch, and for years
//
// [Linker.Link] partitions records, a million on two cores in seconds and some 350 MB;
// [Linker.Count] says beforehand what it would compare. [Result] and [Stats] report what
// each rule brought, which blocks were too large, how many matches no rule may have picked,
// and [Quality] how well a cluster hangs together. [Options.Review] asks for the pairs
// about which a person's word says most. The answers are [Decision] values: given to
// every later batch or index they hold for ever, and given to [Linker.Train] they teach the
// model. [Linker.Calibrate] corrects its weights by a sample of labelled pairs.
//
// An [Index] answers "who is this?" ([Index.Find]) in microseconds and keeps the clusters
// while records come, change and go ([Index.Apply]). [Entities] gives the clusters ids
// that stay through mergers and their undoing. [Survivor] picks what to show of an entity
// and says where it comes from.
//
// # Constants
//
// None was fitted to a file; each says in one sentence what it is for, and by half or twice
// changes F1 by less than .02 on every set of TestConstants.
//
//   - The threshold of a merger is 0 bits, even odds.
//   - One pair counts at most 20 and at least -5 bits in an average: no single pair
//     decides for a cluster, and the errors of one bad record, which contradict all others
//     at once, count as one disagreement in a reliable field (1 in 32).
//   - All further pairs between two clusters count as a fifth of one beside the first: they
//     repeat each other's errors and gaps.
//   - A veto acts where fewer than 1 in 32 matches disagree, the same odds.
//     In a cluster a pair that it forbids counts as odds of 1 in 256, so that father and son
//     are not joined by records of their name that lack a birth date.
//   - An identifier under more than five holders, told apart by three characters, or in more
//     than 1,000 records is nobody's: two surnames in a household and a wrong one or two
//     are common, six are a counter's placeholder.
//   - A block holds at most 1,000 records, or fewer if the budget of 8 pairs per record, 8
//     million at least ([Options.Pairs]), asks for it. Rules that are not wide keep
//     blocks of 20 in any case. The budget bounds time; [Stats] reports what it left out.
//   - 400,000 random pairs measure chance, 100,000 pairs per rule teach a model, a
//     hundredth of them from one block at most, 250,000 candidates give the share of
//     matches: sampling errors are then below those of the method.
//   - What a schema assumes about matches counts as 30 pairs, what it assumes about chance
//     as 200 records, so that files of a few hundred records work and larger ones do not
//     notice. A fifth of the matches are assumed to be related pairs until seen.
//   - Of a steady comparison ([Comparison.Steady]) the geometric mean of what is seen and what is
//     assumed counts, until matches that differ are more than the 1 in 32 of a veto: a relation
//     that shares all else that is known has to be likelier than the error.
//   - A graded comparison that fewer pairs teach than the assumption counts for is learnt from
//     the shape of its levels ([Comparison.Graded]): from random pairs where a hundred of them
//     know a share to a tenth, else from the candidates; matches and their share settle in
//     ten rounds.
//   - The share of matches is between a tenth of a pair and 0.3; a result says where it sits
//     at either, or is four times (two bits) what the clusters hold ([Warning]).
//   - In a file of up to 5,000 records a linked pair differs in .6 comparisons more than matches
//     do by the model, on average, before the result is said to contradict it ([Contradicted]).
//   - Comparisons depend on each other where 30 random pairs or more agree on both, twice
//     as many as would by chance (a bit), and are no matches, which agree on any other field
//     half of the time at least, ten times as many pairs where a relation
//     explains some.
//   - Measured chance is cleaned of matches twice, down to a twentieth of itself.
//   - A model lists the 20,000 most frequent values of a field.
//   - Labels correct a weight's slope by 0.5 and its shift by 1 bit, as standard deviations,
//     before they prove more.
//   - A swap of two fields holds where each is 0.9 alike (Jaro-Winkler) to the other's.
//   - A change of an index clusters components of up to 10,000 records at once
//     ([Options.Component]); larger ones wait for [Index.Settle].
//   - Find returns matches down to odds of 1 in 100, and a review asks about the same band.
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
// they are; a record without any value is a cluster of its own; blocks that are too large
// are left out and reported; an empty, repeated or endless id is a [RecordError] that
// names the row, a model that does not fit [ErrModel], and every fault of a schema is told
// at once under [ErrSchema]. A panic of a caller's metric reaches the caller.
//
// An index forgets records that were removed, but not the distinct values it has seen;
// one that lives for years is best built anew when its model is.
package dedup
