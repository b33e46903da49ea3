package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const shownHeights = `[...document.querySelectorAll(".row.block > .number:first-child")].map((e) => e.textContent)`

// TestPageLists turns the pages of a chain of 60 blocks: together they have each
// block once.
func TestPageLists(t *testing.T) {
	findBrowser(t)
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "1", "--workers", "1", "--kernel", "generic", "--create-wallet")
	var want []string
	for i := range 61 {
		want = append(want, fmt.Sprint(60-i))
		if i > 0 {
			p.mine()
		}
	}
	w := openPage(t, p, "#/blocks")
	w.until(`document.querySelector(".row.block")`)
	shown := w.strings(shownHeights)
	for do(w, chromedp.Evaluate[bool](`!document.querySelector(".pager a:last-child").hidden`)) {
		w.leaving(func() { w.click(`.pager a:last-child`) })
		w.settle()
		shown = append(shown, w.strings(shownHeights)...)
	}
	if strings.Join(shown, " ") != strings.Join(want, " ") {
		t.Errorf("the pages show the blocks %s", shown)
	}
	w.leaving(func() { w.click(`.pager a:not([hidden])`) })
	w.settle()
	if back := w.strings(shownHeights); back[0] == "0" || len(back) < 20 {
		t.Errorf("the page before has the blocks %s", back)
	}
	w.goTo("#/blocks/60")
	w.until(`document.querySelector(".row.block")`)
	p.mine()
	w.goTo("#/blocks")
	w.contains(".row.block", "61")
	p.mine() // follows
	w.contains(".row.block", "62")
	w.goTo("#/blocks/x")
	w.contains("main", "There is no such page")
}

// TestPageStays: what has been unfolded stays when blocks and payments come, and with
// it the focus.
func TestPageStays(t *testing.T) {
	findBrowser(t)
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "1", "--workers", "1", "--kernel", "generic", "--create-wallet")
	for range 60 {
		p.mine()
	}
	address := p.must(http.StatusOK, "GET", "/v1/wallet", "")["address"].(string)
	w := openPage(t, p, "#/address/"+address)
	const rows = `document.querySelectorAll("main .row").length`
	w.until(rows + " === 50")
	w.click("#show-older")
	const isAtOlder = ` && document.querySelector("#show-older").hidden && document.activeElement.closest(".row")?.textContent.includes("in 10")`
	w.until(rows + " === 60" + isAtOlder)
	p.mine()
	w.until(rows + " === 61" + isAtOlder)
	sent := p.must(http.StatusCreated, "POST", "/v1/transactions", `{"recipient": "somebody", "amount": 0.5}`)
	w.contains("main", "609.5")
	w.until(rows + " === 62" + isAtOlder)
	p.mine()
	w.until(rows + " === 63" + isAtOlder)

	w.goTo(fmt.Sprintf("#/transaction/%s", sent["id"]))
	w.until(`(window.details = document.querySelector("details")) && (window.details.open = true)`)
	for range 2 { // once the page asks for the second time it has shown the first answer
		asked := answered(p, `route="/v1/transactions/{id}"`)
		p.mine()
		eventually(t, func() bool { return answered(p, `route="/v1/transactions/{id}"`) > asked })
	}
	w.until(`window.details.isConnected && window.details.open`)

	w.goTo("#/block/64")
	w.contains(".facts", "Confirmations1")
	asked := answered(p, `route="/v1/blocks/{block}"`)
	p.mine()
	w.contains(".facts", "Confirmations2")
	if again := answered(p, `route="/v1/blocks/{block}"`); again != asked {
		t.Errorf("the node was asked %d times again for a block that stays as it is", again-asked)
	}
	w.contains("main", "this node’s wallet")
	p.must(http.StatusCreated, "POST", "/v1/wallet", `{"replace": true}`)
	p.mine() // to another address
	w.until(`!document.querySelector("main").textContent.includes("this node’s wallet")`)

	w.goTo("#/")
	w.until(`document.querySelector("dd a[href='#/open']")?.checkVisibility()`)
	do(w, chromedp.Evaluate[any](`document.querySelector("dd a[href='#/open']").focus()`))
	p.mine()
	w.contains("#height", "67")
	w.until(`document.activeElement.matches("dd a[href='#/open']")`)
}

// TestPageOpen shows more open transactions than at once. What comes is added to
// those, and the node isn't asked for all of them again.
func TestPageOpen(t *testing.T) {
	findBrowser(t)
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "1", "--workers", "1", "--kernel", "generic", "--create-wallet")
	say := func(text string) {
		t.Helper()
		p.must(http.StatusCreated, "POST", "/v1/transactions", fmt.Sprintf(`{"message": %q}`, text))
	}
	for i := range 130 {
		say(fmt.Sprint("message ", i))
	}
	w := openPage(t, p, "#/open")
	const rows = `document.querySelectorAll("main .row").length`
	w.contains("main", "130 transactions wait for a block.")
	w.until(rows + " === 100")
	w.click("#more-open")
	w.until(rows + ` === 130 && document.activeElement.closest(".row")?.textContent.includes("message 100")`)

	asked := answered(p, `code="200",method="GET",route="/v1/transactions"`)
	say("the last one")
	w.until(rows + ` === 131 && document.activeElement.closest(".row")?.textContent.includes("message 100")`)
	w.contains("main", "131 transactions wait for a block.")
	if again := answered(p, `code="200",method="GET",route="/v1/transactions"`); again != asked {
		t.Errorf("the node was asked %d times for all that is open when one came", again-asked)
	}
	say("the last one") // the same again is another one
	w.until(rows + " === 132")
	p.mine()
	w.contains("main", "Nothing is open")
}
