// Package segmentbench holds what compares package segment with
// RoaringBitmap/roaring: benchmarks whose ratios come from one run, and tests
// that both agree on every set and on the bytes of the portable format. It is a
// module of its own, so that users of vefa do not get roaring.
//
//	go test -bench . ./internal/segmentbench
package segmentbench
