package gpu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"lode/miner/gpu/protocol"
	"lode/miner/kernel"
)

var (
	// errEnded is a program that has closed its stdout.
	errEnded = fmt.Errorf("%w: it ended", ErrProgram)
	// errStopped is a session that was asked to end.
	errStopped = errors.New("the node ends")
)

// queuedLines is how many lines may wait for the program to read them.
const queuedLines = 256

// session is one process from its start to its end. The first thing that is wrong ends
// it: what a program says that breaks the protocol once is nothing to rely on.
type session struct {
	cfg     Config
	process *Process
	lines   chan []byte   // to the program
	ready   chan struct{} // closed when it takes scans
	over    chan struct{} // closed when why is set
	once    sync.Once     // sets why
	why     error
	meter   meter

	mu       sync.Mutex // guards the fields below
	greeted  bool
	measured bool      // it has said that it is ready
	heard    time.Time // when it last said something, or became busy
	long     time.Time // when it said that something long begins
	longFor  uint64    // the last scan then
	doing    string    // what it said
	works    announced
	last     uint64 // scan's number
	scans    map[uint64]*pending
	proven   bool // it has finished a scan
	current  *kernel.Work
	at       uint64 // the first candidate of the last scan
}

// pending is a scan that the program has not answered.
type pending struct {
	count     uint64
	planted   bool // its answer is known
	cancelled time.Time
	answer    chan protocol.Done // one slot
}

func newSession(cfg Config, p *Process) *session {
	return &session{
		cfg: cfg, process: p,
		lines: make(chan []byte, queuedLines), ready: make(chan struct{}), over: make(chan struct{}),
		scans: map[uint64]*pending{}, heard: time.Now(),
	}
}

// lose ends the session; the first reason counts.
func (s *session) lose(why error) {
	s.once.Do(func() {
		s.why = why
		close(s.over)
	})
}

func (s *session) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

func (s *session) isProven() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proven
}

// run talks with the program until the session is over, and returns why it is, when
// the program and all goroutines have ended.
func (s *session) run(ctx context.Context, p *program) error {
	defer context.AfterFunc(ctx, func() { s.lose(errStopped) })()
	var group sync.WaitGroup
	group.Go(func() { s.write(p.stdin) })
	group.Go(func() { s.read(p.stdout) })
	group.Go(s.watch)
	group.Go(s.check)
	<-s.over
	_ = p.stdin.Close() // asks the program to end
	grace := time.Duration(0)
	if _, isFatal := errors.AsType[fatalError](s.why); isFatal || errors.Is(s.why, errEnded) || errors.Is(s.why, errStopped) {
		grace = s.cfg.Timeouts.Exit
	}
	err := p.end(grace, s.why)
	group.Wait()
	return err
}

// write writes the lines that are to be said.
func (s *session) write(to io.Writer) {
	for {
		select {
		case line := <-s.lines:
			if _, err := to.Write(line); err != nil {
				// The program's end says more, if it comes to that.
				return
			}
		case <-s.over:
			return
		}
	}
}

// read reads what the program says.
func (s *session) read(from io.Reader) {
	lines := protocol.NewReader(from)
	for !s.isOver() {
		line, err := lines.Line()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			s.lose(errEnded)
			return
		}
		var m protocol.Message
		if err == nil {
			m, err = protocol.DecodeAnswer(line)
		}
		if err == nil {
			err = s.handle(m)
		}
		if err != nil {
			s.lose(fmt.Errorf("%w: %w", ErrProgram, err))
			return
		}
	}
}

// scan asks for the first hit and waits for the answer.
func (s *session) scan(ctx context.Context, w *kernel.Work, first, count uint64, planted bool) (protocol.Done, error) {
	number, asked, err := s.begin(w, first, count, planted)
	if err != nil {
		return protocol.Done{}, err
	}
	select {
	case done := <-asked.answer:
		return done, s.confirm(w, first, done.Hit)
	case <-ctx.Done():
		s.cancel(number)
		return protocol.Done{}, context.Cause(ctx)
	case <-s.over:
	}
	select {
	case done := <-asked.answer: // its last words
		return done, s.confirm(w, first, done.Hit)
	default:
		return protocol.Done{}, fmt.Errorf("%w: %w", ErrLost, s.why)
	}
}

// begin sends a scan, and its Work unless the program has it.
func (s *session) begin(w *kernel.Work, first, count uint64, planted bool) (uint64, *pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number, unknown, err := s.works.find(w)
	if err != nil {
		return 0, nil, err
	}
	m := protocol.Scan{Number: s.last + 1, Work: number, First: first, Count: count}
	line, err := protocol.Encode(m)
	if err == nil {
		err = m.Within(w)
	}
	if err != nil {
		return 0, nil, err
	}
	s.last++
	if len(s.scans) == 0 {
		s.heard = time.Now()
		s.meter.begin(s.heard)
	}
	if !planted {
		s.current, s.at = w, first
	}
	asked := &pending{count: count, planted: planted, answer: make(chan protocol.Done, 1)}
	s.scans[s.last] = asked
	s.say(append(unknown, line...))
	return s.last, asked, nil
}

// cancel ends a scan that nobody waits for any more.
func (s *session) cancel(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.scans[number]
	if asked == nil { // the answer has just come
		return
	}
	asked.cancelled = time.Now()
	line, err := protocol.Encode(protocol.Cancel{Scan: number})
	if err != nil {
		s.lose(err)
		return
	}
	s.say(line)
}

// say queues lines. The caller holds the lock, so that a Work is announced before it is
// scanned, and works are announced in the order of their numbers.
func (s *session) say(lines []byte) {
	select {
	case s.lines <- lines:
	default:
		s.lose(fmt.Errorf("%w: it doesn't read what it is told", ErrProgram))
	}
}

// confirm checks a hit with portable code; one that is none says enough of the device.
func (s *session) confirm(w *kernel.Work, first uint64, hit int64) error {
	if hit < 0 || kernel.Generic().NewScanner(w).Scan(first+uint64(hit), 1) == 0 {
		return nil
	}
	return s.wrong(fmt.Errorf("%w: candidate %d, which it reported, is no hit", ErrWrong, first+uint64(hit)))
}

// wrong counts a wrong answer, and ends the session unless the device is used all the
// same.
func (s *session) wrong(err error) error {
	s.process.update(func(st *Stats) { st.Wrong++ })
	if s.cfg.Force {
		s.cfg.Logger.Error("a device computes wrongly and is used all the same", "device", s.cfg.Name, "error", err)
		return err
	}
	s.lose(err)
	return err
}

// announced are the works that the program remembers.
type announced struct {
	last  uint64   // number
	texts []string // of the last numbers
}

// find returns the number of a Work with that content, and the line that announces it if
// the program doesn't know it.
func (a *announced) find(w *kernel.Work) (number uint64, unknown []byte, err error) {
	content, err := protocol.Encode(protocol.NewWork(0, w))
	if err != nil {
		return 0, nil, err
	}
	for i, text := range a.texts {
		if text == string(content) {
			return a.last - uint64(len(a.texts)-1-i), nil, nil
		}
	}
	line, err := protocol.Encode(protocol.NewWork(a.last+1, w))
	if err != nil {
		return 0, nil, err
	}
	a.last++
	if len(a.texts) == protocol.KeptWorks {
		a.texts = a.texts[:copy(a.texts, a.texts[1:])]
	}
	a.texts = append(a.texts, string(content))
	return a.last, line, nil
}
