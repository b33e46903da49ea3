package device

import (
	"errors"
	"io"
	"strings"
	"testing"

	"lode/miner/gpu/protocol"
	"lode/miner/kernel"
)

// client is a node's end of a server.
type client struct {
	t     *testing.T
	in    *io.PipeWriter
	lines *protocol.Reader
	ended chan error
}

// serve starts a server, which ends with the test at the latest.
func serve(t *testing.T, f *fake, cfg Config) *client {
	t.Helper()
	f.vector = 2 // as of a CPU, whose launches are small at first
	requests, in := io.Pipe()
	out, answers := io.Pipe()
	c := &client{t: t, in: in, lines: protocol.NewReader(out), ended: make(chan error, 1)}
	go func() { // ends with the server
		err := Serve(t.Context(), f, requests, answers, cfg)
		answers.Close()
		c.ended <- err
	}()
	t.Cleanup(func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		out.Close()
	})
	return c
}

func (c *client) send(messages ...protocol.Message) {
	c.t.Helper()
	for _, m := range messages {
		if err := Send(c.in, m); err != nil {
			c.t.Fatal(err)
		}
	}
}

// next is the next line that is no state and no progress.
func (c *client) next() protocol.Message {
	c.t.Helper()
	for {
		line, err := c.lines.Line()
		if err != nil {
			c.t.Fatal(err)
		}
		m, err := protocol.DecodeAnswer(line)
		if err != nil {
			c.t.Fatal(err)
		}
		switch m.(type) {
		case protocol.State, protocol.Progress:
		default:
			return m
		}
	}
}

// expect wants the next line to be of a type.
func expect[M protocol.Message](c *client) M {
	c.t.Helper()
	m := c.next()
	if answer, ok := m.(M); ok {
		return answer
	}
	var want M
	c.t.Fatalf("%s %+v, want %s", m.Type(), m, want.Type())
	return want
}

func (c *client) ready() {
	c.t.Helper()
	expect[protocol.Hello](c)
	expect[protocol.Ready](c)
}

// wantFatal wants the server to end with an error, and to say so.
func (c *client) wantFatal(kind string, err error) {
	c.t.Helper()
	if got := expect[protocol.Fatal](c); got.Kind != kind {
		c.t.Errorf("fatal %+v, want the kind %s", got, kind)
	}
	if got := <-c.ended; !errors.Is(got, err) {
		c.t.Errorf("error %v, want %v", got, err)
	}
}

func testWork(number uint64, difficulty int) (protocol.Work, *kernel.Work) {
	w := kernel.NewWork([]byte(strings.Repeat("served ", 20)), kernel.Plain(5), difficulty)
	return protocol.NewWork(number, w), w
}

func TestServe(t *testing.T) {
	c := serve(t, &fake{}, Config{})
	if hello := expect[protocol.Hello](c); hello.Version != protocol.Version || hello.Device.Name != "fake" {
		t.Errorf("hello %+v", hello)
	}
	if ready := expect[protocol.Ready](c); ready.Lanes != Lanes || ready.SelfTest != protocol.SelfTestPassed || !(ready.Rate > 0) {
		t.Errorf("ready %+v", ready)
	}
	message, w := testWork(1, 3)
	c.send(message, protocol.Scan{Number: 7, Work: 1, First: 100, Count: 20_000})
	want := int64(generic(w, 100, 20_000)[0]) - 100
	if done := expect[protocol.Done](c); done.Scan != 7 || done.Hit != want || done.Hashes <= uint64(want) {
		t.Errorf("done %+v, want the hit %d", done, want)
	}
	c.send(protocol.Scan{Number: 8, Work: 1, First: 0, Count: 1})
	if done := expect[protocol.Done](c); done.Scan != 8 || done.Hit != -1 || done.Hashes != 1 {
		t.Errorf("done %+v, want no hit", done)
	}
	c.in.Close()
	if err := <-c.ended; err != nil {
		t.Errorf("error %v after the end", err)
	}
}

