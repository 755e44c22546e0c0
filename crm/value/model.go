package value

// Model is a fitted model of purchases in continuous time: BGNBD, MBGNBD, ParetoNBD, GGomNBD.
//
// What a method returns of a history that Purchases.Validate refuses, or of a time or number
// below 0, is NaN.
type Model interface {
	// Alive returns the probability that a customer still buys.
	Alive(p Purchases) float64
	// AliveAfter returns the probability that he does when t more has gone by.
	AliveAfter(p Purchases, t float64) float64
	// Expect returns how many repeats a new customer is expected to make until t after the
	// first purchase.
	Expect(t float64) float64
	// ExpectAfter returns how many purchases a customer is expected to make in the next t.
	ExpectAfter(p Purchases, t float64) float64
	// Probability returns the probability that a new customer makes n repeats until t.
	Probability(n int, t float64) float64
	// ProbabilityAfter returns the probability that a customer makes n purchases in the next t.
	ProbabilityAfter(p Purchases, n int, t float64) float64
	// LogLikelihood returns that of a sample.
	LogLikelihood(s *Sample) float64
}

var (
	_ Model = BGNBD{}
	_ Model = MBGNBD{}
)
