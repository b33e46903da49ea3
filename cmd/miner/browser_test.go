package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const (
	browsersPeer = "127.0.0.1:1"
	foreignName  = "evil.example"    // of a page that attacks
	reboundName  = "rebound.example" // of the same attacker, which leads to the node
)

// newPages serves pages on a port of this machine.
func newPages(t *testing.T) (port string) {
	t.Helper()
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>page</title><body>")
	}))
	t.Cleanup(pages.Close)
	address, err := url.Parse(pages.URL)
	if err != nil {
		t.Fatal(err)
	}
	return address.Port()
}

// findBrowser is where Chromium is. Where there is none the test is left out,
// but not with CI=true. A test asks for it before it starts nodes.
func findBrowser(t *testing.T) (path string) {
	t.Helper()
	return installed(t, "chromium", "chromium")
}

// openBrowser starts Chromium, for which the attacker's names lead to the pages
// and to the node.
func openBrowser(t *testing.T, pagesPort string, node *process, more ...chromedp.ContextOption) context.Context {
	t.Helper()
	path := findBrowser(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.Flag("no-sandbox", os.Geteuid() == 0), // root can't have one
		chromedp.Flag("no-proxy-server", true),
		// Newer browsers keep public pages from local addresses by themselves. The
		// node must be safe from those that don't.
		chromedp.Flag("disable-features", "LocalNetworkAccessChecks,Translate"),
		chromedp.Flag("host-resolver-rules", fmt.Sprintf("MAP %s 127.0.0.1:%s, MAP %s 127.0.0.1:%d",
			foreignName, pagesPort, reboundName, node.port)),
	)
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience) // for all that a test does with it
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, more...)
	t.Cleanup(cancel)
	return ctx
}

