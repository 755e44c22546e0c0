package people

// Constants are the numbers of the preset that nothing is learnt of, for a test that moves them.
func Constants() map[string]*float64 {
	return map[string]*float64{"leastLike": &leastLike, "assumedDuplicates": &assumedDuplicates, "assumedRelated": &assumedRelated}
}

// GenerationYears is that which is counted in years.
func GenerationYears() *int { return &generationYears }
