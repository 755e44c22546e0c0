//go:build race

package rules_test

// raced reports whether the race detector runs. It makes sync.Pool forget at random, so
// that nothing can be said about allocations.
const raced = true
