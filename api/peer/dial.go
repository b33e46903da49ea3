package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

var (
	// ErrForbidden means that a peer's name led to an address at which no node
	// can be: link-local, multicast, unspecified, broadcast, or the metadata
	// service of a cloud.
	ErrForbidden = errors.New("no peer may have this address")
	// ErrSelf means that a peer's name led to this node itself.
	ErrSelf = errors.New("this node is not a peer of its own")
)

// forbidden are the networks and hosts that a name must not lead to, besides
// those that net/netip knows by kind. Whoever can name a peer, or answer for the
// name of one, could else send this node's requests there.
func forbidden() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),          // this network (RFC 1122), on many systems this host
		netip.MustParsePrefix("255.255.255.255/32"), // broadcast
		netip.MustParsePrefix("100.100.100.200/32"), // metadata: Alibaba
		netip.MustParsePrefix("168.63.129.16/32"),   // metadata: Azure
		netip.MustParsePrefix("192.0.0.192/32"),     // metadata: Oracle
		netip.MustParsePrefix("fd00:ec2::/32"),      // metadata: Amazon
		netip.MustParsePrefix("fd20:ce::254/128"),   // metadata: Google
	}
}

// embedding are the IPv6 networks whose addresses contain an IPv4 one, and the
// byte where it begins: NAT64 (RFC 6052), 6to4 (RFC 3056) and IPv4-compatible
// addresses (RFC 4291).
func embedding() map[netip.Prefix]int {
	return map[netip.Prefix]int{
		netip.MustParsePrefix("64:ff9b::/96"): 12,
		netip.MustParsePrefix("2002::/16"):    2,
		netip.MustParsePrefix("::/96"):        12,
	}
}

// guard decides which addresses may be dialled. It sees what a name was
// resolved to, so that no answer of a name server gets around it.
type guard struct {
	ports      map[uint16]bool // of this node
	own        map[netip.Addr]bool
	everywhere bool // this node listens on all addresses of the machine
	interfaces func() ([]net.Addr, error)

	networks []netip.Prefix
	embedded map[netip.Prefix]int
}

// newGuard takes the addresses of this node. A host that is no IP address may
// stand for any of the machine's, and an empty or unspecified one for all.
func newGuard(self []string) guard {
	g := guard{
		ports: map[uint16]bool{}, own: map[netip.Addr]bool{}, interfaces: net.InterfaceAddrs,
		networks: forbidden(), embedded: embedding(),
	}
	for _, address := range self {
		host, port, err := net.SplitHostPort(address)
		number, notNumber := strconv.ParseUint(port, 10, 16)
		if err != nil || notNumber != nil {
			continue
		}
		g.ports[uint16(number)] = true
		ip, err := netip.ParseAddr(host)
		switch {
		case host == "localhost":
		case err != nil || ip.IsUnspecified():
			g.everywhere = true
		default:
			g.own[ip.Unmap()] = true
		}
	}
	return g
}

// control is net.Dialer.ControlContext. Errors wrap ErrForbidden or ErrSelf.
func (g guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	ip := target.Addr().Unmap().WithZone("")
	if g.forbids(ip) {
		return fmt.Errorf("%w: %v", ErrForbidden, ip)
	}
	if g.ports[target.Port()] && g.isOwn(ip) {
		return fmt.Errorf("%w: %v", ErrSelf, target)
	}
	return nil
}

func (g guard) forbids(ip netip.Addr) bool {
	if ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast() {
		return true
	}
	for _, network := range g.networks {
		if network.Contains(ip) {
			return true
		}
	}
	for network, at := range g.embedded {
		if network.Contains(ip) && !ip.IsLoopback() {
			bytes := ip.As16()
			return g.forbids(netip.AddrFrom4([4]byte(bytes[at : at+4])))
		}
	}
	return false
}

// isOwn is true for an address at which this node listens. The machine's
// interfaces are looked up each time: they come and go.
func (g guard) isOwn(ip netip.Addr) bool {
	if g.own[ip] {
		return true
	}
	if !g.everywhere {
		return false
	}
	addresses, _ := g.interfaces() // what can't be listed can't be compared
	for _, address := range addresses {
		network, err := netip.ParsePrefix(address.String())
		if err == nil && network.Addr().Unmap().WithZone("") == ip {
			return true
		}
	}
	return ip.IsLoopback()
}
