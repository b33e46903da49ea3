package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"lode/chain/wire"
)

// rewardAddress is the address of a node's wallet, which it makes.
func rewardAddress(p *process) string {
	p.t.Helper()
	return p.must(http.StatusCreated, "POST", "/wallet", "")["public_key"].(string)
}

// pageDifficulty is easy but for pictures, which shall show what a node looks
// like that has something to do.
func pageDifficulty() []string {
	if os.Getenv("SCREENSHOTS") != "" {
		return []string{"--difficulty", "6"}
	}
	return []string{"--difficulty", "3", "--workers", "1", "--kernel", "generic"}
}

// TestPage does with a node in a browser what a person does: make a wallet,
// mine, send a payment and a message, add a peer, see its block arrive, and look
// all of it up. With SCREENSHOTS=folder it takes the pictures of the README.
func TestPage(t *testing.T) {
	findBrowser(t)
	p := start(t, t.TempDir(), freePort(t), pageDifficulty()...)
	second := start(t, t.TempDir(), freePort(t), pageDifficulty()...)
	theirs := rewardAddress(second)
	w := openPage(t, p, "")
	w.contains("#connection", "Live")
	w.contains(".strip-box", "No block yet")

	createWallet(w, p)
	mineByHand(w, p)
	id := pay(w, p, theirs)
	writeMessage(w, p)
	meet(w, p, second)
	lookUp(w, p, id, theirs)
	w.pictures()
}

// createWallet says no first, and yes then.
func createWallet(w *webPage, p *process) {
	w.t.Helper()
	w.click(`nav a[href="#/wallet"]`)
	w.contains("main h1", "Wallet")
	w.click("#create-wallet")
	w.answerDialog("no")
	if exists := p.must(http.StatusOK, "GET", "/v1/wallet", "")["exists"]; exists != false {
		w.t.Fatal("there is a wallet after the answer no")
	}
	w.click("#create-wallet")
	w.answerDialog("yes")
	w.until(`document.querySelector("#own-address")`)
	address := p.must(http.StatusOK, "GET", "/v1/wallet", "")["address"]
	if shown := do(w, chromedp.Evaluate[string](`document.querySelector("#own-address").textContent`)); shown != address {
		w.t.Errorf("the page shows the address %q, the node has %q", shown, address)
	}
	w.click(`button[aria-label="Copy the address"]`)
	w.contains(".toast", "Copied the address.")
	if copied := w.clipboard(); copied != address {
		w.t.Errorf("the clipboard has %q", copied)
	}
	if _, body := p.request("GET", "/v1/wallet", ""); strings.Contains(body, "private") {
		w.t.Error("/v1/wallet shows the private key")
	}
}

// TestPageWalletFromElsewhere: a wallet that somebody else has made meanwhile is not
// replaced, and is shown.
func TestPageWalletFromElsewhere(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "1", "--workers", "1", "--kernel", "generic")
	w := openPage(t, p, "#/wallet")
	w.contains("main", "This node has no wallet")
	address := p.must(http.StatusCreated, "POST", "/v1/wallet", "")["address"].(string)
	w.click("#create-wallet")
	w.answerDialog("yes")
	w.contains(".toast.bad", "there is a wallet already")
	w.contains("#own-address", address)
}

// mineByHand mines one block, then some without being asked, and pauses.
func mineByHand(w *webPage, p *process) {
	w.t.Helper()
	w.click(`nav a[href="#/"]`)
	w.click("#mine-one")
	w.contains("#height", "1")
	w.contains(".tile.mine", "mined here")
	w.contains(".toast", "Block 1 is mined.")
	w.click("#mine-continuous")
	w.until(`Number(document.querySelector("#height").textContent) >= 4`)
	w.contains("#mine-continuous", "Stop mining")
	w.click("#mine-pause")
	w.contains("#mining-state", "Paused")
	if mining := p.must(http.StatusOK, "GET", "/v1/mining", ""); mining["paused"] != true || mining["continuous"] != true {
		w.t.Errorf("after the button: %v", mining)
	}
	w.click("#mine-continuous")
	w.contains("#mine-continuous", "Start mining")
	w.click("#mine-pause")
	w.contains("#mining-state", "Idle")
}

