package main

import (
	"strings"
	"testing"

	"lode/miner/gpu/protocol"
)

// TestPageDevices shows devices that mine beside the workers, with one that computes
// wrongly. A long name that was unfolded stays so.
func TestPageDevices(t *testing.T) {
	findBrowser(t)
	long := strings.Repeat("long name ", 10)
	program := fakeList(t,
		protocol.Device{ID: "cuda:0", Backend: "cuda", Name: "A <b>", Kind: protocol.GPU},
		protocol.Device{ID: "opencl:0:wrong", Backend: "opencl", Name: long, Kind: protocol.GPU},
	)
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "1", "--workers", "1", "--kernel", "generic", "--create-wallet",
		"--gpu", "all", "--gpu-program", program)
	w := openPage(t, p, "")
	row := func(number string) string { return "tbody > tr:nth-child(" + number + ")" }
	w.until(`document.querySelector(".strip-box .empty").checkVisibility()`) // the last thing above that takes room
	devices := "table:last-child "
	w.contains(devices+row("1"), "gpu0 A <b>")
	w.contains(devices+row("1"), "ready")
	w.contains(devices+row("2")+" .badge", "ended") // for a reason that is long enough to be folded
	w.click(devices + row("2") + " .reason button")
	w.contains(devices+row("2"), "2 of 40 batches are wrong")
	w.click(devices + row("2") + " th button")
	const told = `(await import("/ui/state.js")).state.rates.times.length`
	w.until(`(window.before = ` + told + `) > 0`)
	w.until(told + ` > window.before + 1`)
	if texts := w.strings(`[document.querySelector("` + devices + row("2") + `").textContent, document.activeElement.textContent]`); !strings.Contains(texts[0], long) ||
		!strings.Contains(texts[0], "2 of 40 batches are wrong") || !strings.Contains(texts[1], long) {
		t.Errorf("after a while the row shows %q, and %q has the focus", texts[0], texts[1])
	}
}
