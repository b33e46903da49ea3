package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestTokenIsMadeOnce and kept for the starts to come.
func TestTokenIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.txt")
	first, made, err := openToken(path)
	if err != nil || !made || !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(first) {
		t.Fatalf("made %v, a token of %d characters, %v", made, len(first), err)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	again, made, err := openToken(path)
	if err != nil || made || again != first {
		t.Errorf("made again: %v, same: %v, %v", made, again == first, err)
	}
	other, _, err := openToken(path + "2")
	if err != nil || other == first {
		t.Errorf("another file has the same token: %v, %v", other == first, err)
	}
}

func TestTokenTexts(t *testing.T) {
	const good = "0123456789abcdef"
	for text, want := range map[string]string{
		good: good, good + "\n": good, good + " \t\r\n\n": good, "-._~+/=" + good: "-._~+/=" + good,
		strings.Repeat("x", maxTokenBytes): strings.Repeat("x", maxTokenBytes),
		"":                                 "", "\n": "", good[1:]: "", good[1:] + "\n\n\n": "", " " + good: "", good + " " + good: "",
		good + "\n" + good: "", good + "é": "", good + "\x00": "", good + `"`: "",
		strings.Repeat("x", maxTokenBytes+1): "",
	} {
		token, err := parseToken(text)
		if token != want || errors.Is(err, errTokenText) != (want == "") {
			t.Errorf("%.40q: %.40q, %v", text, token, err)
		}
		if err != nil && strings.Contains(err.Error(), good[1:]) {
			t.Errorf("the error shows the token: %v", err)
		}
	}
}

// TestTokenFiles that are refused, with the reason and unchanged.
func TestTokenFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the mode of a file says nothing there")
	}
	for mode, want := range map[fs.FileMode]error{
		0o600: nil, 0o400: nil, 0o640: errTokenOpen, 0o604: errTokenOpen, 0o620: errTokenOpen, 0o644: errTokenOpen,
	} {
		path := filepath.Join(t.TempDir(), "token.txt")
		write(t, path, "0123456789abcdef")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, made, err := openToken(path); !errors.Is(err, want) || made || err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%v: %v, want %v", mode, err, want)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%v became %v %v", mode, info.Mode(), err)
		}
	}
	if _, _, err := openToken(t.TempDir()); !errors.Is(err, errTokenShape) {
		t.Errorf("a folder: %v", err)
	}
	if _, _, err := openToken(filepath.Join(t.TempDir(), "nowhere", "token.txt")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// TestAccessOptions: what the flags make of hosts and paths.
func TestAccessOptions(t *testing.T) {
	for _, test := range []struct{ host, address, names string }{
		{"127.0.0.1", "127.0.0.1:5000", "[other]"}, {"::1", "[::1]:5000", "[other]"}, {"[::1]", "[::1]:5000", "[other]"},
		{"", ":5000", "[other]"}, {"::ffff:127.0.0.1", "[::ffff:127.0.0.1]:5000", "[other]"},
		{"0.0.0.0", "0.0.0.0:5000", "[other]"}, {"fe80::1%eth0", "[fe80::1%eth0]:5000", "[other]"},
		{"node.example", "node.example:5000", "[node.example other]"},
	} {
		o := options{host: test.host, port: 5000, dataDir: "d", access: accessOptions{allowedHosts: []string{"other"}}}
		if names := fmt.Sprint(o.names()); o.address() != test.address || names != test.names {
			t.Errorf("%q: %s %s, want %s %s", test.host, o.address(), names, test.address, test.names)
		}
		if o.tokenPath() != filepath.Join("d", "api-token-5000.txt") {
			t.Error(o.tokenPath())
		}
	}
	o := options{access: accessOptions{tokenFile: "t"}}
	if o.tokenPath() != "t" {
		t.Error(o.tokenPath())
	}
}

// TestMetricsAddr is refused where it can't be another address than the API's.
func TestMetricsAddr(t *testing.T) {
	for _, test := range []struct {
		host, addr string
		ok         bool
	}{
		{"127.0.0.1", "127.0.0.1:9100", true}, {"127.0.0.1", "[::1]:5000", true}, {"127.0.0.1", ":9100", true},
		{"127.0.0.1", "127.0.0.1:0", true}, {"[::1]", "127.0.0.1:5000", true},
		{"127.0.0.1", "127.0.0.1:5000", false}, {"127.0.0.1", ":5000", false}, {"0.0.0.0", "127.0.0.1:5000", false},
		{"[::1]", "[::1]:5000", false}, {"::", "10.0.0.1:05000", false}, {"127.0.0.1", "9100", false},
		{"127.0.0.1", "127.0.0.1:70000", false}, {"127.0.0.1", "127.0.0.1:http", false}, {"127.0.0.1", "::1:9100", false},
	} {
		o := options{host: test.host, port: 5000, access: accessOptions{metricsAddr: test.addr}}
		if err := o.checkMetricsAddr(); (err == nil) != test.ok {
			t.Errorf("--host %s --metrics-addr %s: %v", test.host, test.addr, err)
		}
	}
}
