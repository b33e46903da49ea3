package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"lode/chain/wire"
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
	x := newTerminal(t, columns)
	x.start(environment, x.node(args...)...)
	if !x.output.waitFor("msg=serving") {
		t.Fatal("the node didn't start")
	}
	return x
}

// newTerminal opens a terminal of so many columns, on which nothing runs.
func newTerminal(t *testing.T, columns uint16) *terminal {
	t.Helper()
	keys, screen, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(keys, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, port: freePort(t), dir: t.TempDir(), output: newOutput(), exited: make(chan error, 1), done: true}
	x := &terminal{process: p, keys: keys, screen: screen}
	x.before = x.mode()
	go func() { _, _ = io.Copy(p.output, keys) }() // ends when the terminal is closed
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
	return x
}

// node is the command line of a node.
func (x *terminal) node(args ...string) []string {
	return append([]string{os.Args[0], "-p", strconv.Itoa(x.port), "--data-dir", x.dir, "--workers", "1", "--kernel", "generic"}, args...)
}

// start runs a command line on the terminal.
func (x *terminal) start(environment []string, line ...string) {
	x.t.Helper()
	x.command = exec.Command(line[0], line[1:]...)
	x.command.Env = append(append(os.Environ(), asMiner+"=1", "MINER_GPU="+gpuOff, "TERM=xterm", "NO_COLOR="), environment...)
	x.command.Stdin, x.command.Stdout, x.command.Stderr = x.screen, x.screen, x.screen
	x.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.command.Start(); err != nil {
		x.t.Fatal(err)
	}
	x.done = false
	go func() { x.exited <- x.command.Wait() }() // ends with the process
}

// startInShell starts a node in a shell that has jobs, by a script in which "$@" is the
// node.
func startInShell(t *testing.T, script string) *terminal {
	t.Helper()
	x := newTerminal(t, 120)
	x.start(nil, append([]string{"bash", "-c", "set -m; " + script, "bash"}, x.node()...)...)
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

func (x *terminal) enter(keys string) {
	x.t.Helper()
	if _, err := io.WriteString(x.keys, keys); err != nil {
		x.t.Fatal(err)
	}
}

// press types a key and waits for what it brings.
func (x *terminal) press(key, want string) {
	x.t.Helper()
	before := strings.Count(x.output.String(), want)
	x.enter(key)
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
		"Ctrl-C":    {func(x *terminal) { x.enter("\x03") }, 0},
		"SIGTERM":   {func(x *terminal) { _ = x.command.Process.Signal(syscall.SIGTERM) }, 0},
		"Ctrl-\\":   {func(x *terminal) { x.enter("\x1c") }, 2},
		"two times": {func(x *terminal) { x.enter("\x03q") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			x := startOnTerminal(t, 120, nil)
			x.waitForKeys()
			test.end(x)
			x.ended(test.code)
		})
	}
}

// TestAStoppedNodeLeavesTheTerminal to the shell, and takes it again.
func TestAStoppedNodeLeavesTheTerminal(t *testing.T) {
	x := startInShell(t, `"$@"; read -r; fg`)
	x.waitForKeys()
	x.enter("\x1a")
	eventually(t, func() bool { return x.mode() == x.before })
	x.enter("\n") // for the shell, which has the terminal once the node is stopped
	x.waitForKeys()
	x.press("q", "msg=stopping")
	x.ended(0)
}

// TestANodeFromTheBackground takes the terminal when it gets it, which some shells say
// by no signal.
func TestANodeFromTheBackground(t *testing.T) {
	x := startInShell(t, `"$@" & read -r; fg`)
	if !x.output.waitFor("msg=serving") {
		t.Fatal("the node didn't start")
	}
	if x.hasKeys() {
		t.Error("it takes the shell's terminal")
	}
	x.enter("\n")
	x.waitForKeys()
	x.press("q", "msg=stopping")
	x.ended(0)
}

// TestCtrlZWithoutAShell stops nothing: nobody could continue the node.
func TestCtrlZWithoutAShell(t *testing.T) {
	x := startOnTerminal(t, 120, nil)
	x.waitForKeys()
	x.enter("\x1a")
	x.press("c", "There are no peers")
	x.press("q", "msg=stopping")
	x.ended(0)
}

// TestAPanicGivesTheTerminalBack before the program dies.
func TestAPanicGivesTheTerminalBack(t *testing.T) {
	x := newTerminal(t, 120)
	x.start([]string{asMiner + "=", asPanicking + "=1"}, os.Args[0])
	x.ended(2)
	for _, want := range []string{"keys taken: true", "panic: a fault in a part"} {
		if !x.output.waitFor(want) {
			t.Errorf("it doesn't show %q", want)
		}
	}
}

// TestTheTerminalGoes away with a node on it, which stops cleanly, also if its log
// goes elsewhere.
func TestTheTerminalGoes(t *testing.T) {
	x := startOnTerminal(t, 120, nil)
	x.waitForKeys()
	x.closed()

	x = newTerminal(t, 120)
	x.start(nil, append([]string{"sh", "-c", `exec "$@" 2>/dev/null`, "sh"}, x.node()...)...)
	eventually(t, func() bool { code, _, err := x.try("GET", "/readyz", ""); return err == nil && code == 200 })
	x.closed()
}

// closed takes the terminal away.
func (x *terminal) closed() {
	t := x.t
	t.Helper()
	x.keys.Close()
	_, _ = io.WriteString(x.screen, "\n") // ends the read that goes on, and with it the file
	x.screen.Close()
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

// TestTheTerminalShowsADownload of a chain that takes its time.
func TestTheTerminalShowsADownload(t *testing.T) {
	isSeen := make(chan struct{})
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/chain" {
			http.NotFound(w, r)
			return
		}
		genesis := append(wire.Genesis().AppendClassic([]byte("[")), ',')
		w.Header().Set("Content-Length", strconv.Itoa(2*len(genesis)))
		_, _ = w.Write(genesis)
		_ = http.NewResponseController(w).Flush()
		<-isSeen
	}))
	defer peer.Close()
	defer close(isSeen)
	address := strings.TrimPrefix(peer.URL, "http://")
	x := startOnTerminal(t, 120, nil, "--auto-resolve", "--peer", address)
	x.waitForKeys()
	if !x.output.waitFor(" |  50 % [==========          ] downloading 0 blocks of " + address + " | ") {
		t.Error("the download isn't shown")
	}
	x.press("q", "msg=stopping")
	x.ended(0)
}

// TestResolveShowsADownload of the node that it asks.
func TestResolveShowsADownload(t *testing.T) {
	isSeen := make(chan struct{})
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := `{"peers":[],"states":[],"incoming":{"peer":"a:1","stage":"checking","blocks":5,"done":5,"total":10}}`
		if r.Method == http.MethodPost {
			<-isSeen
			answer = `{"replaced":true,"height":10}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer node.Close()
	x := newTerminal(t, 120)
	x.start(nil, os.Args[0], "peers", "resolve", "--url", node.URL)
	isShown := x.output.waitFor(eraseLine + " 50 % [===============               ] checking 5 blocks of a:1: 5 of 10, ")
	close(isSeen)
	x.ended(0)
	if !isShown || !x.output.waitFor(eraseLine+"the chain was replaced, height 10\r\n") {
		t.Error("it isn't shown")
	}
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
