package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lode/miner/gpu/protocol"
	"lode/miner/kernel"
)

// Lanes is how many scans are under way at a time: while the host looks at the result
// of one launch, the device has the other.
const Lanes = 2

// maxQueue is how many scans may wait; a node sends few more than there are lanes.
const maxQueue = 256

// progressEvery is between two lines about a scan that goes on; the protocol wants one
// every 250 ms.
const progressEvery = 200 * time.Millisecond

var (
	// ErrProtocol is a node whose lines make no sense.
	ErrProtocol = errors.New("the node's lines make no sense")
	errEnd      = errors.New("the node has closed its end")
)

// Serve serves a node with a device until in ends, which it closes. The node is told
// of an error before it is returned.
func Serve(ctx context.Context, d Device, in io.ReadCloser, out io.Writer, cfg Config) error {
	s := &server{
		device: d, cfg: cfg, out: out, queue: make(chan task, maxQueue),
		works: map[uint64]*kernel.Work{}, cancels: map[uint64]context.CancelFunc{}, selfTest: protocol.SelfTestPassed,
	}
	s.programs = NewPrograms(d, cfg.Force, s.doing, s.forced)
	group, ctx := errgroup.WithContext(ctx)
	defer context.AfterFunc(ctx, func() { _ = in.Close() })()
	s.send(protocol.Hello{Version: protocol.Version, Device: d.Info()})
	tested := make(chan struct{})
	for lane := range Lanes {
		group.Go(func() error { return s.runLane(ctx, lane, tested) })
	}
	group.Go(func() error { return s.read(ctx, in) })
	err := group.Wait()
	if errors.Is(err, errEnd) {
		return nil
	}
	s.send(Fatal(err))
	return err
}

// Fatal is the line that tells a node of an error.
func Fatal(err error) protocol.Fatal {
	return protocol.Fatal{Message: err.Error(), Kind: fatalKind(err)}
}

func fatalKind(err error) string {
	for _, known := range []struct {
		kind error
		name string
	}{
		{ErrNoDevice, protocol.FatalNoDevice}, {ErrSelfTest, protocol.FatalSelfTest}, {ErrWrong, protocol.FatalSelfTest},
		{ErrBuild, protocol.FatalBuild}, {ErrMemory, protocol.FatalMemory}, {ErrProtocol, protocol.FatalProtocol},
	} {
		if errors.Is(err, known.kind) {
			return known.name
		}
	}
	return protocol.FatalDevice
}

// task is a scan that waits for a lane.
type task struct {
	protocol.Scan
	work *kernel.Work
	ctx  context.Context // ends when the scan is cancelled
}

type server struct {
	device   Device
	cfg      Config
	programs *Programs
	queue    chan task

	writing sync.Mutex // held while a line is written
	out     io.Writer

	mu       sync.Mutex // guards the fields below
	works    map[uint64]*kernel.Work
	order    []uint64 // of the works, the oldest first
	cancels  map[uint64]context.CancelFunc
	selfTest string
}

// send writes a line. Who can't hear it has closed its end, which read notices.
func (s *server) send(m protocol.Message) {
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = Send(s.out, m)
}

// Send writes a message's line.
func Send(out io.Writer, m protocol.Message) error {
	line, err := protocol.Encode(m)
	if err != nil {
		return err
	}
	_, err = out.Write(line)
	return err
}

func (s *server) doing(what string) { s.send(protocol.State{Doing: what}) }

// forced notes a self-test that failed and doesn't count.
func (s *server) forced(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.selfTest = protocol.SelfTestFailed + err.Error()
}

