package gpu

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lode/miner/gpu/protocol"
	"lode/miner/kernel"
)

// TestMain makes the test binary a miner-gpu when it is called like one. The device's
// number says what is wrong with it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "list":
			printList(os.Getenv(asLister))
			os.Exit(0)
		case "run":
			_, name, _ := strings.Cut(os.Args[3], ":")
			f := &fake{device: device(name), in: os.Stdin, out: os.Stdout, killed: make(chan struct{})}
			f.run(name)
			os.Exit(0)
		case "grandchild":
			holdPipes(os.Args[2])
			os.Exit(0)
		}
	}
	goleak.VerifyTestMain(m)
}

func device(name string) protocol.Device {
	return protocol.Device{ID: "cuda:" + name, Backend: "cuda", Name: "Fake", Kind: protocol.GPU, Units: 1}
}

// endless is how many candidates a scan has that a fake works on until it is cancelled.
const endless = 1 << 40

// fake is a miner-gpu that scans with portable code, in a process of its own or, where
// time is to pass quickly, within the test.
type fake struct {
	device protocol.Device
	in     io.Reader
	out    io.Writer
	killed chan struct{} // closed when it has to end

	works map[uint64]*kernel.Work
	// answer is what it does about a scan that is not planted; nil answers right.
	answer func(protocol.Scan)
	// cancel is what it does about a Cancel; nil answers that it is cancelled.
	cancel func(protocol.Cancel)

	// checks is how many planted scans it answers right; 0 are all.
	checks, seen int
	ended        bool // it shall end

	mu sync.Mutex // guards out
}

func (f *fake) say(m protocol.Message) {
	line, err := protocol.Encode(m)
	if err != nil {
		panic(err)
	}
	f.write(string(line))
}

func (f *fake) write(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _ = io.WriteString(f.out, text)
}

// hang does nothing any more.
func (f *fake) hang() {
	select {
	case <-f.killed:
	case <-time.After(time.Hour):
	}
}

func (f *fake) isKilled() bool {
	select {
	case <-f.killed:
		return true
	default:
		return false
	}
}

func (f *fake) start() {
	f.say(protocol.Hello{Version: protocol.Version, Device: f.device})
	f.say(protocol.State{Doing: "testing"})
	f.say(protocol.Ready{Rate: 5e6, Lanes: 3, SelfTest: protocol.SelfTestPassed})
}

// serve answers until stdin ends.
func (f *fake) serve() {
	f.works = map[uint64]*kernel.Work{}
	for lines := protocol.NewReader(f.in); !f.ended; {
		line, err := lines.Line()
		if err != nil {
			return
		}
		m, err := protocol.DecodeRequest(line)
		if err != nil {
			f.say(protocol.Fatal{Message: err.Error(), Kind: protocol.FatalProtocol})
			return
		}
		f.handle(m)
	}
}

func (f *fake) handle(m protocol.Message) {
	switch m := m.(type) {
	case protocol.Work:
		f.works[m.Number] = m.Resume()
		delete(f.works, m.Number-protocol.KeptWorks)
	case protocol.Cancel:
		if f.cancel != nil {
			f.cancel(m)
			return
		}
		f.say(protocol.Cancelled{Scan: m.Scan, Hashes: 1})
	case protocol.Scan:
		switch {
		case f.answer != nil && !f.isPlanted(m):
			f.answer(m)
		case m.Count >= endless:
			f.say(protocol.Progress{Scan: m.Number, Hashes: 1})
		default:
			f.scan(m)
		}
	}
}

// isPlanted knows checks by their difficulty, which no other scan in these tests has.
func (f *fake) isPlanted(m protocol.Scan) bool {
	d := f.works[m.Work].Difficulty
	return d == firstDifficulty || d == checkDifficulty
}

// scan answers right, if it still does.
func (f *fake) scan(m protocol.Scan) {
	hit := f.hit(m)
	if f.isPlanted(m) {
		if f.seen++; f.seen > f.checks && f.checks > 0 {
			hit = -1
		}
	}
	f.done(m, hit)
}

