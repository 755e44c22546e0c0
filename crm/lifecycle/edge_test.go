package lifecycle

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEdges: the window ends with the day that is as many days back as it is long, and twice the gap is not beyond it.
func TestEdges(t *testing.T) {
	d := Definition{Version: "1", Window: 30, Prior: Prior{Gap: 10, Weight: 1}}
	for _, c := range []struct {
		bought []int
		day    int
		acts   int
		state  State
	}{
		{[]int{0, 29}, 29, 2, Active}, {[]int{0, 30}, 30, 1, Waiting},
		{[]int{0}, 20, 1, New}, {[]int{0}, 21, 1, Gone},
	} {
		w, err := d.State(Customer{Purchases: c.bought}, c.day)
		require.NoError(t, err)
		require.Equal(t, c.acts, w.Acts, c)
		require.Equal(t, c.state, w.State, c)
	}
}