// pay sends 2.5 coins, after two tries that the page refuses. It returns the
// payment's ID.
func pay(w *webPage, p *process, to string) (id string) {
	w.t.Helper()
	w.click(`nav a[href="#/wallet"]`)
	w.click("#send")
	w.contains("#recipient-problem", "Say who gets it.")
	w.write("#recipient", to)
	w.write("#amount", "1000000.5")
	w.click("#send")
	w.contains("#amount-problem", "more than the")
	w.write("#amount", "2.5")
	w.click("#send")
	w.answerDialog("no")
	if open := p.must(http.StatusOK, "GET", "/v1/transactions", "")["transactions"]; len(open.([]any)) != 0 {
		w.t.Fatalf("open after the answer no: %v", open)
	}
	w.click("#send")
	w.answerDialog("yes")
	w.contains(".toast", "waits for a block")
	payment := p.must(http.StatusOK, "GET", "/v1/transactions", "")["transactions"].([]any)[0].(map[string]any)
	if payment["recipient"] != to || payment["amount"] != wire.Float(2.5) {
		w.t.Errorf("the page has sent %v", payment)
	}
	return do(w, chromedp.Evaluate[string](`document.querySelector(".toast a").getAttribute("href").replace("#/transaction/", "")`))
}

const message = `<b>Grüße</b> & "100 %"`

// writeMessage sends a text, which shows as a text where it waits.
func writeMessage(w *webPage, p *process) {
	w.t.Helper()
	do(w, chromedp.Evaluate[any](`document.querySelector("input[value=message]").click()`))
	w.write("#text", message)
	w.click("#send")
	w.answerDialog("yes")
	w.click(`nav a[href="#/open"]`)
	w.contains("main q", message)
	w.contains("main", "2 transactions wait for a block.")
	p.mine()
	w.contains("main", "Nothing is open")
}

// meet adds the second node as a peer, which then finds a block that the page
// shows without being asked. Names that are none are refused.
func meet(w *webPage, p, second *process) {
	w.t.Helper()
	w.click(`nav a[href="#/peers"]`)
	w.contains("main", "This node knows no other")
	w.write("#peer-address", "no address")
	w.click("#peer-form button")
	w.until(`document.querySelector("#peer-problem").textContent !== ""`)
	w.write("#peer-address", second.address())
	w.click("#peer-form button")
	w.contains("#peer-list", second.address())

	second.must(http.StatusCreated, "POST", "/v1/peers", `{"address": "`+p.address()+`"}`)
	second.must(http.StatusOK, "POST", "/resolve_conflicts", "")
	w.click(`nav a[href="#/"]`)
	hash := second.mine()
	w.until(fmt.Sprintf(`document.querySelector('.strip a[href="#/block/%s"]')`, hash))
	w.contains(fmt.Sprintf(`.strip a[href="#/block/%s"]`, hash), "from a peer")

	w.click(`nav a[href="#/peers"]`)
	w.click("#resolve")
	w.contains(".toast", "ours stays")
	w.contains("#peer-list .badge", "ok")
}

// lookUp searches for the payment, its block by height and hash, and the
// address of who got it, and removes the peer.
func lookUp(w *webPage, p *process, id, to string) {
	w.t.Helper()
	search := func(text, place, shows string) {
		w.t.Helper()
		w.write("#query", text+kb.Enter)
		w.until(fmt.Sprintf(`location.hash === %q && document.activeElement?.tagName === "H1"`, place))
		w.contains("main", shows)
	}
	search(id, "#/transaction/"+id, "2.5")
	search("1", "#/block/1", "this node’s wallet")
	hash := blockHash(p, 1)
	search(hash, "#/block/"+hash, hash)
	search(to, "#/address/"+to, "received")
	w.contains("main", "12.5") // what was sent, and the reward of its own block
	search("nobody at all", "#/address/nobody%20at%20all", "No block has anything that")
	search("99999999", "#/address/99999999", "No block has anything that")

	w.goTo("#/peers")
	w.click("#peer-list button")
	w.answerDialog("yes")
	w.contains("main", "This node knows no other")
}

// pictures are those of the README.
func (w *webPage) pictures() {
	w.t.Helper()
	if os.Getenv("SCREENSHOTS") == "" {
		return
	}
	w.goTo("#/")
	do(w, chromedp.Evaluate[any](`document.querySelector("#search").reset()`))
	w.click("#mine-continuous")
	// Until there is something to see in the chart.
	w.until(`(await import("/ui/state.js")).state.rates.times.length > 40 && Number(document.querySelector("#height").textContent) > 12`)
	for _, scheme := range []string{"light", "dark"} {
		w.scheme(scheme)
		w.screenshot("page-" + scheme)
	}
	w.size(390, 844)
	w.screenshot("page-phone")
}
