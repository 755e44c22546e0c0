package link

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// Network is what is known of the range that a client's address is in. Clicks
// keep it, because nothing leads from their hash back to the address.
type Network string

// The networks.
const (
	NetworkUnknown Network = ""        // in no range that is known
	NetworkScanner Network = "scanner" // of a service that follows links by itself: its requests are a machine's
	NetworkCarrier Network = "carrier" // of a carrier that puts many people behind one address
)

// Networks finds the Network of an address in sets of ranges, such as those that
// mail filters and carriers publish. It is immutable and safe for concurrent use;
// nil knows no range.
type Networks struct {
	ranges map[netip.Prefix]Network
	bits   [2][]int // the lengths of IPv4 and IPv6 ranges, longest first
}

// NewNetworks returns a set of ranges. Of ranges within one another the longest
// counts. Host bits of a range are ignored, and IPv4 ranges must not be written
// as IPv6. It fails for a range that is not valid or is in two networks, and for
// a network that is none of the constants.
func NewNetworks(of map[Network][]netip.Prefix) (*Networks, error) {
	n := &Networks{ranges: map[netip.Prefix]Network{}}
	var faults []error
	for _, network := range slices.Sorted(maps.Keys(of)) {
		if network != NetworkScanner && network != NetworkCarrier {
			faults = append(faults, fmt.Errorf("link: network %q is not known", network))
			continue
		}
		for _, p := range of[network] {
			if !p.IsValid() || p.Addr().Is4In6() {
				faults = append(faults, fmt.Errorf("link: networks: %s is no range", p))
				continue
			}
			p = p.Masked()
			if was, ok := n.ranges[p]; ok && was != network {
				faults = append(faults, fmt.Errorf("link: networks: %s is of a %s and of a %s", p, was, network))
				continue
			}
			n.ranges[p] = network
			family := family(p.Addr())
			n.bits[family] = append(n.bits[family], p.Bits())
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	for i := range n.bits {
		slices.Sort(n.bits[i])
		n.bits[i] = slices.Compact(n.bits[i])
		slices.Reverse(n.bits[i])
	}
	return n, nil
}

// Of returns the network of an address, NetworkUnknown where no range has it.
// The zone of an address does not matter.
func (n *Networks) Of(a netip.Addr) Network {
	if n == nil || !a.IsValid() {
		return NetworkUnknown
	}
	a = a.Unmap().WithZone("")
	for _, bits := range n.bits[family(a)] {
		p, err := a.Prefix(bits)
		if err != nil {
			return NetworkUnknown
		}
		if network, ok := n.ranges[p]; ok {
			return network
		}
	}
	return NetworkUnknown
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}