// runLane scans what is asked for with a lane of the device. The first lane tests and
// measures the device before, which the others wait for.
func (s *server) runLane(ctx context.Context, number int, tested chan struct{}) error {
	runtime.LockOSThread() // the thread ends with the goroutine
	scanner, err := NewScanner(s.device, s.programs, s.cfg)
	if err != nil {
		return err
	}
	if number == 0 {
		err = s.begin(ctx, scanner)
		close(tested)
	}
	select {
	case <-tested:
	case <-ctx.Done():
	}
	for err == nil && ctx.Err() == nil {
		select {
		case t := <-s.queue:
			err = s.do(scanner, t)
		case <-ctx.Done():
		}
	}
	return errors.Join(err, scanner.Close())
}

// begin tests the device and says that it is ready.
func (s *server) begin(ctx context.Context, scanner *Scanner) error {
	rate, err := scanner.Measure(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	selfTest := s.selfTest
	s.mu.Unlock()
	s.send(protocol.Ready{Rate: rate, Lanes: Lanes, SelfTest: selfTest})
	return nil
}

// do scans and answers.
func (s *server) do(scanner *Scanner, t task) error {
	begin, told, hashes := time.Now(), time.Now(), uint64(0)
	hit, err := scanner.Scan(t.ctx, t.work, t.First, t.Count, func(n uint64) {
		if hashes += n; time.Since(told) > progressEvery {
			told = time.Now()
			s.send(protocol.Progress{Scan: t.Number, Hashes: hashes})
		}
	})
	cancelled := t.ctx.Err() != nil
	s.forget(t.Number)
	switch {
	case err == nil:
		s.send(protocol.Done{Scan: t.Number, Hit: hit, Hashes: hashes, Nanoseconds: time.Since(begin).Nanoseconds()})
	case cancelled:
		s.send(protocol.Cancelled{Scan: t.Number, Hashes: hashes})
	default:
		return err
	}
	return nil
}

// forget takes a scan that is answered out of those that can be cancelled.
func (s *server) forget(scan uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.cancels[scan]; cancel != nil {
		cancel()
		delete(s.cancels, scan)
	}
}

// read takes the node's lines until they end, which is errEnd.
func (s *server) read(ctx context.Context, in io.Reader) error {
	for lines := protocol.NewReader(in); ; {
		line, err := lines.Line()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, protocol.ErrTooLong):
			return fmt.Errorf("%w: %w", ErrProtocol, err)
		case err != nil:
			return errEnd
		}
		request, err := protocol.DecodeRequest(line)
		if err == nil {
			err = s.take(ctx, request)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrProtocol, err)
		}
	}
}

// take does what a line asks for.
func (s *server) take(ctx context.Context, request protocol.Message) error {
	switch m := request.(type) {
	case protocol.Work:
		s.keep(m)
		return nil
	case protocol.Cancel:
		s.cancel(m.Scan)
		return nil
	case protocol.Scan:
		return s.enqueue(ctx, m)
	}
	return protocol.ErrType
}

// keep remembers a Work, and forgets the oldest one.
func (s *server) keep(m protocol.Work) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.works[m.Number]; !known {
		s.order = append(s.order, m.Number)
	}
	s.works[m.Number] = m.Resume()
	if len(s.order) > protocol.KeptWorks {
		delete(s.works, s.order[0])
		s.order = s.order[1:]
	}
}

// cancel ends a scan. It is answered by the lane that it is on, or that comes to it.
func (s *server) cancel(scan uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.cancels[scan]; cancel != nil {
		cancel()
	}
}

var (
	errQueue   = fmt.Errorf("more than %d scans at a time", maxQueue)
	errWork    = errors.New("a scan of a work that isn't known")
	errNumbers = errors.New("two scans of the same number")
)

func (s *server) enqueue(ctx context.Context, m protocol.Scan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	work := s.works[m.Work]
	switch {
	case work == nil:
		return fmt.Errorf("%w: %d", errWork, m.Work)
	case s.cancels[m.Number] != nil:
		return fmt.Errorf("%w: %d", errNumbers, m.Number)
	}
	if err := m.Within(work); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	select {
	case s.queue <- task{m, work, ctx}:
		s.cancels[m.Number] = cancel
		return nil
	default:
		cancel()
		return errQueue
	}
}
