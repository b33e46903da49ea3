package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lode/chain/wire"
)

const (
	testToken    = "correct-horse-battery-staple"
	evilOrigin   = "https://evil.example"
	reboundHost  = "evil.example:5000" // a name that leads here by DNS rebinding
	portsOrigin  = "http://localhost:3000"
	frontOrigin  = "https://front.example" // --cors-origin
	allowedHost  = "node.example"          // --allowed-host
	accessGolden = "testdata/access.txt"
)

// requester is who asks, and how that shows in the request.
type requester struct {
	name   string // one letter, the column
	who    string
	remote bool // the connection is not within this machine
	secure bool // over TLS
	onlyS  bool // the node has TLS
	host   string
	header map[string]string
	unsafe map[string]string // beside header, in requests that change something
}

func requesters() []requester {
	origin := func(o string) map[string]string { return map[string]string{"Origin": o} }
	site := func(s string) map[string]string { return map[string]string{"Sec-Fetch-Site": s} }
	both := func(o, s string) map[string]string { return map[string]string{"Origin": o, "Sec-Fetch-Site": s} }
	bearer := func(t string) map[string]string { return map[string]string{"Authorization": "Bearer " + t} }
	own := "127.0.0.1:5000"
	return []requester{
		{name: "A", who: "a program of this machine", host: own},
		{name: "B", who: "somebody who types the address, at localhost", host: "localhost:5000", header: site("none")},
		{name: "C", who: "a page of the node itself", host: own, header: site("same-origin"), unsafe: origin("http://" + own)},
		{name: "D", who: "a page of this machine on another port, fetch", host: own, header: both(portsOrigin, "same-site")},
		{name: "E", who: "the same, as an image or by a link", host: own, header: site("same-site")},
		{name: "F", who: "a page of --cors-origin, fetch", host: own, header: both(frontOrigin, "cross-site")},
		{name: "G", who: "a page from elsewhere, fetch", host: own, header: both(evilOrigin, "cross-site")},
		{name: "H", who: "the same, as an image, by a form or a link", host: own, header: site("cross-site"), unsafe: origin(evilOrigin)},
		{name: "I", who: "the same, a browser that sends no Sec-Fetch-Site", host: own, header: origin(evilOrigin)},
		{name: "J", who: "a page from a file or in a sandbox", host: own, header: both("null", "cross-site")},
		{name: "K", who: "a page from elsewhere by DNS rebinding", host: reboundHost, unsafe: origin("http://" + reboundHost)},
		{name: "L", who: "a program of this machine that asks for --allowed-host", host: allowedHost + ":5000"},
		{name: "M", who: "a remote program without a token", remote: true, host: "10.0.0.1:5000"},
		{name: "N", who: "a remote program with a wrong token", remote: true, host: "10.0.0.1:5000", header: bearer(testToken + "r")},
		{name: "O", who: "a remote program with the token, under any name", remote: true, host: "any.example:5000", header: bearer(testToken)},
		{name: "P", who: "a remote page of the node's own address, without a token", remote: true, host: "10.0.0.1:5000", unsafe: origin("http://10.0.0.1:5000")},
		{name: "Q", who: "a remote page from elsewhere that has the token", remote: true, host: "10.0.0.1:5000", header: map[string]string{"Origin": evilOrigin, "Authorization": "Bearer " + testToken}},
		{name: "R", who: "a remote page of --cors-origin with the token", remote: true, host: "10.0.0.1:5000", header: map[string]string{"Origin": frontOrigin, "Authorization": "Bearer " + testToken}},
		{name: "S", who: "the node has TLS: a program of this machine, plain", onlyS: true, host: own},
		{name: "T", who: "the node has TLS: a remote program with the token, plain", onlyS: true, remote: true, host: "10.0.0.1:5000", header: bearer(testToken)},
		{name: "U", who: "the node has TLS: a remote program with the token, TLS", onlyS: true, secure: true, remote: true, host: "10.0.0.1:5000", header: bearer(testToken)},
		{name: "V", who: "the node has TLS: a remote program without a token, TLS", onlyS: true, secure: true, remote: true, host: "10.0.0.1:5000"},
	}
}

