package api

import (
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// originSyntax is a web page's origin (RFC 6454, section 6.1): scheme, host and
// perhaps a port, nothing else.
var originSyntax = regexp.MustCompile(`^https?://(\[[0-9a-fA-F:.]+\]|[^\[\]:/?#@\s\\]+)(:[0-9]*)?$`)

// isOwnMachine tells, by package net alone, a page of this machine.
func isOwnMachine(origin string) bool {
	parts := originSyntax.FindStringSubmatch(origin)
	if parts == nil {
		return false
	}
	host := strings.Trim(parts[1], "[]")
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// isNamed is a Host that is neither localhost nor an IP address: a web page can
// make such a name lead here.
func isNamed(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	address, _, _ := strings.Cut(host, "%")
	return !strings.EqualFold(host, "localhost") && net.ParseIP(address) == nil
}

// mayCallItselfOwn is an origin that says the same host as the request.
func mayCallItselfOwn(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host == host
}

// FuzzOrigin asks for the private key, and tries to change peers, as a browser
// does for a page of any origin that calls the node by any name: none but a page
// of this machine, or of the node itself under an address, is let in, and no other
// may read an answer. What a page only embeds has no origin, but a site.
func FuzzOrigin(f *testing.F) {
	for _, origin := range []string{"", "null", "http://localhost:3000", "http://127.0.0.1", "https://[::1]:5000", "http://evil.test", "http://evil.test:5000",
		"http://localhost.evil.test", "http://127.0.0.1.evil.test", "http://localhost@evil.test", "http://evil.test#localhost", "http://192.0.2.1:5000",
		"http://LOCALHOST", "file://", "http://localhost/", "http://[::1", "http://0x7f.1", "http://127.0.0.1:5000\r\nX: y", "http://[::ffff:127.0.0.1]"} {
		f.Add(origin, ownHost, "cross-site")
		f.Add(origin, "evil.test:5000", "same-origin")
		f.Add(origin, "localhost:5000", "")
	}
	f.Fuzz(func(t *testing.T, origin, host, site string) {
		node := richNode(t)
		header := http.Header{"Content-Type": {"application/json"}}
		if origin != "" {
			header.Set("Origin", origin)
		}
		if site != "" {
			header.Set("Sec-Fetch-Site", site)
		}
		permitted := isOwnMachine(origin) || mayCallItselfOwn(origin, host) && !isNamed(host)
		foreign := origin != "" && !permitted || origin == "" && site != "" && site != "same-origin" && site != "none"
		before := ledgerState(node)
		for _, r := range [][3]string{
			{"GET", "/wallet", ""}, {"POST", "/wallet", ""}, {"POST", "/node", `{"node": "127.0.0.1:5001"}`},
			{"DELETE", "/node/127.0.0.1:5001", ""}, {"POST", "/transaction", `{"recipient": "r", "amount": 1}`}, {"POST", "/mine", ""},
			{"POST", "/v1/peers", `{"address": "127.0.0.1:5002"}`}, {"GET", "/chain", ""}, {"OPTIONS", "/wallet", ""},
		} {
			answer := sendTo(node.handler, host, r[0], r[1], header, r[2])
			allowed := answer.Header().Get("Access-Control-Allow-Origin")
			if allowed != "" && (allowed != origin || !permitted) {
				t.Errorf("%s: a page of %q may read it: %q", r, origin, allowed)
			}
			shown := showsPrivateKey(node, answer.Body.String())
			if shown && (r[1] != "/wallet" || isNamed(host) || foreign) {
				t.Errorf("%s: the private key for origin %q, host %q", r, origin, host)
			}
			if foreign && r[1] != "/chain" && r[0] != "OPTIONS" && answer.Code != http.StatusForbidden {
				t.Errorf("%s: %d for a page of %q at %q", r, answer.Code, origin, host)
			}
		}
		if foreign && ledgerState(node) != before {
			t.Errorf("a page of %q changed the ledger", origin)
		}
	})
}

// sendTo sends a request over loopback that names the node by a host.
func sendTo(handler http.Handler, host, method, path string, header http.Header, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Host = host
	maps.Copy(request.Header, header)
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, between("127.0.0.1:5000", "127.0.0.1:1234", request))
	return answer
}
