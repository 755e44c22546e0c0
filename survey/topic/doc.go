// Package topic finds what a comment is about, whether it praises or complains, and how
// serious that is, in Turkish and English.
//
// A Lexicon lists the words of each topic, and those that praise, complain or weigh; Retail
// is a lexicon for shops, to be taken as it is or edited. A Finder searches for all of them
// at once:
//
//	find, err := topic.New(topic.Retail(), topic.Options{})
//	…
//	r := find.Read("Kargom gelmedi, mağazadakiler de ilgisizdi")
//	r.Topics    // delivery, staff, store
//	r.Sentiment // Negative
//	r.Severity  // 1
//
// Turkish words are searched by their stems. What may follow a stem is checked by an
// automaton of the suffixes of nouns and verbs with vowel harmony, so that "kargomuzdaki"
// is found for "kargo" and "karga" is not, "kırılmış" for the verb "kır-" and "kırmızı" is
// not. A stemmer of search engines does worse: that of Snowball gives the stem of the plain
// word to 55 of 102 inflected forms of retail words. Letters are folded before, so a text
// typed without ş, ğ, ı is read the same; in a stem of five letters or more one letter may
// be wrong.
//
// A negation turns what it belongs to: "sorun yaşamadım" praises, "ilgilenmediler" complains,
// "sorunsuz" praises, "not good" complains. Irony is not understood.
//
// Counts adds comments up by topic. It counts comments, not mentions, and says how many
// comments had no topic at all. Compare orders comments for reading: the most serious first.
package topic
