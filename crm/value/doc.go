// Package value says what customers are worth: how often each is going to buy, whether he still
// buys at all, what he spends, and what that is worth today.
//
// A retailer without contracts never hears that a customer has left. The models of this package
// read it from three numbers of each customer (Purchases: how many purchases after the first, how
// old the customer was at the last, how old he is now) and estimate four parameters for all of
// them together by maximum likelihood:
//
//	p, err := value.FromDays(days, today, 7)    // of each customer, in weeks
//	s, err := value.Condense(purchases)         // from any iter.Seq, in any order
//	m, fit, err := value.FitBGNBD(ctx, s)       // r, alpha, a, b with standard errors
//	m.Alive(p)                                  // the probability that p still buys
//	m.ExpectAfter(p, 52)                        // purchases that p makes in the next 52 weeks
//	m.Expect(52)                                // and those of a new customer
//
// Time is in a unit of the caller's, the same everywhere; the papers use weeks. Several purchases
// on one day count as one.
//
//   - BGNBD: beta-geometric/NBD, Fader, Hardie and Lee 2005: a customer may leave after each
//     purchase. Who bought once is alive for certain.
//   - MBGNBD: the modified one, Batislam, Denizel and Filiztekin 2007: he may also leave after
//     the first.
//   - ParetoNBD: Schmittlein, Morrison and Colombo 1987: he may leave at any time.
//   - GGomNBD: Bemmaor and Glady 2012: at a rate that grows with his age.
//   - BGBB: beta-geometric/beta-binomial, Fader, Hardie and Shang 2010: purchases at fixed
//     opportunities, such as once a year, of which each is taken or not.
//   - GammaGamma: Fader and Hardie 2013: what a purchase of each customer is worth on average,
//     from those he made.
//   - SBG: shifted beta-geometric, Fader and Hardie 2007: how long contracts are renewed.
//
// What else is known of customers and does not change, such as membership, goes into ParetoNBDEffects and
// BGNBDEffects as covariates: they return a model for each customer.
//
// Terms.Worth combines a model of purchases with the value of one into a discounted sum. Valuate says what customers
// have brought, will bring and could, and TierDefinition whom to keep, to win more of, and to serve for less. Recover says
// who came back after a complaint was solved, and AtRisk what may be lost of those whose tickets are open.
//
// A parameter may run to a boundary where the data do not tell it (no customer ever bought twice;
// all are alike): Fit functions then return the model, the fit and an error that is a
// *BoundaryError and names the parameter. All else that a Fit function returns with a nil error
// is a stationary point of the likelihood. Predictions are finite for any history that
// Purchases.Validate accepts.
//
// The package imports nothing of this module. Its results do not depend on the order of the
// customers or on GOMAXPROCS.
package value
