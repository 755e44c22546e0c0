// Package metric holds string metrics: how alike two texts are, from 0 to 1. Most
// pairs are far from alike; a [Sketcher] says so from 64 bits of each.
package metric

// A Metric says how alike two values are, from 0 to 1. It must be symmetric,
// deterministic and safe for concurrent use. Any StringMetric of
// github.com/adrg/strutil is one.
type Metric interface {
	Compare(a, b string) float64
}
