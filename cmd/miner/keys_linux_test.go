package main

import (
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// terminal is a node on a terminal of its own.
type terminal struct {
	*process
	keys, screen *os.File // where a person types, and where the node runs
	before       unix.Termios
}

// startOnTerminal starts a node on a terminal of so many columns.
func startOnTerminal(t *testing.T, columns uint16, environment []string, args ...string) *terminal {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	keys, screen, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(keys, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, port: port, dir: dir, output: newOutput(), exited: make(chan error, 1)}
	x := &terminal{process: p, keys: keys, screen: screen}
	x.before = x.mode()
	p.command = exec.Command(os.Args[0], append([]string{"-p", strconv.Itoa(port), "--data-dir", dir, "--workers", "1", "--kernel", "generic"}, args...)...)
	p.command.Env = append(append(os.Environ(), asMiner+"=1", "MINER_GPU="+gpuOff, "TERM=xterm", "NO_COLOR="), environment...)
	p.command.Stdin, p.command.Stdout, p.command.Stderr = screen, screen, screen
	p.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(p.output, keys) }() // ends when the terminal is closed
	go func() { p.exited <- p.command.Wait() }()   // ends with the process
	t.Cleanup(func() {
		if !p.done {
			p.kill()
		}
		screen.Close()
		keys.Close()
		if t.Failed() {
			t.Logf("the screen:\n%.3000q", p.output)
		}
	})
	if !p.output.waitFor("msg=serving") {
		t.Fatal("the node didn't start")
	}
	return x
}

func (x *terminal) mode() unix.Termios {
	x.t.Helper()
	mode, err := unix.IoctlGetTermios(int(x.keys.Fd()), unix.TCGETS)
	if err != nil {
		x.t.Fatal(err)
	}
	return *mode
}

func (x *terminal) hasKeys() bool { return x.mode().Lflag&(unix.ICANON|unix.ECHO) == 0 }

// waitForKeys waits until the node reads keys.
func (x *terminal) waitForKeys() {
	x.t.Helper()
	eventually(x.t, x.hasKeys)
}

// press types a key and waits for what it brings.
func (x *terminal) press(key, want string) {
	x.t.Helper()
	before := strings.Count(x.output.String(), want)
	if _, err := io.WriteString(x.keys, key); err != nil {
		x.t.Fatal(err)
	}
	eventually(x.t, func() bool { return strings.Count(x.output.String(), want) > before })
}

// ended waits for the end, after which the terminal has to be as it was.
func (x *terminal) ended(code int) {
	x.t.Helper()
	if got := x.wait(); got != code {
		x.t.Errorf("exit code %d, want %d", got, code)
	}
	if mode := x.mode(); mode != x.before {
		x.t.Errorf("the terminal's mode is\n%+v, and was\n%+v", mode, x.before)
	}
}

func TestKeys(t *testing.T) {
	x := startOnTerminal(t, 120, nil)
	x.waitForKeys()
	if mode := x.mode(); mode.Lflag&unix.ISIG == 0 || mode.Oflag != x.before.Oflag {
		t.Errorf("signals or output are not as they were: %+v", mode)
	}
	x.press("h", boldOn+"WORKER  CPU  KERNEL   RATE 10S  HASHES"+stylesOff+"\r\n")
	x.press("s", boldOn+"RESULT             COUNT  NOTE"+stylesOff+"\r\nblocks found       0      0.0 expected of so many hashes\r\n")
	x.press("c", "There are no peers")
	x.press("?", keyHelp)
	x.press("p", "mining is paused; r resumes it")
	if !x.output.waitFor(eraseLine + noticeOn + "PAUSED" + stylesOff + " | height 0 | ") {
		t.Error("the status doesn't tell")
	}
	if paused := x.must(200, "GET", "/v1/mining", "")["paused"]; paused != true {
		t.Errorf("paused: %v", paused)
	}
	x.press("r", "mining goes on")
	if paused := x.must(200, "GET", "/v1/mining", "")["paused"]; paused != false {
		t.Errorf("paused: %v", paused)
	}
	x.press("q", "msg=stopping")
	x.ended(0)
}