// attempt opens a page and lets it do all that testdata/browser/attempts.js
// knows to the node at the given address. It returns the outcomes by attempt.
func attempt(t *testing.T, browser context.Context, page, node string) map[string]string {
	t.Helper()
	if _, err := chromedp.Run(browser, chromedp.Navigate(page)); err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	script := read(t, "testdata/browser/attempts.js") + fmt.Sprintf("attempts(%q, %q)", node, browsersPeer)
	outcomes, err := chromedp.Run(browser, chromedp.Evaluate[[]string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	found := map[string]string{}
	for _, outcome := range outcomes {
		name, what, _ := strings.Cut(outcome, ": ")
		found[name] = what
	}
	return found
}

// holdings is all that a page could change, and the secrets that it could read.
type holdings struct {
	text    string
	secrets []string
}

func holdingsOf(t *testing.T, p *process) holdings {
	t.Helper()
	var h holdings
	for _, path := range []string{"/chain", "/balance", "/v1/transactions", "/v1/peers"} {
		_, text := p.request("GET", path, "")
		h.text += path + ": " + text
	}
	keys := read(t, p.file("WalletKeys_%d.txt"))
	files, err := os.ReadDir(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files { // a new wallet keeps the old one's file
		h.text += file.Name() + "\n"
	}
	h.text += keys
	private, _, _ := strings.Cut(keys, "\n") // the address is in the chain, for all to read
	h.secrets = []string{private, browsersPeer, "Funds", "hashes_per_second", "miner_chain_height"}
	return h
}

// expected is what must come of each attempt. An empty text is for what a page
// can't read.
type expected map[string]string

func (e expected) check(t *testing.T, page string, outcomes map[string]string) {
	t.Helper()
	if len(outcomes) != len(e) {
		t.Errorf("%s: %d attempts, %d are expected", page, len(outcomes), len(e))
	}
	for name, outcome := range outcomes {
		want, ok := e[name]
		if want == "" {
			want = "unreadable"
		}
		if !ok || !strings.HasPrefix(outcome, want) {
			t.Errorf("%s: %s: %.200s, want %q", page, name, outcome, want)
		}
	}
}

// foreign is what a page of another origin meets: it reads nothing at all.
func foreign() expected {
	e := expected{}
	for name := range rebound() {
		e[name] = ""
	}
	return e
}

// rebound is what a page meets whose own name leads to the node. It may read
// what is public, and why it gets no more.
func rebound() expected {
	e := expected{"GET /chain read": "200 [", "GET /v1/status read": `200 {"conflict"`}
	for _, name := range []string{
		"GET /wallet read", "GET /wallet sent", "GET /wallet with a token", "HEAD /wallet read",
		"GET /balance read", "GET /node read", "GET /v1/peers read", "GET /v1/mining read", "GET /metrics read",
		"POST /transaction text", "POST /transaction JSON", "POST /mine sent", "POST /mine read",
		"POST /resolve_conflicts sent", "POST /node JSON", "POST /v1/peers JSON",
		"DELETE /node/" + browsersPeer + " read", "DELETE /v1/peers/" + browsersPeer + " read",
		"POST /wallet sent", "POST /wallet read",
	} {
		e[name] = "403 "
	}
	e["GET /wallet <img>"], e["GET /wallet <script>"] = "", ""
	for _, name := range []string{"GET /wallet <iframe>", "POST /mine <form>", "POST /transaction <form>"} {
		e[name] = `shown {"`
	}
	return e
}

// local is what a page of this machine may do: all but embed the wallet.
func local() expected {
	e := foreign()
	for name, want := range map[string]string{
		"GET /chain read": `200 [{"index":0`, "GET /v1/status read": `200 {"conflict"`, "GET /wallet read": `201 {"Balance":20`,
		"GET /wallet with a token": "201 ", "HEAD /wallet read": "201 ", "GET /balance read": `200 {"Funds":20`,
		"GET /node read": "200 ", "GET /v1/peers read": "200 ", "GET /v1/mining read": "200 ", "GET /metrics read": "200 ",
		"POST /transaction JSON": `201 {"Balance":`, "POST /mine read": "201 ", "POST /node JSON": "201 ", "POST /v1/peers JSON": "201 ",
		"DELETE /node/" + browsersPeer + " read": "200 ", "DELETE /v1/peers/" + browsersPeer + " read": "204 ",
		"POST /wallet read": "201 ",
	} {
		e[name] = want
	}
	return e
}

// TestWebPages lets pages in a real browser attack a node with a wallet, coins
// and a peer: one from elsewhere, one without an origin, and one whose name leads
// to the node (DNS rebinding). Then a page of this machine does the same, and may.
func TestWebPages(t *testing.T) {
	findBrowser(t)
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "1", "--workers", "1", "--create-wallet", "--kernel", "generic")
	p.mine()
	p.mine()
	p.must(http.StatusCreated, "POST", "/node", `{"node": "`+browsersPeer+`"}`)
	pagesPort := newPages(t)
	browser := openBrowser(t, pagesPort, p)
	before := holdingsOf(t, p)
	for _, attacker := range []struct {
		page, node string
		want       expected
	}{
		{"http://" + foreignName + "/", "http://localhost:" + fmt.Sprint(p.port), foreign()},
		{"http://" + foreignName + "/", "http://" + p.address(), foreign()},
		{"data:text/html,<body>", "http://" + p.address(), foreign()},
		{fmt.Sprintf("http://%s:%d/", reboundName, p.port), "", rebound()},
	} {
		refused := answered(p, `code="403"`)
		outcomes := attempt(t, browser, attacker.page, attacker.node)
		attacker.want.check(t, attacker.page, outcomes)
		for name, outcome := range outcomes {
			for _, secret := range before.secrets {
				if strings.Contains(outcome, secret) {
					t.Errorf("%s: %s shows %.20q", attacker.page, name, secret)
				}
			}
		}
		if after := holdingsOf(t, p); after.text != before.text {
			t.Errorf("%s has changed the node from\n%s\nto\n%s", attacker.page, before.text, after.text)
		}
		// Or the browser has kept all from the node, which proves nothing of it.
		if refused = answered(p, `code="403"`) - refused; refused < 10 {
			t.Errorf("%s: the node has refused %d requests only", attacker.page, refused)
		}
		// Not even where the browser would hide it.
		if shown := answered(p, `code="201",method="GET",route="/wallet"`); shown != 0 {
			t.Errorf("%s: the node has shown the wallet %d times", attacker.page, shown)
		}
	}

	page := "http://localhost:" + pagesPort + "/"
	local().check(t, page, attempt(t, browser, page, "http://"+p.address()))
	after := holdingsOf(t, p)
	if !strings.Contains(after.text, `"recipient":"evil"`) || !strings.Contains(after.text, "127.0.0.1:2") ||
		strings.Contains(after.text, browsersPeer+`"`) || after.secrets[0] == before.secrets[0] {
		t.Errorf("a page of this machine could not pay, change peers or make a wallet: %s", after.text)
	}
}

// answered is how many requests the node has answered, of those with the labels.
func answered(p *process, labels string) int {
	p.t.Helper()
	_, text := p.request("GET", "/metrics", "")
	sum := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "miner_http_request_duration_seconds_count{") && strings.Contains(line, labels) {
			count := 0
			if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &count); err != nil {
				p.t.Fatal(err)
			}
			sum += count
		}
	}
	return sum
}
