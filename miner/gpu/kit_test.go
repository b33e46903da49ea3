package gpu

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"lode/miner/kernel"
)

// patience bounds what a test waits for.
const patience = 2 * time.Minute

// running is a Process that runs.
type running struct {
	*Process
	t       *testing.T
	offered chan struct{} // gets one whenever the device can be used
	stop    context.CancelFunc
	ended   chan error
}

// newRunning runs a device until the test ends, or stop is called.
func newRunning(t *testing.T, cfg Config) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{New(cfg), t, make(chan struct{}, 100), cancel, make(chan error, 1)}
	r.Process.offered = func() { r.offered <- struct{}{} }
	var group sync.WaitGroup
	group.Go(func() { r.ended <- r.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	return r
}

// config is that of a real process which does what the name says. Only what is tested is
// in a hurry.
func config(name string) Config {
	return Config{
		Program: os.Args[0], Device: device(name), Name: "gpu0 Fake",
		Timeouts: Timeouts{Hello: patience, Line: patience, Build: patience, Cancel: patience, Exit: patience},
		Logger:   slog.New(slog.DiscardHandler), delay: time.Nanosecond,
	}
}

func (r *running) awaitReady() {
	r.t.Helper()
	select {
	case <-r.offered:
	case err := <-r.ended:
		r.t.Fatalf("the process has ended: %v", err)
	case <-time.After(patience):
		r.t.Fatalf("the device is not ready: %+v", r.Stats())
	}
}

// wait is what Run returns.
func (r *running) wait() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(patience):
		r.t.Fatalf("Run doesn't return: %+v", r.Stats())
		return nil
	}
}

// work is one that fakes don't take for a check.
func work(prefix string) *kernel.Work {
	return kernel.NewWork([]byte(prefix), kernel.Plain(15), 2)
}

// reference is the right answer.
func reference(w *kernel.Work, first, count uint64) int64 {
	f := fake{works: map[uint64]*kernel.Work{0: w}}
	return f.hit(scanOf(first, count))
}

// inside starts a fake within the test's bubble of time.
func inside(name string) func(Config) (*program, error) {
	return func(cfg Config) (*program, error) {
		in, stdin := io.Pipe()
		stdout, out := io.Pipe()
		f := &fake{device: cfg.Device, in: in, out: out, killed: make(chan struct{})}
		ended := make(chan struct{})
		go func() { // ends when it is killed
			defer close(ended)
			defer out.Close()
			f.run(name)
		}()
		return &program{stdin, stdout, func(grace time.Duration, why error) error {
			within(grace, ended)
			close(f.killed)
			_ = in.Close()
			_ = out.Close()
			<-ended
			return why
		}}, nil
	}
}

// insideConfig is one with all times as they are for people.
func insideConfig(name string) Config {
	name, _, _ = strings.Cut(name, "@")
	return Config{Device: device("0"), Name: "gpu0 Fake", Logger: slog.New(slog.DiscardHandler), launch: inside(name)}
}