func (f *fake) done(m protocol.Scan, hit int64) {
	f.say(protocol.Done{Scan: m.Number, Hit: hit, Hashes: m.Count, Nanoseconds: 1000})
}

// hit is the right answer.
func (f *fake) hit(m protocol.Scan) int64 {
	scanner := kernel.Generic().NewScanner(f.works[m.Work])
	for done := uint64(0); done < m.Count; done += kernel.MaxBatch {
		if i := scanner.Scan(m.First+done, int(min(kernel.MaxBatch, m.Count-done))); i >= 0 {
			return int64(done) + int64(i)
		}
	}
	return -1
}

// run does what the name says, which may have an argument behind an @.
func (f *fake) run(name string) {
	name, argument, _ := strings.Cut(name, "@")
	behaviour := behaviours[name]
	if behaviour == nil {
		panic("no fake does this: " + name)
	}
	behaviour(f, argument)
}

// behaviours are what a miner-gpu can do.
var behaviours = map[string]func(f *fake, argument string){
	"right":          func(f *fake, _ string) { f.start(); f.serve() },
	"hangs at start": func(f *fake, _ string) { f.hang() },
	"hangs after its first line": func(f *fake, _ string) {
		f.say(protocol.Hello{Version: protocol.Version, Device: f.device})
		f.hang()
	},
	"hangs at exit": func(f *fake, _ string) { f.start(); f.serve(); f.hang() },
	"hangs in a scan": func(f *fake, _ string) {
		f.answer = func(protocol.Scan) { f.hang() }
		f.start()
		f.serve()
	},
	"hangs at a cancel": func(f *fake, _ string) {
		f.cancel = func(protocol.Cancel) { f.hang() }
		f.start()
		f.serve()
	},
	"reports a hit that is none": answering(func(f *fake, m protocol.Scan) { f.done(m, f.hit(m)+1) }),
	"reports a hit outside":      answering(func(f *fake, m protocol.Scan) { f.done(m, int64(m.Count)) }),
	"answers twice":              answering(func(f *fake, m protocol.Scan) { f.done(m, -1); f.done(m, -1) }),
	"answers what nobody asked":  answering(func(f *fake, m protocol.Scan) { m.Number += 7; f.done(m, -1) }),
	"cancels by itself":          answering(func(f *fake, m protocol.Scan) { f.say(protocol.Cancelled{Scan: m.Number}) }),
	"fails a scan":               answering(func(f *fake, m protocol.Scan) { f.say(protocol.Failed{Scan: m.Number, Message: "too hot"}) }),
	"crashes in a scan": answering(func(*fake, protocol.Scan) {
		fmt.Fprintln(os.Stderr, "driver: page fault")
		fmt.Fprintln(os.Stderr, "\x1b[31mgoodbye")
		os.Exit(3)
	}),
	"says hello twice": answering(func(f *fake, _ protocol.Scan) {
		f.say(protocol.Hello{Version: protocol.Version, Device: f.device})
	}),
	"is ready twice": answering(func(f *fake, _ protocol.Scan) {
		f.say(protocol.Ready{Rate: 1, Lanes: 1, SelfTest: protocol.SelfTestPassed})
	}),
	"finds nothing": func(f *fake, _ string) {
		f.start()
		f.works = nil
		f.deny()
	},
	"speaks garbage":      func(f *fake, _ string) { f.write("Segmentation fault\n"); f.hang() },
	"ends within a line":  func(f *fake, _ string) { f.write(`{"type":"hel`) },
	"speaks without end":  func(f *fake, _ string) { f.chatter() },
	"has another version": func(f *fake, _ string) { f.write(`{"type":"hello","version":2,"gpu":{}}` + "\n"); f.hang() },
	"is another device": func(f *fake, _ string) {
		f.say(protocol.Hello{Version: protocol.Version, Device: device("other")})
		f.hang()
	},
	"is ready first": func(f *fake, _ string) {
		f.say(protocol.Ready{Rate: 1, Lanes: 1, SelfTest: protocol.SelfTestPassed})
		f.hang()
	},
	"computes wrongly": func(f *fake, _ string) {
		f.say(protocol.Hello{Version: protocol.Version, Device: f.device})
		f.say(protocol.Ready{Rate: 5e6, Lanes: 1, SelfTest: "failed: 3 of 40 batches"})
		f.serve()
	},
	"ends": func(_ *fake, argument string) {
		fmt.Fprintln(os.Stderr, argument)
		os.Exit(3)
	},
	"dies": func(f *fake, kind string) {
		f.say(protocol.Hello{Version: protocol.Version, Device: f.device})
		f.say(protocol.Fatal{Message: "so it is", Kind: kind})
		os.Exit(1)
	},
	"ends slowly": func(f *fake, file string) {
		f.start()
		f.serve()
		time.Sleep(100 * time.Millisecond)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			panic(err)
		}
	},
	"floods stderr": func(f *fake, _ string) {
		for i := range 100_000 {
			fmt.Fprintln(os.Stderr, "line", i, strings.Repeat("\x07", 100))
		}
		f.start()
		f.serve()
	},
	"builds without end": func(f *fake, _ string) {
		f.say(protocol.Hello{Version: protocol.Version, Device: f.device})
		f.say(protocol.State{Doing: "compiling"})
		f.hang()
	},
	"builds in a scan": answering(func(f *fake, m protocol.Scan) {
		f.say(protocol.State{Doing: "compiling"})
		time.Sleep(100 * time.Second)
		f.done(m, -1)
	}),
	"scans for a minute": answering(func(f *fake, m protocol.Scan) {
		for range 12 {
			time.Sleep(5 * time.Second)
			f.say(protocol.Progress{Scan: m.Number})
		}
		f.done(m, -1)
	}),
	"ignores a cancel": func(f *fake, _ string) {
		f.cancel = func(m protocol.Cancel) {
			for !f.isKilled() {
				within(time.Second, f.killed)
				f.say(protocol.Progress{Scan: m.Scan})
			}
		}
		f.start()
		f.serve()
	},
	"ends after a scan": answering(func(f *fake, m protocol.Scan) { f.done(m, -1); f.ended = true }),
	"breaks after five checks": func(f *fake, _ string) {
		f.checks = 5
		f.start()
		f.serve()
	},
	"fails first": func(f *fake, file string) { f.failFirst(file) },
	"has a child": func(f *fake, fifo string) {
		child := exec.Command(os.Args[0], "grandchild", fifo)
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			panic(err)
		}
		f.start()
		f.serve()
		f.hang()
	},
}

// answering starts as it should, and then answers scans in its own way.
func answering(answer func(*fake, protocol.Scan)) func(*fake, string) {
	return func(f *fake, _ string) {
		f.answer = func(m protocol.Scan) { answer(f, m) }
		f.start()
		f.serve()
	}
}

// deny answers each scan that there is no hit.
func (f *fake) deny() {
	for lines := protocol.NewReader(f.in); ; {
		line, err := lines.Line()
		if err != nil {
			return
		}
		if m, err := protocol.DecodeRequest(line); err == nil && m.Type() == "scan" {
			f.done(m.(protocol.Scan), -1)
		}
	}
}

func (f *fake) chatter() {
	for {
		if _, err := io.WriteString(f.out, strings.Repeat("a", 1000)); err != nil {
			return
		}
	}
}

// failsFirst is how often a fake fails before it works.
const failsFirst = 3

// failFirst counts its starts in a file.
func (f *fake) failFirst(file string) {
	counter, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		panic(err)
	}
	if before, err := io.ReadAll(counter); err != nil || len(before) < failsFirst {
		fmt.Fprint(counter, "x")
		os.Exit(4)
	}
	f.start()
	f.serve()
}
