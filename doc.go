// Package vefa is the root of an embeddable library for retail customer
// relationships. It holds no code; import the packages below it:
//
//	crm               the record: who is who, what happened, what is to be done
//	crm/engage        the evening that binds all engines to the record
//	rules             business rules as data
//	dedup, dedup/people  record linkage
//	segment           audiences over tags
//	survey            surveys, answers, metrics
//	messaging         messages, consent, tracked links, experiments
//
// README.md has the story, the two commands and an example.
package vefa
