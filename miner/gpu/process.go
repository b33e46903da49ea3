package gpu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lode/miner/gpu/protocol"
	"lode/miner/kernel"
)

var (
	// ErrLost is a scan of which nothing is known, because the process that was on it
	// has ended or is not to be trusted.
	ErrLost = errors.New("the device lost its scans")
	// ErrNotReady is a scan on a device that can't be used now: Rate is 0.
	ErrNotReady = errors.New("the device is not ready")
	// ErrWrong is a device that computes wrongly.
	ErrWrong = errors.New("the device computes wrongly")
	// ErrSelfTest is a device whose program found that it computes wrongly.
	ErrSelfTest = errors.New("the device failed its self-test")
	// ErrNoDevice is a device that the program doesn't find.
	ErrNoDevice = errors.New("the device is not there")
)

// maxFailures is how often in a row a process may fail without having finished a scan.
const maxFailures = 5

// Between a failure and the next start; the delay doubles, up to the longest. Who ran for
// longer than that begins with the first one again.
const (
	firstDelay   = time.Second
	longestDelay = time.Minute
)

// defaultLanes is what is assumed until the device has said it.
const defaultLanes = 2

// Config is what a Process needs.
type Config struct {
	Program  string          // the path of miner-gpu; see Find
	Device   protocol.Device // as List found it
	Name     string          // for people and metrics; see Label
	Force    bool            // use it though it computes wrongly
	Launch   time.Duration   // how long the device should compute at a stretch; 0 = as the program decides
	Timeouts Timeouts
	Checks   time.Duration // from one check of a device in use to the next; 0 = a minute
	Logger   *slog.Logger

	launch func(Config) (*program, error) // nil: a process
	delay  time.Duration                  // before the first restart; 0 = a second
}

// Timeouts are how long a process may be silent. Those that are 0 get a default.
type Timeouts struct {
	Hello  time.Duration // its first line: 30 s, as the driver may have to wake up
	Line   time.Duration // the next line while it starts or scans: 10 s
	Build  time.Duration // the next line of what is under way when it says that something long begins: 180 s
	Cancel time.Duration // the answer to a cancelled scan: 15 s
	Exit   time.Duration // its end, once it was asked to: 2 s
}

// withDefaults is the only place that knows them.
func (c Config) withDefaults() Config {
	orElse := func(value *time.Duration, otherwise time.Duration) {
		if *value == 0 {
			*value = otherwise
		}
	}
	orElse(&c.Timeouts.Hello, 30*time.Second)
	orElse(&c.Timeouts.Line, 10*time.Second)
	orElse(&c.Timeouts.Build, 180*time.Second)
	orElse(&c.Timeouts.Cancel, 15*time.Second)
	orElse(&c.Timeouts.Exit, 2*time.Second)
	orElse(&c.Checks, time.Minute)
	orElse(&c.delay, firstDelay)
	if c.launch == nil {
		c.launch = launch
	}
	return c
}

// State is what a Process is about.
type State string

// States of a Process.
const (
	Stopped    State = "stopped" // Run doesn't run
	Starting   State = "starting"
	Ready      State = "ready"
	Restarting State = "restarting" // it waits before it starts again
	GivenUp    State = "given up"
)

// Stats are what a Process has done.
type Stats struct {
	State     State
	Doing     string // what takes long, as the program says it; empty if nothing does
	SelfTest  string // protocol.SelfTestPassed, or what went wrong; empty before the first one
	Restarts  uint64
	LastError string
	Scans     uint64 // that were finished
	Hashes    uint64
	Checks    uint64 // scans whose answer was known
	Wrong     uint64 // wrong answers
}

// Process is one device, with the process that drives it. It implements the engine's
// interface for devices.
type Process struct {
	cfg Config

	offered func() // called when the device can be used; nil is fine

	mu      sync.Mutex // guards the fields below
	session *session   // that takes scans; nil if there is none
	ready   protocol.Ready
	stats   Stats
}

// New makes a Process, which does nothing before Run.
func New(cfg Config) *Process {
	return &Process{cfg: cfg.withDefaults(), ready: protocol.Ready{Lanes: defaultLanes}, stats: Stats{State: Stopped}}
}

// Name is the one of the Config.
func (p *Process) Name() string { return p.cfg.Name }

// Kernel is the back end: "cuda" or "opencl".
func (p *Process) Kernel() string { return p.cfg.Device.Backend }

// waiting is how many scans wait in the program, so that no lane of the device waits for
// this node to hear of one's end and to ask for the next.
const waiting = 1

// Lanes is how many scans at a time keep the device busy.
func (p *Process) Lanes() int { return p.underWay() + waiting }

// underWay is how many scans the device is on at a time.
func (p *Process) underWay() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready.Lanes
}

// Rate is how many hashes a second the device does, measured while it scans; 0 while it
// can't be used.
func (p *Process) Rate() float64 {
	if s := p.usable(); s != nil {
		return s.meter.rate()
	}
	return 0
}

