// Package interleave runs one transaction in the middle of another, before a call
// that a test chooses, so that what two writers do to each other is tested without
// luck and without waiting. It also checks that the first of them locks what it
// changes, in the order that the library keeps: anchors of facts, customers,
// addresses.
package interleave