// A scan that is cancelled is answered, whether a lane is on it or it waits for one.
func TestServeCancels(t *testing.T) {
	f := &fake{}
	c := serve(t, f, Config{})
	c.ready()
	message := protocol.NewWork(1, kernel.NewWork([]byte("cancelled"), kernel.Plain(12), 64))
	c.send(message, protocol.Scan{Number: 1, Work: 1, First: 0, Count: 1}) // builds
	expect[protocol.Done](c)

	entered, gate := make(chan struct{}), make(chan struct{})
	f.mu.Lock()
	f.entered, f.gate = entered, gate
	f.mu.Unlock()
	for number := range uint64(Lanes + 1) {
		c.send(protocol.Scan{Number: 2 + number, Work: 1, First: 0, Count: 1e12})
	}
	for range Lanes {
		<-entered
	}
	for number := range uint64(Lanes + 1) {
		c.send(protocol.Cancel{Scan: 2 + number})
	}
	close(gate)
	go func() { // ends with the lanes' launches
		for range entered {
		}
	}()
	defer close(entered)
	seen := map[uint64]bool{}
	for range Lanes + 1 {
		seen[expect[protocol.Cancelled](c).Scan] = true
	}
	if len(seen) != Lanes+1 {
		t.Errorf("cancelled %v", seen)
	}
	c.in.Close()
	<-c.ended
}

// The server remembers the last works, and takes a scan of an older one for a mistake.
func TestServeForgetsOldWorks(t *testing.T) {
	c := serve(t, &fake{}, Config{})
	c.ready()
	for number := range uint64(protocol.KeptWorks + 1) {
		message, _ := testWork(number, 3)
		c.send(message)
	}
	c.send(protocol.Scan{Number: 1, Work: 1, First: 0, Count: 1})
	expect[protocol.Done](c)
	c.send(protocol.Scan{Number: 2, Work: 0, First: 0, Count: 1})
	c.wantFatal(protocol.FatalProtocol, ErrProtocol)
}

func TestServeRefusesNonsense(t *testing.T) {
	message, _ := testWork(1, 3)
	for name, test := range map[string]func(c *client){
		"garbage":         func(c *client) { _, _ = io.WriteString(c.in, "garbage\n") },
		"an answer":       func(c *client) { c.send(protocol.Cancelled{}) },
		"an unknown work": func(c *client) { c.send(protocol.Scan{Number: 1, Work: 9, Count: 1}) },
		"too many":        func(c *client) { c.send(message, protocol.Scan{Number: 1, Work: 1, First: 99_999, Count: 2}) },
		"an endless line": func(c *client) { _, _ = io.WriteString(c.in, strings.Repeat("x", protocol.MaxLine+1)) },
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, &fake{}, Config{})
			c.ready()
			test(c)
			c.wantFatal(protocol.FatalProtocol, ErrProtocol)
		})
	}
}

func TestServeTellsWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		fake *fake
		kind string
		err  error
	}{
		"build":     {&fake{build: ErrBuild}, protocol.FatalBuild, ErrBuild},
		"self-test": {&fake{wrong: func(uint32) uint32 { return ^uint32(0) }}, protocol.FatalSelfTest, ErrSelfTest},
		"launch":    {&fake{launch: func(int) error { return errFake }}, protocol.FatalDevice, errFake},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, test.fake, Config{})
			expect[protocol.Hello](c)
			c.wantFatal(test.kind, test.err)
		})
	}
}

func TestServeForced(t *testing.T) {
	c := serve(t, &fake{wrong: func(uint32) uint32 { return ^uint32(0) }}, Config{Force: true})
	expect[protocol.Hello](c)
	if ready := expect[protocol.Ready](c); !strings.HasPrefix(ready.SelfTest, protocol.SelfTestFailed) {
		t.Errorf("ready %+v", ready)
	}
}
