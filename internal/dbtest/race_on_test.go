//go:build race

package dbtest

// raced says whether the race detector watches.
const raced = true
