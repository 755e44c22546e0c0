// Package worth brings what a customer is worth, whether he still buys, when he is expected and what he likes to a
// host's evening, as a crm.Module: rules and segments read it as fields, such as
//
//	PAlive < 0.3 and WorthNext12 > 1000
//	segment loyal = leaf("Loyalty == 'active'")
//
// and a rule with on: {segment_entered: loyal} is told when a customer becomes it. Amounts are compared in units of the
// home currency: WorthNext12 > 1000 is more than 1,000 lira, not 1,000 kuruş. The fields are those of [crm.Module]'s
// Fields, each with a Doc that says what it is; the example of [New] lists them.
//
// With Config.Stages, Config.Tiers and Config.GivesUp there are LifeStage, Tier and what open tickets put at risk, too:
//
//	LifeStage == 'baby' and LifeStageConfidence > 0.99
//	Tier == 'most valuable' and TierCertain and AtRiskPerTicket > 500
//
// Fields are computed from what the customer bought, at the instant that is asked about, by models that were fitted
// to all customers: nothing is stored of a customer's value that could be out of date, and people who are merged or split have
// the values of what they bought at once. PAlive falls from day to day without anything being written.
//
// The step "worth" of each night fits the models again: MBG/NBD for purchases, Gamma-Gamma for what one is worth,
// the quantiles of RFM and the mean gap between purchases. It looks at the customers who changed since the night before alone, of
// whom it keeps when they first and last bought, how often and for how much, in states of the kind "worth/part", of
// which there are as many as the record has parts. Fits returns what was fitted: parameters with standard errors, the number of
// customers, the date and the version of the definitions.
//
// The step reads the change feed as the consumer "worth", and Prune keeps what that has not read. A host that takes the
// module out of its configuration calls Remove, which removes what the module keeps and its place in the feed; what is
// left without that takes room and does no harm. If the module comes back, it looks at everybody. So it does where
// Config.Version or this package counts otherwise than before: change Version, too, when vefa.Config.Rate comes to other amounts.
// One version at a time is for one record: two that take turns count everybody each time.
//
// Where a host erases a person's facts, the next night's step removes what is kept of him; Forget removes it at once.
//
// Sales that were cancelled or wholly returned are no purchases, and what is bought on one day is one. Amounts are in the
// home currency; with an amount in a currency without a rate, what a customer is worth is not known, nor is it
// before enough customers have bought: such fields are null.
package worth
