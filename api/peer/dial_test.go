package peer

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestGuard(t *testing.T) {
	local := newGuard([]string{"127.0.0.1:5000", "[::1]:5000", "localhost:5000"})
	everywhere := newGuard([]string{"0.0.0.0:5000"})
	everywhere.interfaces = func() ([]net.Addr, error) {
		return []net.Addr{&net.IPNet{IP: net.ParseIP("10.0.0.7").To4(), Mask: net.CIDRMask(8, 32)},
			&net.IPNet{IP: net.ParseIP("2001:db8::7"), Mask: net.CIDRMask(64, 128)}}, nil
	}
	named := newGuard([]string{"node.example:5000"})
	named.interfaces = everywhere.interfaces
	for _, test := range []struct {
		name    string
		guard   guard
		address string
		want    error
	}{
		{"unspecified", local, "0.0.0.0:80", ErrForbidden},
		{"this network", local, "0.1.2.3:80", ErrForbidden},
		{"unspecified, IPv6", local, "[::]:80", ErrForbidden},
		{"link-local", local, "169.254.1.1:80", ErrForbidden},
		{"metadata", local, "169.254.169.254:80", ErrForbidden},
		{"metadata, mapped", local, "[::ffff:169.254.169.254]:80", ErrForbidden},
		{"metadata, NAT64", local, "[64:ff9b::a9fe:a9fe]:80", ErrForbidden},
		{"metadata, 6to4", local, "[2002:a9fe:a9fe::1]:80", ErrForbidden},
		{"metadata, compatible", local, "[::a9fe:a9fe]:80", ErrForbidden},
		{"metadata, Alibaba", local, "100.100.100.200:80", ErrForbidden},
		{"metadata, Azure", local, "168.63.129.16:80", ErrForbidden},
		{"metadata, Oracle", local, "192.0.0.192:80", ErrForbidden},
		{"metadata, Amazon IPv6", local, "[fd00:ec2::254]:80", ErrForbidden},
		{"metadata, Google IPv6", local, "[fd20:ce::254]:80", ErrForbidden},
		{"link-local, IPv6", local, "[fe80::1%eth0]:80", ErrForbidden},
		{"multicast", local, "224.0.0.1:80", ErrForbidden},
		{"multicast, IPv6", local, "[ff02::1]:80", ErrForbidden},
		{"broadcast", local, "255.255.255.255:80", ErrForbidden},
		{"no address", local, "somewhere:80", ErrForbidden},
		{"own", local, "127.0.0.1:5000", ErrSelf},
		{"own, mapped", local, "[::ffff:127.0.0.1]:5000", ErrSelf},
		{"own, IPv6", local, "[::1]:5000", ErrSelf},
		{"another port", local, "127.0.0.1:5001", nil},
		{"another loopback address", local, "127.0.0.2:5000", nil},
		{"private", local, "10.0.0.7:5000", nil},
		{"private, IPv6", local, "[fd12::1]:5000", nil},
		{"carrier-grade NAT", local, "100.64.0.1:80", nil},
		{"public", local, "8.8.8.8:80", nil},
		{"NAT64", local, "[64:ff9b::808:808]:80", nil},
		{"an interface", everywhere, "10.0.0.7:5000", ErrSelf},
		{"an interface, IPv6", everywhere, "[2001:db8::7]:5000", ErrSelf},
		{"loopback", everywhere, "127.9.9.9:5000", ErrSelf},
		{"a neighbour", everywhere, "10.0.0.8:5000", nil},
		{"another port of the machine", everywhere, "10.0.0.7:5001", nil},
		{"an interface of a named host", named, "10.0.0.7:5000", ErrSelf},
	} {
		if err := test.guard.control(t.Context(), "tcp", test.address, nil); !errors.Is(err, test.want) || test.want == nil && err != nil {
			t.Errorf("%s: %s: %v, want %v", test.name, test.address, err, test.want)
		}
	}
}

// names is a name server that says where names lead.
func names(t *testing.T, addresses map[string]string) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() { // ends with the listener
		question := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(question)
			if err != nil {
				return
			}
			if reply, err := dnsReply(question[:n], addresses); err == nil {
				_, _ = server.WriteTo(reply, from)
			}
		}
	}()
	dialer := net.Dialer{}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// dnsReply answers a question for an A or AAAA record.
func dnsReply(question []byte, addresses map[string]string) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	q := m.Questions[0]
	ip, err := netip.ParseAddr(addresses[strings.TrimSuffix(q.Name.String(), ".")])
	header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
	switch {
	case err != nil:
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA && ip.Is4():
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: ip.As4()}}}
	case q.Type == dnsmessage.TypeAAAA && ip.Is6():
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}}}
	}
	return m.Pack()
}

// A name that leads to a forbidden place is not followed there, and not tried
// again; one that leads to a good place is, whatever the environment says of
// proxies.
func TestNamesLeadNowhereForbidden(t *testing.T) {
	good, proxy := newScript(t, reply(201, "{}")), newScript(t, reply(201, "{}"))
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	port := strconv.Itoa(int(netip.MustParseAddrPort(good.address).Port()))
	resolver := names(t, map[string]string{
		"good.example.test": "127.0.0.1", "metadata.example.test": "169.254.169.254", "self.example.test": "127.0.0.1",
		"metadata6.example.test": "fd00:ec2::254",
	})
	for _, test := range []struct {
		name, port string
		want       error
	}{
		{"good", port, nil},
		{"metadata", "80", ErrForbidden},
		{"metadata6", "80", ErrForbidden},
		{"self", "5000", ErrSelf},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := test.name + ".example.test:" + test.port
			n := newNetwork(t, Config{
				Ledger: newLedger(newChain(0, 0), address), Resolver: resolver, Self: []string{"127.0.0.1:5000"},
			})
			run(t, n)
			n.BroadcastBlock(t.Context(), newChain(1, 0)[1])
			got := stats(t, n, address)
			if test.want == nil {
				if got.Sent != 1 {
					t.Errorf("stats %+v", got)
				}
				return
			}
			wanted := got.Failed == 1 && got.State == StateUnreachable && strings.HasPrefix(got.LastError, "try 1: ")
			if !wanted || !strings.HasSuffix(got.LastError, test.want.Error()+": "+ofError(got.LastError)) {
				t.Errorf("stats %+v, want %v at the first try", got, test.want)
			}
			_, err := n.client.open(t.Context(), address, "/v1/status", 1)
			if !errors.Is(err, test.want) {
				t.Errorf("GET: %v, want %v", err, test.want)
			}
		})
	}
	if got := proxy.paths(); got != nil {
		t.Errorf("the proxy was asked for %q", got)
	}
	if got := good.requests(); len(got) != 1 || got[0].header.Get("Cookie") != "" {
		t.Errorf("requests %+v", got)
	}
}

// ofError is what follows an error's last ": ".
func ofError(text string) string { return text[strings.LastIndex(text, ": ")+2:] }

func TestNoCookies(t *testing.T) {
	n := New(Config{Ledger: newLedger(newChain(0, 0))})
	for _, client := range []*http.Client{n.client.posts, n.client.gets} {
		if client.Jar != nil {
			t.Error("cookies are kept")
		}
	}
}
