// Package things finds the records that speak of one thing that is not a person: a product,
// a company, a place, a publication. It is dedup with a schema for them, as dedup/people is
// with one for persons: without labels, without anything to tune.
//
//	l, err := things.New(things.Options{})
//	r, err := l.Link(ctx, slices.Values(records), nil)
//
// A Record has what files say of things: name or title, maker, codes, price, description,
// year, authors, address. What a file does not have says nothing, so that the same schema
// serves all of them; [Record.Set] fills it by the names of columns.
//
// # How things are told apart
//
// Names of things are words, most of which many things share: "black ink cartridge",
// "international conference", "sanayi ve ticaret". What tells them apart is their rare words.
// So words weigh by their rarity among the records that a model is learnt from
// ([metric.SoftWords]: typing errors, abbreviations and initials included), records are looked
// for by their rarest words, and the model is taught by pairs that share a word which hardly
// any other record has. The counts are part of the Model and saved with it: a record weighs
// the same in the batch that learnt the model, in a later one, and in an Index at a till.
//
// Out of a name are read model codes ("KX-TG6700B" and "KXTG6700B" are one, "XMH10A" is a
// variant of "XMH10"), measures ("0,5 L" is "500 ml", and what holds 250 ml is another
// product), the legal form of a company ("A.Ş.", "GmbH & Co. KG", "S.à r.l.", "ООО") and the
// branch that it names; the latter two with [Companies] only.
//
// Two classes beside match and chance explain agreement away: a family, as the variants of a
// product, a chain, the papers of one group have, shares names and descriptions; neighbours share
// an address. Both are learnt.
//
// A file of nothing but names can be linked, too: nothing teaches its model, which is then
// learnt from the shape of the similarities ([dedup.Comparison.Graded]). It is the hardest
// case, and [dedup.Stats.Warnings] says when the result is not to be trusted.
//
// Few records teach nothing of what codes are worth, and variants are joined that only a code or a
// measure tells apart, as "Casio NK-686F Duvar Saati" and "Casio YY-156F Duvar Saati": in generated
// lists of watches precision is .16 to .33 at up to 66 records, in others with variants at up to
// 260. [dedup.Contradicted] warns of nine in ten of these lists from some fifty records on; of a handful
// nothing does. With Options.OnePerSource it does not happen, and answers to the questions of
// Options.Review help: 134 of them took F1 from .27 to .69.
//
// # Two files that have each thing once
//
// With [Options.OnePerSource] each record goes to the record of another file that fits it
// best, the best pairs first. An assignment of all at once (Kuhn 1955) was measured beside it:
// F1 .893 for .884 on Abt-Buy, the same or .001 less on the other files of numbers_test.go. It
// was left out, as an Index could not keep it up to date record by record.
//
// # Constants
//
// None was fitted to a file; sensitivity_test.go moves each by half and twice.
//
//   - A record is looked for by up to eight of its words, the rarest ones, each in no more
//     texts than twice the root of their number, so that the pairs of a block stay as many as
//     its records are few; but by two words in any case.
//   - A word teaches that stands in no more texts than the logarithm of their number: among a
//     handful of records a match is likely.
//   - A comparison by words has ten levels of a tenth each, so that nothing is assumed of how
//     the similarity of matches is distributed but what counts as 30 pairs.
//   - A model keeps the counts of 60,000 words of each field.
//
// Those of words are in [metric.Spelling].
package things
