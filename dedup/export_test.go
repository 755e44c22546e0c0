package dedup

// What tests compare with.
var (
	ErrLongID   = errLongID
	ErrValues   = errValues
	ErrEntities = errEntities
)

// Constants are the numbers in learning and clustering, for a test that moves them.
func Constants() map[string]*float64 {
	return map[string]*float64{
		"priorPairs": &priorPairs, "assumedRecords": &assumedRecords, "leastChance": &leastChance,
		"leastAgreement": &leastAgreement, "leastExcess": &leastExcess, "novelty": &novelty, "coincidencePairs": &coincidencePairs,
		"leastApart": &leastApart, "leastFollowing": &leastFollowing,
		"leastWeight": &leastWeight, "mostWeight": &mostWeight, "vetoWeight": &vetoWeight,
	}
}

// Sizes are those that are counted.
func Sizes() map[string]*int {
	return map[string]*int{"samplePairs": &samplePairs, "learnPairs": &learnPairs, "blockPairs": &blockPairs, "sharePairs": &sharePairs}
}
