package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// However many links are used, what is kept of them does not grow, and with 10,000 links in a minute
// none of those who send five forms is refused.
func TestMeter(t *testing.T) {
	m := meter{most: 60}
	now := time.Unix(1_800_000_000, 0)
	for link := range uint64(10_000) {
		for range 5 {
			require.Zero(t, m.enter(link, now))
		}
	}
	require.Zero(t, testing.AllocsPerRun(10, func() {
		for link := range uint64(1000) {
			m.enter(link<<40, now)
		}
	}))
}
