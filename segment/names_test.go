package segment_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/segment"
)

// TestNamesThatReadAsOthers refuses what cannot be seen in a name. Case D11.
func TestNamesThatReadAsOthers(t *testing.T) {
	for _, bad := range []string{"\u202evip", "vip\u200b", "a\u2066b\u2069", "\ufeffvip", "vi\u2060p"} {
		_, err := segment.ParseDefinitions(fmt.Sprintf("segment a = %q", bad), segment.Limits{})
		require.ErrorContains(t, err, "invisible character", bad)
		_, err = segment.ParseDefinitions(fmt.Sprintf("segment %q = vip", bad), segment.Limits{})
		require.ErrorContains(t, err, "invisible character", bad)
	}
	_, err := segment.ParseDefinitions("segment a = \"می\u200cخواهم\"", segment.Limits{}) // letters that a joiner keeps apart
	require.NoError(t, err)
}
