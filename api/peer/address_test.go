package peer

import (
	"errors"
	"net"
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:5001":           "127.0.0.1:5001",
		"localhost:5001":           "localhost:5001",
		"LocalHost:05001":          "localhost:5001",
		"node_1.example-net.org:1": "node_1.example-net.org:1",
		"[::1]:65535":              "[::1]:65535",
		"[2001:DB8:0:0::1]:80":     "[2001:db8::1]:80",
		"[::ffff:10.0.0.1]:80":     "[::ffff:10.0.0.1]:80",
		"7up.example:80":           "7up.example:80",
	} {
		got, err := ParseAddress(in)
		if err != nil || got != want {
			t.Errorf("ParseAddress(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for _, in := range []string{
		"", ":", "localhost", "localhost:", ":5000", "localhost:0", "localhost:65536", "localhost:+80",
		"localhost:http", "localhost:-1", "localhost:80 ", " localhost:80", "local host:80",
		"http://localhost:80", "localhost:80/", "localhost:80/chain", "user@localhost:80", "a:b@localhost:80",
		"localhost:80?x", "localhost:80#x", "localhost\r\n:80", "localhost:80\n", "%6c:80",
		"::1:5000", "[::1]", "[::1%eth0]:80", "[127.0.0.1]:80", "[localhost]:80", "[]:80", "[::1]x:80",
		"127.1:80", "0X7F000001:80", "2130706433:80", "127.0.0.01:80", "1.2.3.4.5:80", "256.1.1.1:80",
		"a..b:80", ".a:80", "a.:80", "-a:80", "a-:80", "z\u00fcrich:80", "\u212aelvin:80", "a\x00b:80",
		strings.Repeat("a", 64) + ":80", strings.Repeat("a.", 127) + "a:80",
	} {
		if got, err := ParseAddress(in); !errors.Is(err, ErrAddress) {
			t.Errorf("ParseAddress(%q) = %q, %v; want ErrAddress", in, got, err)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"127.0.0.1:5001", "LOCALHOST:05001", "[::1]:80", "[::ffff:1.2.3.4]:1", "a/b:1", "x@y:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		normal, err := ParseAddress(s)
		if err != nil {
			if !errors.Is(err, ErrAddress) || normal != "" {
				t.Fatalf("ParseAddress(%q) = %q, %v; want \"\" and ErrAddress", s, normal, err)
			}
			return
		}
		again, err := ParseAddress(normal)
		if err != nil || again != normal {
			t.Fatalf("ParseAddress(%q) = %q, but that parses to %q, %v", s, normal, again, err)
		}
		if strings.ContainsAny(normal, "/\\@?#% \t\r\n") || normal != strings.ToLower(normal) {
			t.Fatalf("ParseAddress(%q) = %q is more than a host and a port", s, normal)
		}
		if _, _, err := net.SplitHostPort(normal); err != nil {
			t.Fatalf("ParseAddress(%q) = %q: %v", s, normal, err)
		}
	})
}
