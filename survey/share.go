package survey

// Share returns the 95 % confidence interval of the share k/n, on 0..1: the score
// interval of Wilson 1927, which holds for small n and for shares near 0 and 1. k is
// clamped to 0..n; without observations it is 0..1.
func Share(k, n int64) Interval { return wilson(k, n, z95) }
