package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"lode/chain/wire"
)

const markup = `<img src=x onerror="window.breach=1"><script>window.breach=1</script><iframe srcdoc="<script>parent.breach=1</script>"></iframe>`

// hostileTexts are what strangers may write into a payment's recipient.
var hostileTexts = []string{markup, `"><svg onload=window.breach=1>`, `javascript:window.breach=1`, "\u202eevil\u200b", "..", ".", "a/b?c#d%2F",
	strings.Repeat("W", 3000), `data:,` + strings.Repeat("%3Cb%3E", 140), "data:,%F0%9F%8E%89%0A%E2%80%AE" + strings.Repeat("x", 900), "data:text/html," + markup}

// views are all places of a page that shows the node's texts.
func views(t *testing.T, p *process) []string {
	t.Helper()
	places := []string{"#/", "#/blocks", "#/blocks/1", "#/block/1", "#/open", "#/wallet", "#/peers", "#/nothing", "#/block/999999", "#/address/" + markup, "#/%"}
	height, _ := p.tip()
	places = append(places, fmt.Sprintf("#/block/%d", height))
	list := p.must(http.StatusOK, "GET", fmt.Sprintf("/v1/blocks/%d", height), "")["block"].(map[string]any)["transactions"]
	for _, item := range list.([]any) {
		transaction, err := wire.TransactionOf(item.(map[string]any))
		if err != nil {
			t.Fatal(err)
		}
		id := transaction.ID()
		places = append(places, fmt.Sprintf("#/transaction/%x", id), "#/address/"+escapedURI(transaction.Recipient), "#/address/"+escapedURI(transaction.Sender))
	}
	return places
}

// escapedURI is encodeURIComponent.
func escapedURI(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

// hostileNode has a chain, open payments and peers full of hostile texts.
func hostileNode(t *testing.T) *process {
	t.Helper()
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "1", "--workers", "1", "--kernel", "generic", "--create-wallet", "--reward-message", markup)
	p.mine()
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `{"message": %q}`, markup)
	}))
	t.Cleanup(liar.Close)
	p.must(http.StatusCreated, "POST", "/v1/peers", fmt.Sprintf(`{"address": %q}`, strings.TrimPrefix(liar.URL, "http://")))
	pay := func() {
		for _, text := range hostileTexts {
			body, err := json.Marshal(map[string]any{"recipient": text, "amount": 0})
			if err != nil {
				t.Fatal(err)
			}
			p.must(http.StatusCreated, "POST", "/transaction", string(body))
		}
	}
	pay()
	p.mine()
	pay()
	return p
}

// TestPageHostile shows hostile texts in every view: all are shown as texts, no
// element comes of any, and nothing of them runs. On a phone nothing is wider
// than the screen.
func TestPageHostile(t *testing.T) {
	findBrowser(t)
	p := hostileNode(t)
	w := openPage(t, p, "")
	w.contains("#connection", "Live")
	w.size(360, 740)
	for _, place := range views(t, p) {
		w.goTo(place)
		w.settle()
		w.fits()
		if found := w.strings(`[...document.querySelectorAll("main img, main script, main iframe, main b, main svg:not(.icon), main [onerror], main [onload]")]
			.map((e) => e.outerHTML).concat(window.breach ? ["a script ran"] : [])
			.concat([...document.querySelectorAll("a")].filter((a) => !a.getAttribute("href").startsWith("#")).map((a) => a.outerHTML))`); len(found) > 0 {
			t.Errorf("%s: elements came of texts: %s", place, found)
		}
	}
	w.goTo("#/open")
	w.contains("main", "<img src=x onerror=")
	w.contains("main q", "<b><b>")
	w.contains("main", "\ufffdevil\ufffd")
	w.goTo("#/block/1")
	w.contains("main q", markup) // of the reward
	w.goTo("#/peers")
	w.contains("#peer-list .reason", "<img src=x onerror=")
}

