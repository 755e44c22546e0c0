package consent_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/consent"
)

// Every chain of a checkpoint of every size is shown to be in it by a path of hashes, and
// no other is.
func TestInclusion(t *testing.T) {
	for n := range 40 {
		c := &consent.Checkpoint{At: may}
		for i := range n {
			c.Heads = append(c.Heads, consent.ChainHead{Chain: consent.Hash{byte(i), 1}, Seq: int64(i + 1), Hash: consent.HashText(fmt.Sprint(i))})
		}
		for i := range n {
			in, ok := c.Include(c.Heads[i].Chain)
			require.True(t, ok)
			require.True(t, in.Check(), "%d of %d", i, n)
			for _, spoil := range []func(*consent.Inclusion){
				func(x *consent.Inclusion) { x.Of.Seq++ },
				func(x *consent.Inclusion) { x.Of.Hash[0] ^= 1 },
				func(x *consent.Inclusion) { x.Head.Root[0] ^= 1 },
				func(x *consent.Inclusion) { x.Index = -1 },
				func(x *consent.Inclusion) { x.Index = int64(n) },
				func(x *consent.Inclusion) { x.Path = append(slices.Clone(x.Path), consent.Hash{}) },
			} {
				bad := in
				spoil(&bad)
				require.False(t, bad.Check(), "%d of %d", i, n)
			}
		}
		_, ok := c.Include(consent.HashText("none"))
		require.False(t, ok)
	}
	// Golden: RFC 6962's tree over no leaf is the hash of nothing.
	require.Equal(t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", new(consent.Checkpoint).Head().Root.String())
}
