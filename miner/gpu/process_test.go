package gpu

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lode/miner/gpu/protocol"
	"lode/miner/kernel"
)

func scanOf(first, count uint64) protocol.Scan { return protocol.Scan{First: first, Count: count} }

// TestScans compares with portable code, with more works than the program remembers.
func TestScans(t *testing.T) {
	r := newRunning(t, config("right"))
	if r.Rate() != 0 || r.Lanes() != defaultLanes+waiting {
		t.Errorf("before it is ready: rate %g, lanes %d", r.Rate(), r.Lanes())
	}
	r.awaitReady()
	if !(r.Rate() > 0) || r.Lanes() != 3+waiting || r.Kernel() != "cuda" || r.Name() != "gpu0 Fake" {
		t.Errorf("rate %g, lanes %d, kernel %s, name %s", r.Rate(), r.Lanes(), r.Kernel(), r.Name())
	}
	var group sync.WaitGroup
	for lane := range 4 {
		group.Go(func() {
			for i := range 2 * protocol.KeptWorks {
				w := work(strings.Repeat("a", 7*lane) + strings.Repeat("b", i))
				first, count := uint64(1000*i), uint64(6000)
				want := reference(w, first, count)
				if hit, err := r.Scan(t.Context(), w, first, count); hit != want || err != nil {
					t.Errorf("hit %d, error %v; want %d", hit, err, want)
				}
			}
		})
	}
	group.Wait()
	if hit, err := r.Scan(t.Context(), kernel.NewWork(nil, kernel.Plain(3), 64), 999, 1); hit != -1 || err != nil {
		t.Errorf("the last candidate: hit %d, error %v", hit, err)
	}
	if _, err := r.Scan(t.Context(), kernel.NewWork(nil, kernel.Plain(3), 64), 999, 2); !errors.Is(err, protocol.ErrValue) {
		t.Errorf("more candidates than there are: %v", err)
	}
	s := r.Stats()
	if s.State != Ready || s.Scans != 129 || s.Checks != 4 || s.Wrong != 0 || s.Restarts != 0 || s.LastError != "" || s.SelfTest != "passed" || s.Doing != "" {
		t.Errorf("%+v", s)
	}
	r.stop()
	if err := r.wait(); err != nil || r.Rate() != 0 || r.Stats().State != Stopped {
		t.Errorf("error %v, rate %g, %+v", err, r.Rate(), r.Stats())
	}
	if _, err := r.Scan(t.Context(), work(""), 0, 1); !errors.Is(err, ErrNotReady) {
		t.Errorf("after the end: %v", err)
	}
}

// TestForgottenWorks scans again what the program has just forgotten, and what it still
// knows.
func TestForgottenWorks(t *testing.T) {
	r := newRunning(t, config("right"))
	r.awaitReady()
	scan := func(length int) {
		t.Helper()
		w := work(strings.Repeat("a", length))
		if hit, err := r.Scan(t.Context(), w, 0, 1000); hit != reference(w, 0, 1000) || err != nil {
			t.Errorf("length %d: hit %d, error %v", length, hit, err)
		}
	}
	for length := range protocol.KeptWorks + 1 {
		scan(length)
	}
	scan(1)
	scan(0)
	scan(2)
	if last := r.usable().works.last; last != 4+protocol.KeptWorks+1+1 { // the checks' come first
		t.Errorf("%d works were announced", last)
	}
}

