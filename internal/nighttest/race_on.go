//go:build race

package nighttest

// raced says whether the race detector watches, which makes an evening ten times as long.
const raced = true