// TestPageKeyboard: no view has anything out of reach of the keyboard or without
// a name for a screen reader.
func TestPageKeyboard(t *testing.T) {
	findBrowser(t)
	p := hostileNode(t)
	w := openPage(t, p, "")
	w.contains("#connection", "Live")
	address := p.must(http.StatusOK, "GET", "/v1/wallet", "")["address"].(string)
	id := p.must(http.StatusOK, "GET", "/v1/blocks/1", "")["transaction_ids"].([]any)[0].(string)
	for _, place := range []string{"#/", "#/blocks", "#/block/2", "#/open", "#/transaction/" + id, "#/address/" + address, "#/wallet", "#/peers"} {
		w.goTo(place)
		w.settle()
		// A change of the view has put the focus onto its heading.
		if place != "#/" {
			w.until(`document.activeElement?.tagName === "H1"`)
		}
		checkTabs(w, place)
		checkNames(w, place)
	}
	// The skip link comes first and leads into the content; a link of the
	// navigation works by Enter.
	do(w, chromedp.Evaluate[any](`document.activeElement.blur()`))
	w.goTo("#/blocks")
	w.until(`document.activeElement?.tagName === "H1"`)
	w.click("#query")
	do(w, chromedp.Evaluate[any](`document.querySelector("#skip").focus()`))
	do(w, chromedp.KeyEvent(kb.Enter))
	w.until(`document.activeElement.id === "main" && location.hash === "#/blocks"`)
	do(w, chromedp.Evaluate[any](`document.querySelector('nav a[href="#/wallet"]').focus()`))
	do(w, chromedp.KeyEvent(kb.Enter))
	w.until(`document.activeElement?.textContent === "Wallet" && document.title === "Wallet · lode"`)
	// A dialog keeps the focus, Escape says no, and the focus comes back.
	do(w, chromedp.Evaluate[any](`document.querySelector("#replace-wallet").focus()`))
	do(w, chromedp.KeyEvent(kb.Enter))
	w.until(`document.activeElement?.value === "no" && document.activeElement.closest("dialog")`)
	do(w, chromedp.KeyEvent(kb.Escape))
	w.until(`document.activeElement?.id === "replace-wallet"`)
}

// checkTabs walks through a view with Tab: everything that can be used gets the
// focus, and shows it.
func checkTabs(w *webPage, place string) {
	w.t.Helper()
	do(w, chromedp.Evaluate[any](`(() => {
		window.waiting = new Set([...document.querySelectorAll("a[href], button, input, textarea, summary, [tabindex='0']")]
			.filter((e) => !e.disabled && e.checkVisibility() && !(e.type === "radio" && !e.checked)));
		document.querySelector("#skip").focus();
		window.waiting.delete(document.activeElement);
	})()`))
	count := do(w, chromedp.Evaluate[int]("window.waiting.size"))
	for range count + 5 {
		do(w, chromedp.KeyEvent(kb.Tab))
		dull := do(w, chromedp.Evaluate[bool](`(() => {
			const e = document.activeElement;
			window.waiting.delete(e);
			const shown = e.closest(".segment") ?? e;
			return e !== document.body && e.matches(":focus-visible") && getComputedStyle(shown).outlineStyle === "none";
		})()`))
		if dull {
			w.t.Errorf("%s: the focus doesn't show on %s", place, do(w, chromedp.Evaluate[string]("document.activeElement.outerHTML.slice(0, 150)")))
		}
	}
	if missed := w.strings("[...window.waiting].filter((e) => e.isConnected).map((e) => e.outerHTML.slice(0, 150))"); len(missed) > 0 {
		w.t.Errorf("%s: Tab doesn't reach %s", place, strings.Join(missed, "\n"))
	}
}

