package gpu

import (
	"fmt"
	"time"

	"lode/miner/gpu/protocol"
)

// fatalError is a program that said why it ends.
type fatalError struct {
	kind    string
	message string
}

func (e fatalError) Error() string { return fmt.Sprintf("%s (%s)", e.message, e.kind) }

// Unwrap is the kind of the error.
func (e fatalError) Unwrap() error {
	switch e.kind {
	case protocol.FatalNoDevice:
		return ErrNoDevice
	case protocol.FatalSelfTest:
		return ErrSelfTest
	}
	return ErrProgram
}

// handle does what a message asks for. An error is a violation of the protocol, or the
// end that the message tells.
func (s *session) handle(m protocol.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = time.Now()
	if hello, ok := m.(protocol.Hello); ok != !s.greeted {
		return fmt.Errorf("%q is not what it may say now", m.Type())
	} else if ok {
		return s.greet(hello)
	}
	switch m := m.(type) {
	case protocol.State:
		s.long, s.longFor, s.doing = s.heard, s.last, m.Doing
		s.process.update(func(st *Stats) { st.Doing = m.Doing })
	case protocol.Ready:
		return s.begun(m)
	case protocol.Fatal:
		return fatalError{m.Kind, m.Message}
	case protocol.Done:
		return s.done(m)
	case protocol.Cancelled:
		return s.cancelled(m)
	case protocol.Progress:
		_, err := s.asked(m.Scan)
		return err
	case protocol.Failed:
		if _, err := s.asked(m.Scan); err != nil {
			return err
		}
		// The next process starts with a clean device: most errors of one stay.
		return fmt.Errorf("a scan failed: %s", m.Message)
	}
	return nil
}

func (s *session) greet(m protocol.Hello) error {
	if m.Device.ID != s.cfg.Device.ID {
		return fmt.Errorf("it serves the device %s instead of %s", m.Device.ID, s.cfg.Device.ID)
	}
	s.greeted = true
	return nil
}

func (s *session) begun(m protocol.Ready) error {
	if s.measured {
		return fmt.Errorf("%q came twice", m.Type())
	}
	if m.SelfTest != protocol.SelfTestPassed && !s.cfg.Force {
		return fmt.Errorf("%w: %s", ErrSelfTest, m.SelfTest)
	}
	s.measured, s.doing = true, ""
	s.long = time.Time{}
	s.meter.start(m.Rate)
	s.process.hear(m)
	close(s.ready)
	return nil
}

func (s *session) asked(number uint64) (*pending, error) {
	asked := s.scans[number]
	if asked == nil {
		return nil, fmt.Errorf("scan %d is not under way", number)
	}
	return asked, nil
}

func (s *session) done(m protocol.Done) error {
	asked, err := s.asked(m.Scan)
	if err != nil {
		return err
	}
	if m.Hit >= 0 && uint64(m.Hit) >= asked.count {
		return fmt.Errorf("the hit %d is outside of a scan of %d candidates", m.Hit, asked.count)
	}
	s.end(m.Scan, m.Hashes)
	if !asked.planted {
		s.proven = true
		s.process.update(func(st *Stats) { st.Scans++ })
	}
	asked.answer <- m
	return nil
}

func (s *session) cancelled(m protocol.Cancelled) error {
	asked, err := s.asked(m.Scan)
	if err != nil {
		return err
	}
	if asked.cancelled.IsZero() {
		return fmt.Errorf("nobody has cancelled scan %d", m.Scan)
	}
	s.end(m.Scan, m.Hashes)
	return nil
}

// end forgets a scan that was answered.
func (s *session) end(number, hashes uint64) {
	delete(s.scans, number)
	s.meter.add(s.heard, hashes)
	building := s.isBuilding()
	s.process.update(func(st *Stats) {
		st.Hashes += hashes
		if !building {
			st.Doing = ""
		}
	})
}