func (q requester) request(method, path string, body []byte) *http.Request {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Host = q.host
	if q.remote {
		r = between("10.0.0.1:5000", "10.0.0.2:40000", r)
	} else {
		r = between("127.0.0.1:5000", "127.0.0.1:40000", r)
	}
	if q.secure {
		r.TLS = &tls.ConnectionState{}
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	if !isSafe(method) {
		for name, value := range q.unsafe {
			r.Header.Set(name, value)
		}
	}
	return r
}

// accessNode is one node, started with and without TLS.
type accessNode struct {
	*testNode
	handlers map[bool]http.Handler // by whether it has TLS
	tables   map[bool][]route
}

func newAccessNode(t *testing.T) accessNode {
	t.Helper()
	node := accessNode{goldenNode(t, nil), map[bool]http.Handler{}, map[bool][]route{}}
	for _, hasTLS := range []bool{false, true} {
		node.start(t, func(cfg *Config) {
			cfg.Miner = funcMiner(func(context.Context) (wire.Block, error) { return wire.Block{Index: 8}, nil })
			cfg.Access = Access{Token: testToken, Hosts: []string{allowedHost}, Origins: []string{frontOrigin}, TLS: hasTLS}
			h, err := newHandler(*cfg)
			if err != nil {
				t.Fatal(err)
			}
			node.tables[hasTLS] = h.routes()
		})
		node.handlers[hasTLS] = node.handler
	}
	return node
}

// firstReward is the ID of the golden chain's first one.
const firstReward = "b66f79fe70532120347bdf26f6742ab8c4d54d1c627fce2679877849d95aa741"

// accessPaths and accessBodies make a request of a route that succeeds, if the
// route is allowed.
var accessPaths = map[string]string{
	"/node/{address}": "/node/10.0.0.9:1", "/v1/blocks/{block}": "/v1/blocks/1",
	"/v1/transactions/{id}": "/v1/transactions/" + firstReward, "/v1/addresses/{address:(?s:.*)}": "/v1/addresses/somebody",
	"/v1/balances/{address:.+}": "/v1/balances/somebody", "/v1/peers/{address}": "/v1/peers/10.0.0.9:1",
	"/ui/{file:.*}": "/ui/",
}

func accessBodies(t *testing.T, node accessNode) map[string][]byte {
	t.Helper()
	keys, _ := node.keys.Current()
	payment, err := signed(keys, map[string]any{"recipient": "somebody", "amount": wire.Float(0.01)})
	if err != nil {
		t.Fatal(err)
	}
	block, err := node.Block(1)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"/node": []byte(`{"node": "10.0.0.8:1"}`), "/v1/peers": []byte(`{"address": "10.0.0.8:1"}`),
		"/transaction":           []byte(`{"recipient": "somebody", "amount": 0.01}`),
		"/v1/transactions":       []byte(`{"recipient": "somebody", "amount": 0.01}`),
		"/v1/wallet":             []byte(`{"replace": true}`),
		"/broadcast_transaction": payment.AppendBroadcast(nil),
		"/broadcast_block":       block.AppendBroadcast(nil), // an old one, so 409
	}
}