// Stats are a snapshot.
func (p *Process) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// Run keeps a process on the device until ctx ends, and returns nil then, or until it is
// given up: after five failures in a row without a finished scan, or at once if the
// device is not there or computes wrongly. It returns when the last process has ended.
// Errors are ErrNoDevice, ErrSelfTest, ErrWrong, protocol.ErrVersion or ErrProgram.
func (p *Process) Run(ctx context.Context) error {
	failures, delay := 0, p.cfg.delay
	for ctx.Err() == nil {
		p.update(func(s *Stats) { s.State = Starting })
		begun := time.Now()
		finished, err := p.serve(ctx)
		if ctx.Err() != nil {
			break
		}
		if failures++; finished {
			failures = 1
		}
		p.update(func(s *Stats) { s.LastError = err.Error() })
		if failures == maxFailures || isFinal(err) {
			p.update(func(s *Stats) { s.State = GivenUp })
			return p.farewell(failures, err)
		}
		if time.Since(begun) > longestDelay {
			delay = p.cfg.delay
		}
		p.cfg.Logger.Warn("a device is not used until its process has started again", "device", p.cfg.Name, "error", err, "in", delay)
		p.update(func(s *Stats) { s.State, s.Restarts = Restarting, s.Restarts+1 })
		within(delay, ctx.Done())
		delay = min(2*delay, longestDelay)
	}
	p.update(func(s *Stats) { s.State = Stopped })
	return nil
}

// isFinal is true if another start would bring nothing else.
func isFinal(err error) bool {
	for _, kind := range []error{ErrNoDevice, ErrSelfTest, ErrWrong, protocol.ErrVersion} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

func (p *Process) farewell(failures int, err error) error {
	if isFinal(err) {
		return fmt.Errorf("%s is not used any more: %w", p.cfg.Name, err)
	}
	return fmt.Errorf("%s is not used any more, after %d failures in a row: %w", p.cfg.Name, failures, err)
}

// serve runs one process until it ends, and returns why it did, and whether it had
// finished a scan.
func (p *Process) serve(ctx context.Context) (finished bool, err error) {
	running, err := p.cfg.launch(p.cfg)
	if err != nil {
		return false, fmt.Errorf("%w to start: %w", ErrProgram, err)
	}
	s := newSession(p.cfg, p)
	err = s.run(ctx, running)
	p.update(func(s *Stats) { s.Doing = "" })
	return s.isProven(), err
}

// Scan tries count candidates of w from first on and returns the index of the first hit
// among them, or -1. It returns as soon as ctx ends, with its cause. Other errors are
// ErrNotReady, ErrLost and ErrWrong; nothing is known of the candidates then.
func (p *Process) Scan(ctx context.Context, w *kernel.Work, first, count uint64) (int64, error) {
	done, err := p.scan(ctx, w, first, count)
	if err != nil {
		return -1, err
	}
	return done.Hit, nil
}

func (p *Process) scan(ctx context.Context, w *kernel.Work, first, count uint64) (protocol.Done, error) {
	s := p.usable()
	if s == nil {
		return protocol.Done{}, fmt.Errorf("%s: %w", p.cfg.Name, ErrNotReady)
	}
	done, err := s.scan(ctx, w, first, count, false)
	if err != nil {
		return protocol.Done{}, fmt.Errorf("%s: %w", p.cfg.Name, err)
	}
	return done, nil
}

// Measure returns how many hashes a second the device does by itself, in one scan for each
// of its lanes, which have count candidates in all from first on. The time is that of
// the program's own clock: neither this node nor what is said between them takes part.
// No hit must be among the candidates. Errors are those of Scan.
func (p *Process) Measure(ctx context.Context, w *kernel.Work, first, count uint64) (rate float64, err error) {
	answers := make([]protocol.Done, p.underWay())
	each := max(1, count/uint64(len(answers)))
	group, ctx := errgroup.WithContext(ctx)
	for lane := range answers {
		group.Go(func() (err error) {
			answers[lane], err = p.scan(ctx, w, first+uint64(lane)*each, each)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	// Lanes share the device: one that is done leaves its part to the others.
	hashes, took := uint64(0), int64(1)
	for _, done := range answers {
		hashes, took = hashes+done.Hashes, max(took, done.Nanoseconds)
	}
	return float64(hashes) / time.Duration(took).Seconds(), nil
}

// offer makes a session the one that scans go to.
func (p *Process) offer(s *session) {
	p.mu.Lock()
	p.session = s
	p.stats.State = Ready
	ready := p.ready
	p.mu.Unlock()
	p.cfg.Logger.Info("a device is ready", "device", p.cfg.Name, "kernel", p.Kernel(), "megahashes_per_second", ready.Rate/1e6,
		"lanes", ready.Lanes, "self_test", ready.SelfTest)
	if p.offered != nil {
		p.offered()
	}
}

// usable is the session that takes scans, nil if there is none.
func (p *Process) usable() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil || p.session.isOver() {
		return nil
	}
	return p.session
}

// hear notes what the device has said when it was ready.
func (p *Process) hear(m protocol.Ready) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = m
	p.stats.SelfTest = m.SelfTest
	p.stats.Doing = ""
}

func (p *Process) update(change func(*Stats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.stats)
}

// Probe starts a process on a device, waits until it has said how fast it is and has
// answered the first checks, and ends it. Errors are those of Run, and ctx's cause.
func Probe(ctx context.Context, cfg Config) (protocol.Ready, error) {
	offered, cancel := context.WithCancel(ctx)
	defer cancel()
	p := New(cfg)
	p.offered = cancel
	_, err := p.serve(offered)
	switch {
	case ctx.Err() != nil:
		return protocol.Ready{}, context.Cause(ctx)
	case offered.Err() == nil:
		return protocol.Ready{}, err
	}
	return p.ready, nil
}
