package peer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ErrAddress means that a text is not the address of a peer.
var ErrAddress = errors.New("not the address of a peer (host:port)")

// maxNameLength is the longest DNS name, in bytes (RFC 1035).
const maxNameLength = 253

// ParseAddress checks that s is host:port and nothing else, and returns its
// one normal spelling: lower case, the port without leading zeros, IPv6 in
// brackets. The host is a DNS name, an IPv4 address or an IPv6 address
// without a zone; the port lies in 1..65535. The error wraps [ErrAddress].
func ParseAddress(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Errorf("%w: %q: %w", ErrAddress, s, err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return "", fmt.Errorf("%w: %q: the port must be a number from 1 to 65535", ErrAddress, s)
	}
	if strings.HasPrefix(s, "[") {
		host, err = normalIPv6(host)
	} else {
		host, err = normalHost(host)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %q: %w", ErrAddress, s, err)
	}
	return net.JoinHostPort(host, strconv.FormatUint(number, 10)), nil
}

func normalIPv6(host string) (string, error) {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "", err
	}
	if !ip.Is6() || ip.Zone() != "" {
		return "", errors.New("only IPv6 addresses without a zone stand in brackets")
	}
	return ip.String(), nil
}

// normalHost accepts an IPv4 address or a DNS name.
func normalHost(host string) (string, error) {
	if len(host) == 0 || len(host) > maxNameLength {
		return "", fmt.Errorf("the host must have 1 to %d characters", maxNameLength)
	}
	for label := range strings.SplitSeq(host, ".") {
		if err := checkLabel(label); err != nil {
			return "", err
		}
	}
	// Not before the check: the Kelvin sign's lower case is an ordinary k.
	host = strings.ToLower(host)
	// Resolvers take "127.1", "017700000001" or "0x7f.1" for IPv4 addresses;
	// one address must not have several spellings.
	if !looksNumeric(host[strings.LastIndexByte(host, '.')+1:]) {
		return host, nil
	}
	ip, err := netip.ParseAddr(host)
	return ip.String(), err
}

// checkLabel accepts one part of a DNS name. The underscore is not of DNS but
// container networks use it in host names.
func checkLabel(label string) error {
	if len(label) == 0 || len(label) > 63 {
		return errors.New("each part of the host must have 1 to 63 characters")
	}
	if label[0] == '-' || label[len(label)-1] == '-' {
		return errors.New("no part of the host may begin or end with a hyphen")
	}
	for _, c := range []byte(label) {
		if !isLetter(c) && !isDigit(c) && c != '-' && c != '_' {
			return errors.New("the host may consist of ASCII letters, digits, '-', '_' and '.' only")
		}
	}
	return nil
}

func looksNumeric(label string) bool {
	if strings.HasPrefix(label, "0x") {
		return true
	}
	for _, c := range []byte(label) {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