// checkNames asks the browser what it would tell a screen reader: all that can
// have the focus has a name, and the view its landmarks and one heading.
func checkNames(w *webPage, place string) {
	w.t.Helper()
	tree, err := chromedp.Call(w.browser, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		w.t.Fatal(err)
	}
	roles := map[string]int{}
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		role, name := axText(node.Role), axText(node.Name)
		roles[role]++
		for _, property := range node.Properties {
			if property.Name == accessibility.PropertyNameFocusable && axText(property.Value) == "true" && strings.TrimSpace(name) == "" && role != "main" {
				w.t.Errorf("%s: a %s has no name", place, role)
			}
		}
	}
	for _, role := range []string{"banner", "navigation", "main", "search"} {
		if roles[role] == 0 {
			w.t.Errorf("%s: there is no landmark %s: %v", place, role, roles)
		}
	}
	if headings := do(w, chromedp.Evaluate[int](`document.querySelectorAll("h1").length`)); headings != 1 {
		w.t.Errorf("%s: %d headings of the first level", place, headings)
	}
}

// axText is a value of the accessibility tree as a text.
func axText(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	return strings.Trim(string(value.Value), `"`)
}

// TestPageReconnects cuts the page from its node, which mines meanwhile: the
// page says so, comes back by itself and gets what it has missed as events. Then
// the node starts anew, and the page reads everything again.
func TestPageReconnects(t *testing.T) {
	findBrowser(t)
	dir, port := t.TempDir(), freePort(t)
	arguments := []string{"--difficulty", "1", "--workers", "1", "--kernel", "generic", "--create-wallet"}
	p := start(t, dir, port, arguments...)
	p.mine()
	way := newProxy(t, p.address(), nil)
	w := openPage(t, p, "")
	do(w, chromedp.Navigate("http://"+way.address()+"/ui/"))
	w.contains("#connection", "Live")
	w.contains("#height", "1")

	way.set(cut)
	w.contains("#connection", "Offline")
	w.contains("#notices", "What is shown may be old.")
	w.goTo("#/open")
	w.contains("main", "This could not be read")
	const told = `(await import("/ui/state.js")).state.rates.times.length`
	w.until(`(window.before = ` + told + `) > 0`)
	way.set(open) // nothing was missed, so no event says where the stream is
	w.contains("#connection", "Live")
	w.until(told + ` > window.before`)
	w.contains("main", "Nothing is open")
	w.goTo("#/")

	way.set(cut)
	w.contains("#connection", "Offline")
	missed := []string{p.mine(), p.mine()}
	way.set(open)
	w.contains("#connection", "Live")
	w.contains("#height", "3")
	for _, hash := range missed {
		// Only an event says who has mined a block.
		w.until(fmt.Sprintf(`(await import("/ui/state.js")).state.minedHere.has(%q)`, hash))
	}

	p.interrupt()
	w.contains("#connection", "Offline")
	again := start(t, dir, port, arguments...)
	hash := again.mine()
	w.contains("#connection", "Live")
	w.contains("#height", "4")
	w.until(fmt.Sprintf(`document.querySelector('.strip a[href="#/block/%s"]')`, hash))
}

// TestPageConflict: another node tells of a block from far ahead. The page says so,
// wherever one is, and resolving takes that node's chain.
func TestPageConflict(t *testing.T) {
	findBrowser(t)
	arguments := []string{"--difficulty", "1", "--workers", "1", "--kernel", "generic", "--create-wallet"}
	p, ahead := start(t, t.TempDir(), freePort(t), arguments...), start(t, t.TempDir(), freePort(t), arguments...)
	for range 3 {
		ahead.mine()
	}
	w := openPage(t, p, "#/open")
	w.contains("#connection", "Live")
	ahead.must(http.StatusCreated, "POST", "/v1/peers", `{"address": "`+p.address()+`"}`)
	ahead.mine()
	w.contains("#conflict", "Another node is on another chain.")
	w.goTo("#/")
	w.click("#mine-one")
	w.contains(".toast.bad", "Resolve conflicts first.")

	p.must(http.StatusCreated, "POST", "/v1/peers", `{"address": "`+ahead.address()+`"}`)
	w.click("#conflict a")
	w.contains("main .notice", "Another node is on another chain.")
	w.click("#resolve")
	w.contains(".toast", "It reaches to block 4.")
	w.until(`!document.querySelector("#conflict") && !document.querySelector("main .notice").checkVisibility()`)
}
