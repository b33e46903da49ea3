package gpu

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWatchdog gives up processes that hang, at the times that are promised: the
// watchdog looks once a second.
func TestWatchdog(t *testing.T) {
	for name, test := range map[string]struct {
		each   time.Duration
		delays time.Duration // all together
		says   string
	}{
		"hangs at start":             {31 * time.Second, 15 * time.Second, "it said nothing in the first 30s"},
		"hangs after its first line": {11 * time.Second, 15 * time.Second, "it said nothing for 10s while it started"},
		"builds without end":         {181 * time.Second, 4 * time.Second, "compiling took longer than 3m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r := newRunning(t, insideConfig(name))
				err := <-r.ended
				if !errors.Is(err, ErrProgram) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("error %v", err)
				}
				if took, want := time.Since(began), maxFailures*test.each+test.delays; took != want {
					t.Errorf("it took %v, want %v", took, want)
				}
			})
		})
	}
}

// TestWatchdogInAScan has scans that are answered late or never.
func TestWatchdogInAScan(t *testing.T) {
	for name, test := range map[string]struct {
		takes time.Duration
		kind  error
		says  string
	}{
		"hangs in a scan":    {11 * time.Second, ErrLost, "it said nothing for 10s while it scanned"},
		"scans for a minute": {time.Minute, nil, ""},
		"builds in a scan":   {100 * time.Second, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRunning(t, insideConfig(name))
				<-r.offered
				time.Sleep(time.Hour) // idle, it need not say anything
				began := time.Now()
				_, err := r.Scan(t.Context(), work(""), 0, 1)
				if took := time.Since(began); took != test.takes || !errors.Is(err, test.kind) || err != nil && !strings.Contains(err.Error(), test.says) {
					t.Errorf("after %v: %v", took, err)
				}
				if s := r.Stats(); test.kind == nil && (s.Doing != "" || s.Restarts > 0) {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// TestWatchdogWhileBuilding waits for a scan that says that it builds, and for others
// behind it, as long as it builds and no longer.
func TestWatchdogWhileBuilding(t *testing.T) {
	cfg := insideConfig("")
	cfg = cfg.withDefaults()
	now := time.Now()
	s := newSession(cfg, New(cfg))
	s.greeted, s.measured, s.heard, s.last = true, true, now, 7
	s.scans = map[uint64]*pending{6: {cancelled: now}, 7: {}}
	s.long, s.longFor, s.doing = now, 7, "compiling"
	check := func(after time.Duration, want string) {
		t.Helper()
		if err := s.overdue(now.Add(after)); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("after %v: %v, want %q", after, err, want)
		}
	}
	check(180*time.Second, "")
	check(181*time.Second, "compiling took longer than 3m0s")
	s.scans = map[uint64]*pending{7: {}}
	check(180*time.Second, "")
	s.scans = map[uint64]*pending{8: {}}
	check(10*time.Second, "")
	check(11*time.Second, "it said nothing for 10s while it scanned")
	s.scans = nil
	check(time.Hour, "")
}

// TestWatchdogAtACancel returns at once; the process that goes on with the scan is
// ended.
func TestWatchdogAtACancel(t *testing.T) {
	for name, test := range map[string]struct {
		each time.Duration
		says string
	}{
		"hangs at a cancel": {11 * time.Second, "it said nothing for 10s"},
		"ignores a cancel":  {16 * time.Second, "it went on with scan 5 for 15s after that was cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRunning(t, insideConfig(name))
				<-r.offered
				ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
				defer cancel()
				began := time.Now()
				if _, err := r.Scan(ctx, work(""), 0, endless); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second/2 {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
				<-r.offered
				if took := time.Since(began); took != test.each+time.Second { // the delay before the restart
					t.Errorf("after %v", took)
				}
				if s := r.Stats(); !strings.Contains(s.LastError, test.says) {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// TestRestartDelays doubles the delays as long as a device goes on failing, though it
// finishes scans in between.
func TestRestartDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(t, insideConfig("ends after a scan"))
		use := func(lives, delay time.Duration) {
			t.Helper()
			time.Sleep(lives)
			if _, err := r.Scan(t.Context(), work(""), 0, 1); err != nil {
				t.Fatal(err)
			}
			ended := time.Now()
			<-r.offered
			if took := time.Since(ended); took != delay {
				t.Errorf("started again after %v, want %v", took, delay)
			}
		}
		<-r.offered
		for _, seconds := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			use(0, seconds*time.Second)
		}
		use(time.Minute, time.Minute)
		use(61*time.Second, time.Second)
		use(0, 2*time.Second)
	})
}

// TestStopWhileWaiting ends between a failure and the next start.
func TestStopWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(t, insideConfig("speaks garbage"))
		synctest.Wait()
		if s := r.Stats(); s.State != Restarting || s.Restarts != 1 {
			t.Errorf("%+v", s)
		}
		began := time.Now()
		r.stop()
		if err := <-r.ended; err != nil || time.Since(began) != 0 || r.Stats().State != Stopped {
			t.Errorf("after %v: %v, %+v", time.Since(began), err, r.Stats())
		}
	})
}

// TestChecks plants scans while the device is used, and finds that it has broken.
func TestChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(t, insideConfig("breaks after five checks"))
		<-r.offered
		scan := func(want uint64) {
			t.Helper()
			if _, err := r.Scan(t.Context(), work(""), 0, 1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if s := r.Stats(); s.Checks != want {
				t.Errorf("%d checks, want %d", s.Checks, want)
			}
		}
		time.Sleep(time.Hour)
		if s := r.Stats(); s.Checks != 4 {
			t.Errorf("%d checks of a device that is not used", s.Checks)
		}
		scan(5)
		time.Sleep(time.Hour)
		scan(6)
		if err := <-r.ended; !errors.Is(err, ErrWrong) || !strings.HasPrefix(err.Error(), "gpu0 Fake is not used any more: the device computes wrongly: it found the hit -1 instead of ") {
			t.Errorf("error %v", err)
		}
	})
}

// TestDeaf gives up a process that reads nothing.
func TestDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(t, insideConfig("hangs in a scan"))
		<-r.offered
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range queuedLines {
			_, _ = r.Scan(ctx, work(""), 0, 1)
		}
		_, err := r.Scan(t.Context(), work(""), 0, 1)
		if err == nil || time.Since(began) != 0 {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		synctest.Wait()
		if s := r.Stats(); !strings.Contains(s.LastError, "it doesn't read what it is told") {
			t.Errorf("%+v", s)
		}
	})
}

// TestMeter counts the time in which the device has something to do.
func TestMeter(t *testing.T) {
	var m meter
	now := time.Now()
	check := func(want float64) {
		t.Helper()
		if got := m.rate(); math.Abs(got-want) > 1e-9*want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	m.start(100)
	check(100)
	m.begin(now)
	m.add(now.Add(10*time.Second), 2000)
	check((100/math.E + 2000) / (1/math.E + 10))
	for i := range 20 { // two scans at a time, each as long as ten seconds
		m.add(now.Add(time.Duration(15+5*i)*time.Second), 5000)
	}
	if rate := m.rate(); math.Abs(rate-1000) > 1 {
		t.Errorf("%v, want 1000", rate)
	}
	before := m.rate()
	m.begin(now.Add(time.Hour))
	check(before)
	m.add(now.Add(time.Hour), 0)
	check(before)
}
