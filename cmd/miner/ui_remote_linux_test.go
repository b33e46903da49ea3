package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestRemotePage opens the page from another machine.
func TestRemotePage(t *testing.T) {
	findBrowser(t) // what the other process finds isn't told here
	withRemoteAddress(t, map[string]func(*testing.T){"token": testPageToken})
}

// testPageToken: without the token the page shows what is public and asks for
// it, with a wrong one it says so, and with the right one it is live, until the
// tab is closed.
func testPageToken(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--host", "0.0.0.0", "--create-wallet", "--difficulty", "1", "--workers", "1", "--kernel", "generic")
	p.mine()
	w := openPage(t, p, "")
	do(w, chromedp.Navigate("http://"+p.remote()+"/ui/"))
	w.contains("#connection", "Locked")
	w.contains("#height", "1")
	w.goTo("#/block/1")
	w.contains("main", blockHash(p, 1))
	w.goTo("#/wallet")
	w.contains("main", "The wallet is not shown")
	w.goTo("#/")
	w.contains("main", "The node doesn’t tell this page.")
	p.mine() // who looks at the chain alone sees it soon
	w.contains("#height", "2")
	w.contains(".tile-height", "2")

	w.write("#token", "no such token"+kb.Enter)
	w.contains("#token-problem", "The token is not the node’s.")
	do(w, chromedp.Evaluate[any](`void new MutationObserver(() => { window.said = (window.said ?? "") + "|" + document.querySelector("#token-problem").textContent; })
		.observe(document.querySelector("#token-problem"), { childList: true })`))
	w.write("#token", "nor this one"+kb.Enter) // which is said again
	w.until(`window.said === "||The token is not the node’s." && document.activeElement.id === "token"`)
	token := strings.TrimSpace(read(t, p.file("api-token-%d.txt")))
	w.write("#token", token+kb.Enter)
	w.contains("#connection", "Live")
	w.until(`document.activeElement.tagName === "H1"`)
	w.goTo("#/wallet")
	w.until(`document.querySelector("#own-address")`)
	do(w, chromedp.Reload())
	w.contains("#connection", "Live")
	if kept := do(w, chromedp.Evaluate[string](`JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])`)); kept != `[{},{"token":"`+token+`"},""]` {
		t.Errorf("the browser keeps %s", kept)
	}
}
