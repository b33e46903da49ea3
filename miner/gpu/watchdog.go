package gpu

import (
	"fmt"
	"time"
)

// looks is how many times the watchdog looks in the shortest of its times.
const looks = 10

// watch ends the session if the program is silent for too long.
func (s *session) watch() {
	t := s.cfg.Timeouts
	ticker := time.NewTicker(min(t.Hello, t.Line, t.Build, t.Cancel) / looks)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.over:
			return
		}
		if err := s.overdue(time.Now()); err != nil {
			s.lose(fmt.Errorf("%w: %w", ErrProgram, err))
			return
		}
	}
}

// overdue says what the program should have said by now.
func (s *session) overdue(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.cfg.Timeouts
	switch {
	case s.isBuilding():
		if now.Sub(s.long) > t.Build {
			return fmt.Errorf("%s took longer than %v", s.doing, t.Build)
		}
		return nil
	case !s.greeted && now.Sub(s.heard) > t.Hello:
		return fmt.Errorf("it said nothing in the first %v", t.Hello)
	case s.greeted && !s.measured && now.Sub(s.heard) > t.Line:
		return fmt.Errorf("it said nothing for %v while it started", t.Line)
	case len(s.scans) > 0 && now.Sub(s.heard) > t.Line:
		return fmt.Errorf("it said nothing for %v while it scanned", t.Line)
	}
	for number, asked := range s.scans {
		if !asked.cancelled.IsZero() && now.Sub(asked.cancelled) > t.Cancel {
			return fmt.Errorf("it went on with scan %d for %v after that was cancelled", number, t.Cancel)
		}
	}
	return nil
}

// isBuilding is true as long as what the program said that takes long may be what it is
// silent about: until it is ready, or has answered each scan that it had then. The caller
// holds the lock.
func (s *session) isBuilding() bool {
	if s.long.IsZero() {
		return false
	}
	if !s.measured {
		return true
	}
	for number := range s.scans {
		if number <= s.longFor {
			return true
		}
	}
	return false
}
