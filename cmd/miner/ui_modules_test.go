package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"lode/chain/wire"
)

// TestPageModules loads each of the page's modules in the browser, and checks
// its pure functions there.
func TestPageModules(t *testing.T) {
	findBrowser(t)
	p := start(t, t.TempDir(), freePort(t), "--workers", "1", "--kernel", "generic")
	w := openPage(t, p, "")
	var paths []string
	err := fs.WalkDir(os.DirFS("../../api/ui/static"), ".", func(name string, entry fs.DirEntry, err error) error {
		if path.Ext(name) == ".js" {
			paths = append(paths, fmt.Sprintf("%q", "/ui/"+name))
		}
		return err
	})
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d modules, %v", len(paths), err)
	}
	script := read(t, "testdata/browser/pure.js")
	for _, call := range []string{"modules([" + strings.Join(paths, ",") + "])", "pure()"} {
		for _, wrong := range w.strings(script + call) {
			t.Error(wrong)
		}
	}

	// The browser itself lets no text become markup or a script.
	for _, attempt := range []string{"document.body.innerHTML = 'x'", "document.write('x')", "document.createElement('script').text = 'x'"} {
		if outcome := do(w, chromedp.Evaluate[string]("(() => { try { "+attempt+"; } catch (problem) { return problem.name; } return 'done'; })()")); outcome != "TypeError" {
			t.Errorf("%s: %s", attempt, outcome)
		}
	}
	w.forgive("TrustedHTML", "TrustedScript")

	recipients := []string{"data:,Hello%20you", "data:,", "data:,a+b", "data:,%", "data:,%zz", "data:,%ff", "data:,ä", "data:,100%25",
		"data:text/plain,x", "somebody", "", "data:," + strings.Repeat("x", wire.MaxMessage), "data:," + strings.Repeat("x", wire.MaxMessage+1),
		"data:," + strings.Repeat("%C3%A4", wire.MaxMessage/2), "data:," + strings.Repeat("%C3%A4", wire.MaxMessage/2+1)}
	list, err := json.Marshal(recipients)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range w.strings(script + "messages(" + string(list) + ")") {
		want := "null"
		if text, ok := wire.MessageText(recipients[i]); ok {
			quoted, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			want = string(quoted)
		}
		if got != want {
			t.Errorf("the page reads %.40q as %.40s, the node as %.40s", recipients[i], got, want)
		}
	}
}

// charted is true if the chart has a pixel of the colour of its line.
const charted = `(() => {
	const chart = document.querySelector(".chart canvas");
	if (!chart?.width) return false;
	const copy = new OffscreenCanvas(chart.width, chart.height).getContext("2d", { willReadFrequently: true });
	copy.drawImage(chart, 0, 0);
	const { data } = copy.getImageData(0, 0, chart.width, chart.height);
	const line = %s;
	for (let i = 0; i < data.length; i += 4) if (line.every((part, j) => Math.abs(part - data[i + j]) < 3)) return true;
	return false;
})()`

// TestPageTheme: the page follows the system, with its chart, and its switch is kept.
func TestPageTheme(t *testing.T) {
	findBrowser(t)
	p := start(t, t.TempDir(), freePort(t), "--workers", "1", "--kernel", "generic")
	w := openPage(t, p, "")
	dark := func(want bool) {
		t.Helper()
		w.until(fmt.Sprintf(`(getComputedStyle(document.body).backgroundColor === "rgb(16, 20, 21)") === %t`, want))
		w.until(fmt.Sprintf(charted, map[bool]string{true: "[95, 208, 179, 255]", false: "[11, 116, 97, 255]"}[want]))
	}
	w.scheme("light")
	dark(false)
	w.scheme("dark")
	dark(true)
	w.click("#theme") // light
	dark(false)
	w.click("#theme") // dark
	w.scheme("light")
	dark(true)
	do(w, chromedp.Reload())
	dark(true)
	w.click("#theme") // system
	dark(false)
}