// TestEndInItsOwnTime lets a process finish what it does at its end.
func TestEndInItsOwnTime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ended")
	r := newRunning(t, config("ends slowly@"+file))
	r.awaitReady()
	r.stop()
	if err := r.wait(); err != nil {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

// TestCancel ends one scan while another one goes on.
func TestCancel(t *testing.T) {
	r := newRunning(t, config("right"))
	r.awaitReady()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("a new tip")
	time.AfterFunc(50*time.Millisecond, func() { cancel(cause) }) // the scan may have begun or not
	if _, err := r.Scan(ctx, work(""), 0, endless); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	if _, err := r.Scan(t.Context(), work(""), 0, 1); err != nil {
		t.Errorf("the next scan: %v", err)
	}
	if s := r.Stats(); s.Scans != 1 || s.Hashes < 2 {
		t.Errorf("%+v", s)
	}
}

// TestMisbehaviour has processes that break in a scan. Each is given up in the end.
func TestMisbehaviour(t *testing.T) {
	for name, test := range map[string]struct {
		kind  error
		final bool // one failure is enough
		says  string
	}{
		"reports a hit that is none": {ErrWrong, true, "which it reported, is no hit"},
		"reports a hit outside":      {ErrProgram, false, "outside of a scan of 5000 candidates"},
		"answers what nobody asked":  {ErrProgram, false, "is not under way"},
		"cancels by itself":          {ErrProgram, false, "nobody has cancelled scan 5"},
		"fails a scan":               {ErrProgram, false, "a scan failed: too hot"},
		"crashes in a scan":          {ErrProgram, false, "it ended by itself: exit status 3; it said: driver: page fault | [31mgoodbye"},
		"says hello twice":           {ErrProgram, false, `"hello" is not what it may say now`},
		"is ready twice":             {ErrProgram, false, `"ready" came twice`},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunning(t, config(name))
			failures := maxFailures
			if test.final {
				failures = 1
			}
			for range failures {
				r.awaitReady()
				hit, err := r.Scan(t.Context(), work("prefix"), 0, 5000)
				if hit != -1 || !errors.Is(err, ErrLost) && !errors.Is(err, ErrWrong) {
					t.Errorf("hit %d, error %v", hit, err)
				}
			}
			checkGivenUp(t, r, test.kind, test.says)
			if s := r.Stats(); s.Restarts != uint64(failures-1) {
				t.Errorf("%+v", s)
			}
		})
	}
}

// checkGivenUp wants Run to end with an error of that kind, that says that.
func checkGivenUp(t *testing.T, r *running, kind error, says string) {
	t.Helper()
	err := r.wait()
	if !errors.Is(err, kind) || !strings.HasPrefix(err.Error(), "gpu0 Fake is not used any more") || !strings.Contains(err.Error(), says) {
		t.Errorf("error %v; want %v: %s", err, kind, says)
	}
	if s := r.Stats(); s.State != GivenUp || !strings.Contains(err.Error(), s.LastError) || r.Rate() != 0 {
		t.Errorf("%+v, rate %g", s, r.Rate())
	}
}

// TestAnswerTwice restarts after a scan that was answered well, and then again.
func TestAnswerTwice(t *testing.T) {
	r := newRunning(t, config("answers twice"))
	for range 2 * maxFailures { // none of them is in a row
		r.awaitReady()
		if hit, err := r.Scan(t.Context(), kernel.NewWork(nil, kernel.Plain(15), 64), 0, 5000); hit != -1 || err != nil {
			t.Fatalf("hit %d, error %v", hit, err)
		}
	}
	r.awaitReady()
	if s := r.Stats(); s.Restarts != 2*maxFailures || !strings.Contains(s.LastError, "is not under way") {
		t.Errorf("%+v", s)
	}
}

// TestStart has processes that never become ready.
func TestStart(t *testing.T) {
	for name, test := range map[string]struct {
		kind error
		says string
	}{
		"ends@libcuda: no such file": {ErrProgram, "after 5 failures in a row: miner-gpu failed: it ended by itself: exit status 3; it said: libcuda: no such file"},
		"ends within a line":         {ErrProgram, "it ended by itself: exit status 0"},
		"speaks garbage":             {protocol.ErrLine, "Segmentation fault"},
		"speaks without end":         {protocol.ErrTooLong, "more than 65536 bytes"},
		"has another version":        {protocol.ErrVersion, "any more: miner-gpu failed: another version of the protocol: 2 instead of 1"},
		"is another device":          {ErrProgram, "it serves the device cuda:other instead of cuda:is another device"},
		"is ready first":             {ErrProgram, `"ready" is not what it may say now`},
		"computes wrongly":           {ErrSelfTest, "any more: miner-gpu failed: the device failed its self-test: failed: 3 of 40 batches"},
		"finds nothing":              {ErrWrong, "any more: the device computes wrongly: it found the hit -1 instead of"},
		"dies@self-test":             {ErrSelfTest, "any more: miner-gpu failed: so it is (self-test)"},
		"dies@no-device":             {ErrNoDevice, "any more: miner-gpu failed: so it is (no-device)"},
		"dies@build":                 {ErrProgram, "after 5 failures in a row: miner-gpu failed: so it is (build)"},
		"dies@memory":                {ErrProgram, "after 5 failures in a row: miner-gpu failed: so it is (memory)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunning(t, config(name))
			checkGivenUp(t, r, test.kind, test.says)
			if len(r.offered) > 0 {
				t.Error("it was ready once")
			}
		})
	}
}

