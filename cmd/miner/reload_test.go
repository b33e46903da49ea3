package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// reloading is a node that reads its settings from a file.
type reloading struct {
	*process
	path string
}

func startReloading(t *testing.T, settings string, args ...string) reloading {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	r := reloading{path: filepath.Join(dir, "miner.toml")}
	r.write(t, settings)
	r.process = start(t, dir, port, append([]string{"--config", r.path}, args...)...)
	return r
}

func (r reloading) write(t *testing.T, settings string) {
	t.Helper()
	if err := os.WriteFile(r.path, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload sends SIGHUP and returns the line that it has for an answer.
func (r reloading) reload(message string) string {
	r.t.Helper()
	before := len(r.output.String())
	if err := r.command.Process.Signal(syscall.SIGHUP); err != nil {
		r.t.Fatal(err)
	}
	var line string
	eventually(r.t, func() bool {
		for text := range strings.Lines(r.output.String()[before:]) {
			if strings.Contains(text, message) {
				line = text
			}
		}
		return line != ""
	})
	return line
}

func (r reloading) peers() string {
	r.t.Helper()
	return fmt.Sprint(r.must(200, "GET", "/node", "")["all_nodes"])
}

// TestReload takes over what can change, and says what needs a restart. Flags win as
// at the start, and peers that somebody added by hand stay.
func TestReload(t *testing.T) {
	r := startReloading(t, "peer = ['127.0.0.1:1', '127.0.0.1:2']\nlog-level = 'info'\nsearch = 'fastest'", "--workers", "1")
	r.must(201, "POST", "/node", `{"node":"127.0.0.1:9"}`)

	r.write(t, "peer = ['127.0.0.1:2', '127.0.0.1:3']\nlog-level = 'warn'\nsearch = 'smallest'\nworkers = 2\nallowed-host = ['a']")
	line := r.reload("read the configuration again")
	for _, want := range []string{
		`level=INFO msg="read the configuration again" file=` + r.path,
		`changed="log-level: info -> warn, peer: [127.0.0.1:1 127.0.0.1:2] -> [127.0.0.1:2 127.0.0.1:3]"`,
		`needs_restart="allowed-host: [] -> [a], search: fastest -> smallest"`,
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%q lacks %q", line, want)
		}
	}
	if got := r.peers(); got != "[127.0.0.1:2 127.0.0.1:3 127.0.0.1:9]" {
		t.Errorf("peers %s", got)
	}

	// What is running is what counts: taken back, it needs no restart any more.
	r.write(t, "peer = ['127.0.0.1:2', '127.0.0.1:3']\nlog-level = 'debug'")
	if line := r.reload("read the configuration again"); !strings.Contains(line, `changed="log-level: warn -> debug" needs_restart=""`) {
		t.Error(line)
	}
	r.interrupt()
}

// TestReloadTurnsMiningOnAndOff, and says why if it can't.
func TestReloadTurnsMiningOnAndOff(t *testing.T) {
	r := startReloading(t, "", "--workers", "1", "--wallet-bits", "1024", "--difficulty", "6")
	isMining := func() any { return r.must(200, "GET", "/v1/mining", "")["continuous"] }
	r.write(t, "mine = true")
	if line := r.reload("not all of it could be done"); !strings.Contains(line, `changed="" needs_restart="" error="mine: false -> true: there is no wallet`) {
		t.Error(line)
	}
	r.must(201, "POST", "/wallet", "")
	if line := r.reload("read the configuration again"); !strings.Contains(line, `changed="mine: false -> true" needs_restart=""`) || isMining() != true {
		t.Error(line, isMining())
	}
	r.write(t, "")
	if line := r.reload("read the configuration again"); !strings.Contains(line, `changed="mine: true -> false" needs_restart=""`) || isMining() != false {
		t.Error(line, isMining())
	}
	r.interrupt()
}

// TestReloadTurnsOffWhatMineImplies: a peer that is ahead is a conflict again, which
// nobody resolves unasked.
func TestReloadTurnsOffWhatMineImplies(t *testing.T) {
	r := startReloading(t, "mine = true", "--workers", "1", "--create-wallet")
	r.must(200, "POST", "/v1/mining/pause", "")
	r.write(t, "")
	if line := r.reload("read the configuration again"); !strings.Contains(line, `changed="mine: true -> false"`) {
		t.Error(line)
	}
	// The proof of work doesn't cover the index.
	ahead := parse(t, dumps(readVectors(t).GoodBlock)).(object)
	ahead["index"] = json.Number("1000000")
	r.must(200, "POST", "/broadcast_block", dumps(object{"block": ahead}))
	if conflict := r.must(200, "GET", "/v1/status", "")["conflict"]; conflict != true {
		t.Errorf("conflict: %v", conflict)
	}
	r.interrupt()
}

// TestReloadOfABrokenFile changes nothing, not even by what is right in it.
func TestReloadOfABrokenFile(t *testing.T) {
	r := startReloading(t, "peer = ['127.0.0.1:1']")
	for settings, why := range map[string]string{
		"peer = ['127.0.0.1:2']\nprot = 1":           r.path + `:2: \"prot\": there is no such setting; is it port?`,
		"peer = ['127.0.0.1:2', 'nonsense']":         "--peer: not the address of a peer",
		"peer = ['127.0.0.1:2']\nlog-level = 'loud'": `--log-level \"loud\": must be`,
		"peer = ['127.0.0.1:2']\nlog-format = 'xml'": `--log-format \"xml\": must be`,
		"peer = ['127.0.0.1:2']\ncpus = 'x'":         `--cpus \"x\"`,
		"peer = ['127.0.0.1:2']\ndifficulty = 65":    "--difficulty 65",
	} {
		r.write(t, settings)
		if line := r.reload("nothing has changed"); !strings.Contains(line, why) || !strings.Contains(line, "level=ERROR") {
			t.Errorf("%q: %s", settings, line)
		}
		if got := r.peers(); got != "[127.0.0.1:1]" {
			t.Errorf("%q: peers %s", settings, got)
		}
	}
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	if line := r.reload("nothing has changed"); !strings.Contains(line, "no such file") {
		t.Error(line)
	}
	r.interrupt()
}

// TestReloadWithoutAFile leaves the node as it is.
func TestReloadWithoutAFile(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t))
	reloading{process: p}.reload("--config named no file")
	p.interrupt()
}

// TestReloadTellsOnAVisibleLevel: the line is there whether the level rises or falls.
func TestReloadTellsOnAVisibleLevel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "miner.toml")
	o := options{}
	o.flags = newNodeFlags(&o)
	if err := o.flags.Set("config", path); err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	n := &node{options: o, level: new(slog.LevelVar)}
	n.log = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: n.level}))
	r := newReloader(n)
	for _, level := range []string{"error", "info", "warn", "debug"} {
		if err := os.WriteFile(path, []byte("log-level = '"+level+"'"), 0o600); err != nil {
			t.Fatal(err)
		}
		lines.Reset()
		if r.reload(); !strings.Contains(lines.String(), "-> "+level) || strings.Count(lines.String(), "\n") != 1 {
			t.Errorf("%s: %q", level, lines.String())
		}
		if n.level.Level().String() != strings.ToUpper(level) {
			t.Errorf("the level is %v, want %s", n.level.Level(), level)
		}
	}
}