// TestAccessTable sends every request of every route as everybody, and compares
// the statuses with the table that docs/security.md explains. A plus is for an
// answer that the page may read. ACCESS_WRITE=1 writes the table again.
func TestAccessTable(t *testing.T) {
	node := newAccessNode(t)
	var table strings.Builder
	table.WriteString("Who asks. The same letters are the columns below.\n\n")
	for _, q := range requesters() {
		fmt.Fprintf(&table, "%s  %s\n", q.name, q.who)
	}
	table.WriteString("\nStatus of the answer, with + if a web page may read it (Access-Control-Allow-Origin).\n")
	classes := []class{public, fromPeers, scraped, operator}
	for _, route := range node.tables[false] {
		if !slices.Contains(classes, route.class) {
			t.Errorf("%s has the class %v, which has no place in the table", route.path, route.class)
		}
	}
	for _, c := range classes {
		fmt.Fprintf(&table, "\n%-38s", c)
		for _, q := range requesters() {
			fmt.Fprintf(&table, "%-5s", q.name)
		}
		table.WriteString("\n")
		for _, route := range node.tables[false] {
			if route.class == c {
				table.WriteString(accessRows(t, node, route))
			}
		}
	}
	got := regexp.MustCompile(` +\n`).ReplaceAllString(table.String(), "\n")
	if os.Getenv("ACCESS_WRITE") != "" {
		if err := os.WriteFile(accessGolden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(accessGolden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("who may do what has changed; it is now\n%s\nand %s says\n%s", got, accessGolden, want)
	}
}

// accessRows has a line for each method of a route.
func accessRows(t *testing.T, node accessNode, route route) string {
	methods := []string{http.MethodOptions}
	for method := range route.methods {
		methods = append(methods, method)
	}
	slices.Sort(methods)
	path := route.path
	if example, ok := accessPaths[path]; ok {
		path = example
	}
	bodies := accessBodies(t, node)
	var rows strings.Builder
	for _, method := range methods {
		fmt.Fprintf(&rows, "%-8s%-30s", method, cleanTemplate(route.path))
		var body []byte
		if method == http.MethodPost {
			body = bodies[route.path]
		}
		for _, q := range requesters() {
			answer := httptest.NewRecorder()
			node.handlers[q.onlyS].ServeHTTP(answer, q.request(method, path, body))
			checkRefusal(t, route, method, q, answer)
			cell := fmt.Sprint(answer.Code)
			if answer.Header().Get(allowOrigin) != "" {
				cell += "+"
			}
			fmt.Fprintf(&rows, "%-5s", cell)
		}
		rows.WriteString("\n")
	}
	return rows.String()
}

// checkRefusal checks what holds whatever the table says: who may not, learns
// nothing, and how to ask instead.
func checkRefusal(t *testing.T, route route, method string, q requester, answer *httptest.ResponseRecorder) {
	t.Helper()
	place := method + " " + route.path + " " + q.name
	body := answer.Body.String()
	if strings.Contains(body, testToken) {
		t.Errorf("%s: the answer shows the token", place)
	}
	if got := answer.Header().Get("WWW-Authenticate"); (got == `Bearer realm="miner"`) != (answer.Code == http.StatusUnauthorized) {
		t.Errorf("%s: %d with WWW-Authenticate %q", place, answer.Code, got)
	}
	mayNot := strings.Contains("EGHIJKMNPQTV", q.name)
	if route.class == operator && method != http.MethodOptions && mayNot != (answer.Code == 401 || answer.Code == 403) {
		t.Errorf("%s: %d %s", place, answer.Code, body)
	}
	if route.path == "/v1/status" && method == http.MethodGet && mayNot == strings.Contains(body, `"peers"`) {
		t.Errorf("%s: %s", place, body)
	}
	if method != http.MethodGet && method != http.MethodOptions && strings.Contains("GHIJK", q.name) && answer.Code != 403 {
		t.Errorf("%s: a page from elsewhere gets %d %s", place, answer.Code, body)
	}
	origin := answer.Header().Get(allowOrigin)
	if asked := q.request(method, "/", nil).Header.Get("Origin"); origin != "" && origin != asked {
		t.Errorf("%s: readable by %q, not %q", place, origin, asked)
	}
	if private := answer.Code < 300 && route.class == operator && method != http.MethodOptions; private !=
		(answer.Header().Get("Cache-Control") == "no-store") && answer.Code != 500 {
		t.Errorf("%s: %d with Cache-Control %q", place, answer.Code, answer.Header().Get("Cache-Control"))
	}
}

// TestRefusalsSayWhatHelps compares the texts.
func TestRefusalsSayWhatHelps(t *testing.T) {
	node := newAccessNode(t)
	for name, want := range map[string]string{
		"H": foreignPage, "K": foreignHost, "M": needsToken, "N": needsToken, "T": needsTLS,
	} {
		i := slices.IndexFunc(requesters(), func(q requester) bool { return q.name == name })
		q := requesters()[i]
		answer := httptest.NewRecorder()
		node.handlers[q.onlyS].ServeHTTP(answer, q.request(http.MethodGet, "/balance", nil))
		if got := string(wire.AppendCompact(nil, object{"message": want})) + "\n"; answer.Body.String() != got {
			t.Errorf("%s: %s, want %s", name, answer.Body, got)
		}
	}
}

// TestOrigins: what counts as a page of this machine.
func TestOrigins(t *testing.T) {
	node := newNode(t, 1, nil)
	for _, test := range []struct {
		origin   string
		loopback bool
	}{
		{"http://localhost", true}, {"http://localhost:3000", true}, {"https://localhost", true},
		{"http://127.0.0.1:8080", true}, {"http://127.8.9.10", true}, {"http://[::1]:5000", true},
		{"http://[::ffff:127.0.0.1]:5000", true}, {"http://" + ownHost, true}, // the node's own page
		{"http://example.test", false}, {"http://localhost.example.test", false}, {"null", false},
		{"http://127.0.0.1.example.test", false}, {"ftp://localhost", false}, {"http://localhost/", false},
		{"http://user@localhost", false}, {"http://[::2]", false}, {"http://10.0.0.1", false},
		{"https://" + ownHost, false}, {"http://192.0.2.1", false},
	} {
		header := http.Header{"Origin": {test.origin}}
		want := map[bool]string{true: test.origin}[test.loopback]
		answer := send(node.handler, http.MethodGet, "/node", header, nil)
		code := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[test.loopback]
		if got := answer.Header().Get(allowOrigin); answer.Code != code || got != want || answer.Header().Get("Vary") != "Origin" {
			t.Errorf("%s: %d %q, want %d %q", test.origin, answer.Code, got, code, want)
		}
		shown := map[bool]string{true: "ETag, Retry-After, X-Request-ID"}[test.loopback]
		if got := answer.Header().Get("Access-Control-Expose-Headers"); got != shown {
			t.Errorf("%s: the page may see %q, want %q", test.origin, got, shown)
		}
		if answer = send(node.handler, http.MethodPost, "/resolve_conflicts", header, nil); answer.Code != code {
			t.Errorf("%s: POST answers %d %s", test.origin, answer.Code, answer.Body)
		}
		header.Set("Access-Control-Request-Method", "POST")
		header.Set("Access-Control-Request-Headers", "authorization,content-type")
		answer = send(node.handler, http.MethodOptions, "/transaction", header, nil)
		asked := map[bool]string{true: "authorization,content-type"}[test.loopback]
		if got := answer.Header().Get("Access-Control-Allow-Headers"); answer.Code != http.StatusOK || got != asked {
			t.Errorf("%s: preflight %d, headers %q, want %q", test.origin, answer.Code, got, asked)
		}
	}
	if header := get(node.handler, "/node").Header(); header.Get(allowOrigin) != "" || header.Get("Vary") != "" {
		t.Errorf("without an origin: %v", header)
	}
}

// TestNames: what the node may be called on routes of the operator.
func TestNames(t *testing.T) {
	node := newNode(t, 1, func(cfg *Config) { cfg.Access.Hosts = []string{"node.example"} })
	for host, own := range map[string]bool{
		"localhost": true, "LOCALHOST:5000": true, "127.0.0.1:5000": true, "10.0.0.1": true, "[::1]:5000": true,
		"[::ffff:127.0.0.1]:5000": true, "[fe80::1%25eth0]:5000": true, "node.example:5000": true, "Node.Example": true,
		"example.test": false, "example.test:5000": false, "127.0.0.1.example.test:5000": false, "": false,
		"localhost.:5000": false, "a.localhost": false, "node.example.test": false, "a.node.example": false,
	} {
		r := between("127.0.0.1:5000", "127.0.0.1:40000", httptest.NewRequest(http.MethodGet, "/node", nil))
		r.Host = host
		answer := httptest.NewRecorder()
		node.handler.ServeHTTP(answer, r)
		if want := map[bool]int{true: 200, false: 403}[own]; answer.Code != want {
			t.Errorf("%q: %d, want %d", host, answer.Code, want)
		}
	}
}

// TestLocalConnections: both ends must be loopback addresses, and known.
func TestLocalConnections(t *testing.T) {
	node := newNode(t, 1, nil)
	for _, test := range []struct {
		own, client string
		local       bool
	}{
		{"127.0.0.1:5000", "127.0.0.1:40000", true}, {"127.0.0.1:5000", "127.9.9.9:40000", true},
		{"[::1]:5000", "[::1]:40000", true}, {"[::ffff:127.0.0.1]:5000", "[::ffff:127.0.0.1]:40000", true},
		{"10.0.0.1:5000", "10.0.0.1:40000", false}, {"127.0.0.1:5000", "10.0.0.1:40000", false},
		{"10.0.0.1:5000", "127.0.0.1:40000", false}, {"[::1]:5000", "[fe80::1%eth0]:40000", false},
		{"[::]:5000", "[::1]:40000", false}, {"127.0.0.1:5000", "", false}, {"127.0.0.1:5000", "@", false},
		{"127.0.0.1:5000", "localhost:40000", false},
	} {
		r := between(test.own, test.client, httptest.NewRequest(http.MethodGet, "/node", nil))
		r.Host = ownHost
		answer := httptest.NewRecorder()
		node.handler.ServeHTTP(answer, r)
		// Nobody has a token here.
		if want := map[bool]int{true: 200, false: 401}[test.local]; answer.Code != want {
			t.Errorf("%s from %q: %d, want %d", test.own, test.client, answer.Code, want)
		}
	}
	unknown := httptest.NewRequest(http.MethodGet, "/node", nil)
	unknown.RemoteAddr, unknown.Host = "127.0.0.1:40000", ownHost
	answer := httptest.NewRecorder()
	if node.handler.ServeHTTP(answer, unknown); answer.Code != http.StatusUnauthorized {
		t.Errorf("an unknown own address: %d", answer.Code)
	}
}

// TestTokens: the spellings of a header with a token.
func TestTokens(t *testing.T) {
	for _, test := range []struct {
		token, header string
		want          int
	}{
		{testToken, "Bearer " + testToken, 200}, {testToken, "bearer  " + testToken + " ", 200},
		{testToken, testToken, 401}, {testToken, "Basic " + testToken, 401}, {testToken, "Bearer", 401},
		{testToken, "Bearer " + testToken[1:], 401}, {testToken, "Bearer " + testToken + "x", 401},
		{testToken, "", 401}, {"", "Bearer ", 401}, {"", "Bearer", 401}, {"", "", 401},
	} {
		node := newNode(t, 1, func(cfg *Config) { cfg.Access.Token = test.token })
		r := between("10.0.0.1:5000", "10.0.0.2:40000", httptest.NewRequest(http.MethodGet, "/node", nil))
		r.Header.Set("Authorization", test.header)
		answer := httptest.NewRecorder()
		if node.handler.ServeHTTP(answer, r); answer.Code != test.want {
			t.Errorf("token %q, header %q: %d, want %d", test.token, test.header, answer.Code, test.want)
		}
	}
}

func TestCheckOrigin(t *testing.T) {
	for _, good := range []string{"https://front.example", "http://front.example:8080", "http://10.0.0.1:8080", "http://[::1]", "chrome-extension://abc"} {
		if err := CheckOrigin(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, reason := range map[string]string{
		"*": "all pages of the web", "null": "in a sandbox", "https://front.example/": "nothing else", "front.example": "scheme://host",
		"": "scheme://host", "https://": "scheme://host", "HTTPS://front.example": "lower case", "https://Front.example": "lower case",
		"https://*.front.example": "scheme://host", "https://u@front.example": "nothing else", "https://front.example?": "nothing else",
		"https://front.example:443": "usual port", "http://front.example:80": "usual port", "https://frönt.example": "nothing else",
		"https://a.example,https://b.example": "nothing else", "https://front.example#": "nothing else",
	} {
		if err := CheckOrigin(bad); !errors.Is(err, ErrOrigin) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, want %q", bad, err, reason)
		}
		if _, err := New(Config{Ledger: failingLedger{}, Miner: funcMiner(nil), Control: &fakeControl{}, Peers: &fakePeers{}, Keys: &fileKeys{},
			Access: Access{Origins: []string{bad}}}); !errors.Is(err, ErrOrigin) {
			t.Errorf("New takes %q", bad)
		}
	}
}

func TestCheckHost(t *testing.T) {
	for _, good := range []string{"node", "node.example", "10.0.0.1", "a_b"} {
		if err := CheckHost(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "*", "*.example", "node:5000", "http://node", "node/", "[::1]", "a b", "nöde", "a,b", "u@node", "%41"} {
		if err := CheckHost(bad); !errors.Is(err, ErrHost) {
			t.Errorf("%q: %v", bad, err)
		}
		if _, err := NewMetrics(Config{Metrics: http.NotFoundHandler(), Access: Access{Hosts: []string{bad}}}); !errors.Is(err, ErrHost) {
			t.Errorf("NewMetrics takes %q", bad)
		}
	}
}

// TestMetricsListener has its own little table: whoever reaches it may read, but
// for web pages from elsewhere. Then the main one has none.
func TestMetricsListener(t *testing.T) {
	text := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "up 1\n") })
	var seen []string
	metrics, err := NewMetrics(Config{Metrics: text, Access: Access{Hosts: []string{allowedHost}, TLS: true}})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range requesters() {
		answer := httptest.NewRecorder()
		metrics.ServeHTTP(answer, q.request(http.MethodGet, "/metrics", nil))
		seen = append(seen, fmt.Sprint(q.name, answer.Code))
	}
	want := "A200 B200 C200 D200 E403 F403 G403 H403 I403 J403 K403 L200 M200 N200 O403 P200 Q403 R403 S200 T200 U200 V200"
	if got := strings.Join(seen, " "); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for path, code := range map[string]int{"/metrics": 200, "/healthz": 200, "/chain": 404, "/wallet": 404, "/openapi.json": 404} {
		if answer := get(metrics, path); answer.Code != code {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
	node := newNode(t, 1, func(cfg *Config) { cfg.Metrics = nil })
	if answer := get(node.handler, "/metrics"); answer.Code != 404 || !strings.Contains(answer.Body.String(), "--metrics-addr") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	if _, err := NewMetrics(Config{}); err == nil {
		t.Error("NewMetrics takes a config without metrics")
	}
}

// TestAccessDocument: docs/security.md has a row for everybody who asks, with
// what the table above says of each class.
func TestAccessDocument(t *testing.T) {
	document, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	node := newAccessNode(t)
	bodies := accessBodies(t, node)
	for _, q := range requesters() {
		cells := map[class]string{}
		for _, route := range node.tables[q.onlyS] {
			path := route.path
			if example, ok := accessPaths[path]; ok {
				path = example
			}
			for method := range route.methods {
				r := q.request(method, path, bodies[route.path])
				answer := httptest.NewRecorder()
				node.handlers[q.onlyS].ServeHTTP(answer, r)
				cell := "yes"
				switch {
				case answer.Code == http.StatusUnauthorized || answer.Code == http.StatusForbidden:
					cell = fmt.Sprint(answer.Code)
				case r.Header.Get("Origin") != "" && answer.Header().Get(allowOrigin) == "":
					cell = "unreadable"
				}
				if other := cells[route.class]; other != "" && other != cell {
					t.Errorf("%s %s %s: %s, and %s on other routes of its class", q.name, method, path, cell, other)
				}
				cells[route.class] = cell
			}
		}
		row := fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n",
			q.name, q.who, cells[public], cells[fromPeers], cells[scraped], cells[operator])
		if !strings.Contains(string(document), row) {
			t.Errorf("docs/security.md lacks\n%s", row)
		}
	}
}
