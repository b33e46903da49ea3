package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// TestPageModules loads each of the page's modules in the browser, and checks
// its pure functions there.
func TestPageModules(t *testing.T) {
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
}
