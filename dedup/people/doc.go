// Package people finds the records that speak of the same person: the preset of
// package dedup for customers, patients, members. It folds names (Turkish İ, I, ı, i
// and all Latin diacritics), reads phone numbers and e-mail addresses in any format,
// and knows how persons are compared.
//
//	linker, err := people.New(people.Options{})
//	result, err := linker.Link(ctx, slices.Values(records), nil)
//
// There is nothing to tune and there are no labels: what a name, a birth date or a
// shared phone is worth is learnt from the records, with assumptions filling in where
// there are few of them. Attributes that a file lacks are simply no evidence.
//
// For a shop that runs for years: Train on the population once in a while and keep the
// [dedup.Model], build an [Index], and Apply every evening what came, changed or went.
// Retrain when the number of records has doubled, as the probability that two
// records are one person falls with it.
//
// Names lose titles and case (of "Sr" and "Jr" it is kept whom they name), a second given name
// may be missing, given and family name may be exchanged, and short forms (Bill, Memo) stand for what they are short for
// ([Options.Nicknames] adds more). Dates of birth may have a typing error, day and month
// exchanged, the year or 1 January only. Addresses are spelt one way. Each of these
// can be replaced ([Options.Normal]).
//
// Of families some things cannot be told: two records of one name and one home, with other
// phones and no birth date to compare, are one person in nine of ten cases of generated Turkish
// households and two of a name in the tenth. They are joined where the odds say so, and are
// among the questions of [Options.Review] either way. Misspelt common given names are read as
// the name that they are a typing error of; a year of birth in an e-mail address is compared
// where one record has no birth date.
//
// A source that has every person once, as a cleaned customer file does, says so in
// [Options.OnePerSource]; two such files are then linked one to one.
//
// Which columns of a file say what of a person is recognised by package columns below.
//
// A cell may hold several phones or e-mail addresses, notes and extensions, and text that was
// read in a wrong encoding is mended where it is certain what it was.
//
// What identifies nobody is left out: masked numbers and addresses, placeholders, relay
// addresses of marketplaces ([Options.Relays] adds more), and whatever phone or address
// more than five differently named people hold.
package people
