package link

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func prefixes(of ...string) (out []netip.Prefix) {
	for _, s := range of {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestNetworks(t *testing.T) {
	n, err := NewNetworks(map[Network][]netip.Prefix{
		NetworkScanner: prefixes("192.0.2.7/24", "198.51.100.9/32", "2001:db8:1::/48"),
		NetworkCarrier: prefixes("198.51.0.0/16", "100.64.0.0/10", "2001:db8::/32"),
	})
	require.NoError(t, err)
	for address, want := range map[string]Network{
		"192.0.2.255": NetworkScanner, "192.0.3.0": NetworkUnknown, "::ffff:192.0.2.1": NetworkScanner,
		"198.51.100.9": NetworkScanner, "198.51.100.8": NetworkCarrier, "100.127.255.255": NetworkCarrier, "100.128.0.0": NetworkUnknown,
		"2001:db8:1::5": NetworkScanner, "2001:db8:2::5": NetworkCarrier, "2001:db8:1::5%eth0": NetworkScanner, "2001:db9::": NetworkUnknown,
	} {
		assert.Equal(t, want, n.Of(netip.MustParseAddr(address)), address)
	}
	assert.Equal(t, NetworkUnknown, n.Of(netip.Addr{}))
	assert.Equal(t, NetworkUnknown, (*Networks)(nil).Of(netip.MustParseAddr("192.0.2.1")))
	for _, bad := range []map[Network][]netip.Prefix{
		{"bots": nil}, {NetworkScanner: {{}}}, {NetworkScanner: prefixes("::ffff:1.2.3.0/120")},
		{NetworkScanner: prefixes("192.0.2.0/24"), NetworkCarrier: prefixes("192.0.2.1/24")},
	} {
		_, err := NewNetworks(bad)
		assert.Error(t, err)
	}
}

// TestHandlerKeepsTheNetwork records what was known of the address, which the
// click's hash does not lead back to.
func TestHandlerKeepsTheNetwork(t *testing.T) {
	n, err := NewNetworks(map[Network][]netip.Prefix{NetworkScanner: prefixes("192.0.2.0/24")})
	require.NoError(t, err)
	s := newSite(t, func(c *Config, _ *LogConfig) { c.Network = n.Of })
	require.Equal(t, http.StatusFound, s.get(t, "GET", "/"+mint(t, s.codec, PurposeClick, 5)).Code)
	clicks := s.flushed(t)
	require.Len(t, clicks, 1)
	assert.Equal(t, NetworkScanner, clicks[0].Network)
}
