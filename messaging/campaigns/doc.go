// Package campaigns keeps campaigns from the draft to the end, and who did which step.
//
// A campaign is drafted, looked at in a test message, approved by somebody who did not write
// it, scheduled, sent while its progress is watched, given a larger budget, paused and resumed,
// cancelled or closed.
// Each step is a verb of a Desk, done by a named person, and refused where the campaign is
// not at that step or was changed since the person looked at it: what is approved is a Seal,
// a hash of all that recipients will get and of who they are, and a change of any of it asks
// for approval again. Two people at one campaign never overwrite one another.
//
//	desk, err := campaigns.New(campaigns.Config{Service: svc})
//	life, err := desk.Draft(ctx, "ayse", "gold", messaging.Campaign{Name: "spring", …})
//	life, err = desk.Tested(ctx, "spring", "ayse", life.Seal, "on my own phone")
//	life, err = desk.Approve(ctx, "spring", "mehmet", life.Seal)
//	life, err = desk.Schedule(ctx, "spring", "ayse", tomorrow)
//
// vefa.Config.Desk does the rest. A host that composes by himself draws what is Due, asks Hold in
// each transaction that plans effects of it, and calls Begin; his Outbox's Guard asks Check in
// the transaction that claims, so that a pause or a cancellation holds for every message that
// is claimed after it, and his worker's Recall for those that were claimed and have not left.
package campaigns