// TestTheTerminalIsRestored however the node ends.
func TestTheTerminalIsRestored(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(x *terminal)
		code int
	}{
		"Ctrl-C":    {func(x *terminal) { _, _ = io.WriteString(x.keys, "\x03") }, 0},
		"SIGTERM":   {func(x *terminal) { _ = x.command.Process.Signal(syscall.SIGTERM) }, 0},
		"Ctrl-\\":   {func(x *terminal) { _, _ = io.WriteString(x.keys, "\x1c") }, 2},
		"two times": {func(x *terminal) { _, _ = io.WriteString(x.keys, "\x03"); _, _ = io.WriteString(x.keys, "q") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			x := startOnTerminal(t, 120, nil)
			x.waitForKeys()
			test.end(x)
			x.ended(test.code)
		})
	}
}

// TestAStoppedNodeLeavesTheTerminal to who has it next, and takes it again.
func TestAStoppedNodeLeavesTheTerminal(t *testing.T) {
	x := startOnTerminal(t, 120, nil)
	x.waitForKeys()
	if _, err := io.WriteString(x.keys, "\x1a"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return x.mode() == x.before })
	eventually(t, func() bool { // stopped: "T" in its state (proc(5))
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(x.command.Process.Pid) + "/stat")
		return err == nil && strings.Contains(string(stat), ") T ")
	})
	if err := x.command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	x.waitForKeys()
	x.press("q", "msg=stopping")
	x.ended(0)
}

// TestTheTerminalGoes away with a node on it, which stops cleanly.
func TestTheTerminalGoes(t *testing.T) {
	x := startOnTerminal(t, 120, nil)
	x.waitForKeys()
	x.screen.Close()
	x.keys.Close()
	if code := x.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(x.file("basicBlockChain%d.txt")); err != nil {
		t.Errorf("it didn't stop cleanly: %v", err)
	}
}

var sgr = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func TestPlainTerminals(t *testing.T) {
	x := startOnTerminal(t, 120, []string{"NO_COLOR=1"})
	x.waitForKeys()
	x.press("h", "WORKER  CPU  KERNEL   RATE 10S  HASHES\r\n")
	x.press("p", eraseLine+"PAUSED | height 0 | ")
	if sgr.MatchString(x.output.String()) {
		t.Error("NO_COLOR is set, and there are styles")
	}
	x.press("q", "msg=stopping")
	x.ended(0)

	x = startOnTerminal(t, 120, []string{"TERM=dumb"})
	if x.hasKeys() {
		t.Error("a dumb terminal is read by keys")
	}
	x.interrupt()
	if strings.Contains(x.output.String(), "\x1b") || !strings.Contains(x.output.String(), "time=20") {
		t.Error("a dumb terminal doesn't get plain log lines")
	}
}

// TestNarrowTerminals: nothing of the status and the tables wraps.
func TestNarrowTerminals(t *testing.T) {
	x := startOnTerminal(t, 24, nil)
	x.waitForKeys()
	x.press("s", "RESULT             COUN"+stylesOff+"\r\nblocks found       0\r\n")
	if !x.output.waitFor(eraseLine + "height 0 | 0.0 H/s 10s,") {
		t.Error("there is no status")
	}
	if strings.Contains(x.output.String(), "0.0 H/s 10s, ") {
		t.Error("the status is wider than the terminal")
	}
	x.press("q", "msg=stopping")
	x.ended(0)
}

// TestThePrivateKeyOnATerminal is shown there, and to nobody else.
func TestThePrivateKeyOnATerminal(t *testing.T) {
	dir := t.TempDir()
	if _, messages, code := runMiner(t, "wallet", "new", "--offline", "--wallet-bits", "1024", "--data-dir", dir); code != 0 {
		t.Fatal(messages)
	}
	command := exec.Command(os.Args[0], "wallet", "show", "--private", "--data-dir", dir)
	command.Env = append(os.Environ(), asMiner+"=1")
	screen, err := pty.Start(command)
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	text, _ := io.ReadAll(screen) // EIO at the end
	if err := command.Wait(); err != nil {
		t.Errorf("%v: %s", err, text)
	}
	if !regexp.MustCompile(`^address  30819f[0-9a-f]+\r\nprivate  30820[0-9a-f]+\r\n$`).Match(text) {
		t.Errorf("%q", text)
	}
}
