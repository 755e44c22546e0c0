package segmentbench

import (
	"context"
	"fmt"
	"testing"

	"github.com/vefacrm/vefa/segment"
)

// What people ask while they edit a segment and when they tidy up.

// BenchmarkPreviewTree counts all 17 nodes of a definition over ten tags, and
// BenchmarkWaterfall its exclusions in order, alone and only.
func BenchmarkPreviewTree(b *testing.B) {
	questions(b, func(v *segment.View) error { _, err := v.Preview("tree", day0); return err })
}

func BenchmarkWaterfall(b *testing.B) {
	questions(b, func(v *segment.View) error { _, err := v.Waterfall("tree", day0); return err })
}

func questions(b *testing.B, ask func(*segment.View) error) {
	var tags []segment.Expr
	for t := range 10 {
		tags = append(tags, segment.Tag(tagName(10*t)))
	}
	tree := segment.Without(segment.All(segment.Any(tags[0], tags[1]), segment.Any(tags[2], tags[3]), segment.AtLeast(2, tags[4:7]...)), tags[7:]...)
	for _, n := range []int{1_000_000, 10_000_000} {
		b.Run(fmt.Sprintf("%dM", n/1_000_000), func(b *testing.B) {
			idx := indexOf(b, n)
			if _, err := idx.Define(day0, segment.Definition{Name: "tree", Expr: tree}); err != nil {
				b.Fatal(err)
			}
			v := idx.View()
			alone(b, func() {
				if err := ask(v); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkHousekeeping: a thousand segments over a million customers.
func BenchmarkHousekeeping(b *testing.B) {
	idx := indexOf(b, 1_000_000)
	names := define1000(b, idx)
	v := idx.View()
	b.Run("lint", func(b *testing.B) {
		alone(b, func() {
			if _, _, err := v.Lint(context.Background(), day0, segment.LintOptions{}); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("nearest", func(b *testing.B) {
		alone(b, func() {
			if _, err := v.Nearest(names[0], 5, day0); err != nil {
				b.Fatal(err)
			}
		})
	})
}
