package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckPackage(t *testing.T) {
	for _, test := range []struct {
		from    string
		imports []string
		want    string // part of the only finding; "" for none
	}{
		{"api", []string{"fmt", "lode/chain", "lode/chain/wire", "lodestone/x"}, ""},
		{"bench", []string{"lode/api", "lode/miner/kernel"}, ""},
		{"api", []string{"lode/miner"}, "api imports miner"},
		{"chain", []string{"lode/chain/store"}, "chain imports chain/store"},
		{"metrics", []string{"lode"}, "metrics imports "},
		{"bench", []string{"lode/cmd/miner"}, "bench imports cmd/miner"},
		{"cmd/miner", []string{"lode/miner/gpu/opencl"}, "cmd/miner imports miner/gpu/opencl"},
		{"chain/cellar", nil, "package chain/cellar has no place"},
	} {
		findings := checkPackage(test.from, test.imports)
		if test.want == "" && len(findings) == 0 {
			continue
		}
		if len(findings) != 1 || test.want == "" || !strings.Contains(findings[0], test.want) {
			t.Errorf("%s: %q, want %q", test.from, findings, test.want)
		}
	}
}

func TestCheckLengths(t *testing.T) {
	dir := t.TempDir()
	source := func(lines int) string {
		return "package p\n\nfunc f() {\n" + strings.Repeat("\tg()\n", lines-2) + "}\n"
	}
	for name, lines := range map[string]int{"short_test.go": maxFunctionLines, "long_test.go": maxFunctionLines + 1} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(source(lines)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	findings, err := checkLengths(dir)
	if err != nil || len(findings) != 1 || !strings.Contains(findings[0], "long_test.go:3: f has 61 lines, more than 60") {
		t.Errorf("%q, %v", findings, err)
	}
}
