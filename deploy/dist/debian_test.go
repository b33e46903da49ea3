package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// hasDpkg tells whether this is a Debian, or one of the systems that come from it. CI is.
func hasDpkg(t *testing.T) bool {
	t.Helper()
	_, err := exec.LookPath("dpkg-deb")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	return err == nil
}

// TestDebianVersions are in the order of the commits that they are for.
func TestDebianVersions(t *testing.T) {
	when := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	last := ""
	for _, test := range []struct{ version, want string }{
		{"6ecc1cf", "0~20260304050607.6ecc1cf"},
		{"6ecc1cf-dirty", "0~20260304050607.6ecc1cf.dirty"},
		{"v0.9.0-rc.1", "0.9.0~rc.1"},
		{"v0.9.0-rc.1-3-gabcdef0", "0.9.0~rc.1+3.gabcdef0"},
		{"v0.9.0-rc.2-x-4-gabcdef0-dirty", "0.9.0~rc.2.x+4.gabcdef0+dirty"},
		{"v0.9.0", "0.9.0"},
		{"v1.2.3", "1.2.3"},
		{"v1.2.3-dirty", "1.2.3+dirty"},
		{"v1.2.4-9-gabcdef0", "1.2.4+9.gabcdef0"},
		{"1.2.4-10-g0123456-dirty", "1.2.4+10.g0123456+dirty"},
	} {
		got := (&release{version: test.version, time: when}).debianVersion()
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.version, got, test.want)
		}
		if last != "" && hasDpkg(t) && exec.Command("dpkg", "--compare-versions", last, "lt", got).Run() != nil {
			t.Errorf("%s comes not before %s", last, got)
		}
		last = got
	}
}

// TestMaintainer is who publishes the package, if somebody says so.
func TestMaintainer(t *testing.T) {
	say(t, "v1.2.3")
	for _, test := range []struct{ name, want string }{
		{"", nobodys}, {"Ada Lovelace <ada@example.org>", "Ada Lovelace <ada@example.org>"}, {"Ada", ""}, {"A <a@b.example>\nEssential: yes", ""},
	} {
		t.Setenv("MAINTAINER", test.name)
		r, err := newRelease(t.Context(), root)
		if test.want == "" {
			if err == nil || !strings.Contains(err.Error(), "MAINTAINER") {
				t.Errorf("%q: %v", test.name, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		files, err := r.control(here(), nil)
		if err != nil || !strings.Contains(string(files[0].content), "\nMaintainer: "+test.want+"\n") {
			t.Errorf("%q: %v, %s", test.name, err, files[0].content)
		}
	}
}
