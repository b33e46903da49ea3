package kernel

// manyStates scans layouts whose last block has few variants. Their message
// schedules are computed once, so that a candidate costs the rounds only.
type manyStates interface {
	// enter makes state the hash value before the last block, of the lane's
	// candidates.
	enter(lane int, state *[8]uint32)
	// scan looks at variants from and up to to, of all lanes. The first hits are
	// between the variants it returns; found is negative if there are none. It may
	// look at variants behind its own.
	scan(from, to int) (found, behind int)
	detach(detached, yields bool)
}

// tableScanner cuts ranges of candidates into variants of one hash value before
// the last block.
type tableScanner struct {
	exact    *genericScanner // confirms hits
	variants uint64
	lanes    manyStates
	width    int // hash values that lanes scans at once
	compress func(state *[8]uint32, block *[blockSize]byte)
	state    [8]uint32 // scratch space
}

func (s *tableScanner) Scan(first uint64, count int) int {
	for done := 0; done < count; {
		candidate := first + uint64(done)
		from := int(candidate % s.variants)
		states := 1
		to := min(from+count-done, int(s.variants))
		if from == 0 {
			states = max(1, min((count-done)/int(s.variants), s.width))
		}
		if i := s.scanStates(candidate-uint64(from), states, from, to); i >= 0 {
			return done + i - from
		}
		done += (states-1)*int(s.variants) + to - from
	}
	return -1
}

// scanStates scans variants from and up to to of the hash values that begin at a
// candidate. It returns the first hit's distance from that candidate, or -1.
func (s *tableScanner) scanStates(candidate uint64, states, from, to int) int {
	for lane := range s.width {
		if lane < states {
			s.enter(lane, candidate+uint64(lane)*s.variants)
		} else {
			s.enter(lane, candidate) // one that is there, so that no lane finds what isn't asked for
		}
	}
	best := -1
	for from < to && states > 0 {
		found, behind := s.lanes.scan(from, to)
		if found < 0 {
			break
		}
		for v := found; v < min(behind, to); v++ {
			// Of a lower hash value even a later variant comes first.
			for lane := range states {
				distance := lane*int(s.variants) + v
				if s.exact.Scan(candidate+uint64(distance), 1) == 0 {
					best, states = distance, lane
					break
				}
			}
		}
		from = behind
	}
	return best
}

// enter computes the hash value before the last block.
func (s *tableScanner) enter(lane int, candidate uint64) {
	m := &s.exact.message
	m.set(candidate)
	s.state = s.exact.work.start.midstate
	for at := 0; at < m.size-blockSize; at += blockSize {
		s.compress(&s.state, m.block(at))
	}
	s.lanes.enter(lane, &s.state)
}

// schedules calls back with the message schedule of each variant.
func schedules(w *Work, each func(variant int, schedule *[64]uint32)) { schedulesFrom(w, 0, each) }

// schedulesFrom begins with that variant.
func schedulesFrom(w *Work, from int, each func(variant int, schedule *[64]uint32)) {
	var m message
	m.init(w)
	m.set(uint64(from))
	var schedule [64]uint32
	for variant := from; variant < int(powerOfTen(w.Layout().Last)); variant++ {
		words := m.lastWords()
		copy(schedule[:], words[:])
		expand(&schedule)
		each(variant, &schedule)
		m.increment()
	}
}
