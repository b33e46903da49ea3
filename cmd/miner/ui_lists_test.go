package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const shownHeights = `[...document.querySelectorAll(".row.block > .number:first-child")].map((e) => e.textContent)`

// TestPageLists turns the pages of a chain of 60 blocks: together they have each
// block once.
func TestPageLists(t *testing.T) {
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