// TestForce uses devices that compute wrongly.
func TestForce(t *testing.T) {
	for name, want := range map[string]Stats{
		"computes wrongly": {SelfTest: "failed: 3 of 40 batches"},
		"finds nothing":    {SelfTest: "passed", Wrong: 3},
	} {
		cfg := config(name)
		cfg.Force = true
		r := newRunning(t, cfg)
		r.awaitReady()
		if s := r.Stats(); s.SelfTest != want.SelfTest || s.Checks != 4 || (s.Wrong > 0) != (want.Wrong > 0) {
			t.Errorf("%s: %+v", name, s)
		}
		if _, err := r.Scan(t.Context(), work(""), 0, 5000); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg := config("reports a hit that is none")
	cfg.Force = true
	r := newRunning(t, cfg)
	r.awaitReady()
	for range 2 {
		if hit, err := r.Scan(t.Context(), work("prefix"), 0, 5000); hit != -1 || !errors.Is(err, ErrWrong) {
			t.Errorf("hit %d, error %v", hit, err)
		}
	}
	if s := r.Stats(); s.Wrong != 2 || s.Restarts != 0 {
		t.Errorf("%+v", s)
	}
}

// TestFailsFirst gets a device that works at the fourth try.
func TestFailsFirst(t *testing.T) {
	r := newRunning(t, config("fails first@"+filepath.Join(t.TempDir(), "starts")))
	r.awaitReady()
	if s := r.Stats(); s.Restarts != failsFirst || !strings.Contains(s.LastError, "exit status 4") || s.State != Ready {
		t.Errorf("%+v", s)
	}
}

// TestHangs has real processes that hang; TestWatchdog knows the times.
func TestHangs(t *testing.T) {
	const short = 200 * time.Millisecond
	for name, test := range map[string]struct {
		hurry func(*Timeouts)
		says  string
	}{
		"hangs at start":             {func(t *Timeouts) { t.Hello = short }, "it said nothing in the first 200ms"},
		"hangs after its first line": {func(t *Timeouts) { t.Line = short }, "it said nothing for 200ms while it started"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(name)
			test.hurry(&cfg.Timeouts)
			checkGivenUp(t, newRunning(t, cfg), ErrProgram, test.says)
		})
	}
	t.Run("at exit", func(t *testing.T) {
		cfg := config("hangs at exit")
		cfg.Timeouts.Exit = short
		r := newRunning(t, cfg)
		r.awaitReady()
		r.stop()
		if err := r.wait(); err != nil {
			t.Errorf("error %v", err)
		}
	})
}

// TestFlood reads what a process says on stderr, however much.
func TestFlood(t *testing.T) {
	r := newRunning(t, config("floods stderr"))
	r.awaitReady()
	if _, err := r.Scan(t.Context(), work(""), 0, 1); err != nil {
		t.Error(err)
	}
}

func TestProgramIsMissing(t *testing.T) {
	cfg := config("right")
	cfg.Program = filepath.Join(t.TempDir(), "miner-gpu")
	checkGivenUp(t, newRunning(t, cfg), ErrProgram, "miner-gpu failed to start: ")
}

func TestProbe(t *testing.T) {
	ready, err := Probe(t.Context(), config("right"))
	if want := (protocol.Ready{Rate: 5e6, Lanes: 3, SelfTest: "passed"}); ready != want || err != nil {
		t.Errorf("%+v, error %v", ready, err)
	}
	if ready, err = Probe(t.Context(), config("dies@memory")); ready != (protocol.Ready{}) || !errors.Is(err, ErrProgram) {
		t.Errorf("%+v, error %v", ready, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = Probe(ctx, config("right")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A measurement is what the program's own clock says: the fake needs a microsecond for
// each scan, whatever it has, and has three lanes.
func TestMeasure(t *testing.T) {
	r := newRunning(t, config("right"))
	if _, err := r.Measure(t.Context(), work(""), 0, 1000); !errors.Is(err, ErrNotReady) {
		t.Errorf("error %v, want ErrNotReady", err)
	}
	r.awaitReady()
	impossible := kernel.NewWork(nil, kernel.Plain(15), 64)
	rate, err := r.Measure(t.Context(), impossible, 7, 15_000)
	if rate != 15_000*1e6 || err != nil {
		t.Errorf("%v hashes a second, error %v", rate, err)
	}
	if got := r.Stats(); got.Scans != 3 {
		t.Errorf("%d scans, want 3", got.Scans)
	}
	if _, err := r.Measure(t.Context(), kernel.NewWork(nil, kernel.Plain(3), 64), 0, 1500); !errors.Is(err, protocol.ErrValue) {
		t.Errorf("candidates that there are not: %v", err)
	}
}
