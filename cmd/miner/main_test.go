package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sync/errgroup"

	"lode/chain/wire"
)

// asMiner makes the test binary run the program instead of the tests.
const asMiner = "TEST_AS_MINER"

func TestMain(m *testing.M) {
	if os.Getenv(asMiner) != "" && filepath.Base(os.Args[0]) != "miner-gpu" { // which a node starts
		failSync()
		main() // exits
	}
	if os.Getenv(asPanicking) != "" {
		panicOnTerminal() // exits
	}
	if address := os.Getenv(asProber); address != "" {
		probe(address) // exits
	}
	testscript.Main(m, map[string]func(){"miner": main, "miner-gpu": fakeGPU})
}

// asPanicking makes the test binary a node with a part that panics while keys are read.
const asPanicking = "TEST_AS_PANICKING"

func panicOnTerminal() {
	n := &node{keyboard: newKeyboard(os.Stdin)}
	n.keyboard.take()
	fmt.Println("keys taken:", n.keyboard.before != nil)
	var parts errgroup.Group
	n.run(&parts, func() error { panic("a fault in a part") })
	_ = parts.Wait()
}

// patience bounds what a test waits for: long enough for a busy machine, short
// enough that one that hangs tells where.
const patience = 2 * time.Minute

// onceIsEnough leaves a test out under the race detector, which doesn't see the other
// programs that take most of its time. What those ask of a node, other tests ask too.
func onceIsEnough(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector doesn't see the programs that this test is about")
	}
}

// process is a node that runs as a program of its own.
type process struct {
	t       *testing.T
	command *exec.Cmd
	port    int
	dir     string
	output  *output
	exited  chan error // holds what Wait returned
	done    bool       // that was taken
}

// start runs a node in dir and waits until it serves. It is killed at the
// test's end if it still runs then.
func start(t *testing.T, dir string, port int, args ...string) *process {
	t.Helper()
	p := launch(t, dir, port, args...)
	if !p.output.waitFor("msg=serving") {
		t.Fatalf("the node didn't start:\n%s", p.output)
	}
	return p
}

// launch runs a node without waiting for it.
func launch(t *testing.T, dir string, port int, args ...string) *process {
	t.Helper()
	return launchArguments(t, dir, port, append([]string{"-p", strconv.Itoa(port), "--data-dir", dir, "--wallet-bits", "1024"}, args...))
}

// launchArguments runs the program on a node's files.
func launchArguments(t *testing.T, dir string, port int, args []string) *process {
	t.Helper()
	p := &process{t: t, port: port, dir: dir, output: newOutput(), exited: make(chan error, 1)}
	p.command = exec.Command(os.Args[0], args...)
	// A test says itself when devices shall mine; the flag wins.
	p.command.Env = append(os.Environ(), asMiner+"=1", "MINER_GPU="+gpuOff)
	p.command.Stdout, p.command.Stderr = p.output, p.output
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		p.exited <- p.command.Wait()
		p.output.close()
	}()
	t.Cleanup(func() {
		if !p.done {
			p.kill()
		}
		if strings.Contains(p.output.String(), "DATA RACE") { // its exit code is lost when it is killed
			t.Error("the race detector found something")
		}
		if t.Failed() {
			t.Logf("output of the node on port %d:\n%s", port, p.output)
		}
	})
	return p
}

// wait returns the exit code, -1 if a signal ended the process.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
		p.done = true
		return p.command.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("the node didn't end:\n%s", p.output)
		return 0
	}
}

// interrupt stops the node as a person would.
func (p *process) interrupt() {
	p.t.Helper()
	if err := p.command.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	if code := p.wait(); code != 0 {
		p.t.Fatalf("exit code %d after an interrupt:\n%s", code, p.output)
	}
}

// kill is SIGKILL, after which the process has no time for anything.
func (p *process) kill() {
	p.t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	p.wait()
}

func (p *process) file(name string) string { return filepath.Join(p.dir, fmt.Sprintf(name, p.port)) }
func (p *process) address() string         { return fmt.Sprintf("127.0.0.1:%d", p.port) }

var httpClient = &http.Client{Timeout: patience}

// request returns the status and the body of an answer.
func (p *process) request(method, path, body string) (int, string) {
	p.t.Helper()
	code, text, err := p.try(method, path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	return code, text
}

func (p *process) try(method, path, body string) (int, string, error) {
	request, err := http.NewRequest(method, "http://"+p.address()+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := httpClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// must is a request that has to be answered with a status; it returns the body
// as a JSON object.
func (p *process) must(want int, method, path, body string) map[string]any {
	p.t.Helper()
	code, text := p.request(method, path, body)
	if code != want {
		p.t.Fatalf("%s %s: %d %s, want %d", method, path, code, text, want)
	}
	v, err := wire.Decode([]byte(text))
	if err != nil {
		p.t.Fatalf("%s %s: %v: %s", method, path, err, text)
	}
	object, _ := v.(map[string]any)
	return object
}

// mine mines one block by POST /mine and returns its hash.
func (p *process) mine() string {
	p.t.Helper()
	block, err := wire.BlockOf(p.must(http.StatusCreated, "POST", "/mine", "")["Block"])
	if err != nil {
		p.t.Fatal(err)
	}
	return block.Hash()
}

// tip is the height and hash of the last block.
func (p *process) tip() (int64, string) {
	p.t.Helper()
	status := p.must(http.StatusOK, "GET", "/v1/status", "")
	height, _ := status["height"].(wire.Number).Int64()
	return height, status["tip"].(string)
}

// blocks is GET /chain.
func (p *process) blocks() []wire.Block {
	p.t.Helper()
	_, text := p.request("GET", "/chain", "")
	var blocks []wire.Block
	for reader := wire.NewBlockReader(strings.NewReader(text), 1<<20); ; {
		b, err := reader.Next()
		if err == io.EOF {
			return blocks
		}
		if err != nil {
			p.t.Fatal(err)
		}
		blocks = append(blocks, b)
	}
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("it still isn't so after %v", patience)
		}
	}
}

// freePort is a TCP port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// output keeps what a process prints and tells when a text comes.
type output struct {
	mu      sync.Mutex // guards all below
	text    bytes.Buffer
	changed chan struct{} // closed and replaced at each change
	ended   bool
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	close(o.changed)
	o.changed = make(chan struct{})
	return len(p), nil
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// waitFor waits until the text has come, false if the process ended without it.
func (o *output) waitFor(text string) bool {
	deadline := time.After(patience)
	for {
		o.mu.Lock()
		there, ended, changed := strings.Contains(o.text.String(), text), o.ended, o.changed
		o.mu.Unlock()
		if there || ended {
			return there
		}
		select {
		case <-changed:
		case <-deadline:
			return false
		}
	}
}
