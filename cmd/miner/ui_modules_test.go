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

// TestPageTheme: the page follows the system, and its switch is kept.
func TestPageTheme(t *testing.T) {
	findBrowser(t)
	p := start(t, t.TempDir(), freePort(t), "--workers", "1", "--kernel", "generic")
	w := openPage(t, p, "")
	dark := func(want bool) {
		t.Helper()
		w.until(fmt.Sprintf(`(getComputedStyle(document.body).backgroundColor === "rgb(16, 20, 21)") === %t`, want))
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
