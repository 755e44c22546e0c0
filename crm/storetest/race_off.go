//go:build !race

package storetest

// raceEnabled tells that the race detector makes everything slow.
const raceEnabled = false
