//go:build race

package people_test

// raced says whether the race detector watches, which makes a linkage ten times as long.
const raced = true
