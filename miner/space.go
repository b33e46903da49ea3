package miner

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"lode/miner/kernel"
)

// Mode is the order in which candidates are tried.
type Mode int

const (
	// Fastest begins with the digits that cost least to scan, all proofs below
	// 2^53, which JSON clients in any language read exactly.
	Fastest Mode = iota
	// Smallest counts 0, 1, 2, ... as the original node does.
	Smallest
	// Long uses proofs of up to kernel.MaxProof digits, laid so that the last block
	// of SHA-256 has few variants and they differ late in it.
	Long
)

var modeNames = map[string]Mode{"fastest": Fastest, "smallest": Smallest, "long": Long}

// ParseMode reads "fastest", "smallest" or "long".
func ParseMode(name string) (Mode, error) {
	if mode, ok := modeNames[name]; ok {
		return mode, nil
	}
	return 0, fmt.Errorf("search order %q: must be fastest, smallest or long", name)
}

// maxSafeProof is the first proof that a float64 doesn't hold exactly: 2^53.
const maxSafeProof = 1 << 53

// segment is a part of a space whose digits lie alike: candidates first to end-1
// of digits, once for each value of digits.Middle, which count from zero.
type segment struct {
	digits     kernel.Digits
	middles    uint64
	first, end uint64
	layout     kernel.Layout
}

// A worker claims this many candidates at once: where one word varies, all that
// differ in that word only, and elsewhere what two batches of a table kernel are.
const (
	wordRange  = 10_000
	tableRange = 8_000
)

func (s segment) rangeSize() uint64 {
	if s.layout.HasTable() {
		return tableRange
	}
	return wordRange
}

// ranges is how many there are for each middle.
func (s segment) ranges() uint64 { return (s.end - s.first + s.rangeSize() - 1) / s.rangeSize() }

// plain is a segment of the numbers first to end-1, which have that many digits.
func plain(rest, digits int, first, end uint64) segment {
	d := kernel.Plain(digits)
	return segment{d, 1, first, end, kernel.LayoutOf(rest, d)}
}

// space is all candidates of a job in their order, cut into ranges.
type space struct {
	segments []segment
	starts   []uint64 // of each segment: the number of its first range
	ranges   uint64
}

func newSpace(segments []segment) space {
	s := space{segments: segments}
	for _, segment := range segments {
		s.starts = append(s.starts, s.ranges)
		s.ranges += segment.middles * segment.ranges()
	}
	return s
}

// place names digits of a space: a segment's, with one of its middles.
type place struct {
	segment int
	middle  uint64
}

// at returns where a range's digits are, its first candidate, and how many there
// are.
func (s *space) at(number uint64) (p place, first uint64, count int) {
	for p.segment+1 < len(s.starts) && s.starts[p.segment+1] <= number {
		p.segment++
	}
	segment := &s.segments[p.segment]
	number -= s.starts[p.segment]
	p.middle = number / segment.ranges()
	first = segment.first + number%segment.ranges()*segment.rangeSize()
	return p, first, int(min(segment.end-first, segment.rangeSize()))
}

// rangeSize is how many candidates the ranges have that lie where that one does; the
// last ones of a place may have fewer.
func (s *space) rangeSize(number uint64) uint64 {
	p, _, _ := s.at(number)
	return s.segments[p.segment].rangeSize()
}

// blockEnd is the range behind a block that begins at a range and has about that many
// candidates. A block has one range at least, and all of them at one place.
func (s *space) blockEnd(number, candidates uint64) uint64 {
	p, _, _ := s.at(number)
	segment := &s.segments[p.segment]
	left := segment.ranges() - (number-s.starts[p.segment])%segment.ranges()
	return number + min(left, max(1, candidates/segment.rangeSize()))
}

// extent is at for ranges of one place.
func (s *space) extent(ranges span) (p place, first, count uint64) {
	p, first, _ = s.at(ranges.from)
	_, last, size := s.at(ranges.to - 1)
	return p, first, last + uint64(size) - first
}

// digits are those of a place.
func (s *space) digits(p place) kernel.Digits {
	d := s.segments[p.segment].digits
	if width := len(d.Middle); width > 0 {
		d.Middle = fmt.Sprintf("%0*d", width, p.middle)
	}
	return d
}

// Begins tells which digits a job tries first, from which candidate on, and how
// they lie.
func Begins(job Job) (digits kernel.Digits, first uint64, layout kernel.Layout) {
	s := candidates(job.Mode, len(job.Prefix), job.Difficulty, job.launch)
	at, first, _ := s.at(0)
	return s.digits(at), first, s.segments[at.segment].layout
}

// candidates is the space of a job whose prefix has that many bytes, and in which
// devices take part that launch so many candidates at a time.
func candidates(mode Mode, prefixBytes, difficulty int, launch float64) space {
	rest := prefixBytes % 64
	switch mode {
	case Smallest:
		var segments []segment
		decades(math.MaxUint64, func(digits int, first, end uint64) {
			if digits <= kernel.MaxDigits {
				segments = append(segments, plain(rest, digits, first, end))
			}
		})
		return newSpace(segments)
	case Long:
		return newSpace([]segment{long(rest)})
	}
	return newSpace(fastest(rest, effort{2 * ExpectedCandidates(difficulty), launch}, maxSafeProof))
}

// decades calls back with the numbers of 1, 2, 3, ... digits that are below a
// limit.
func decades(limit uint64, each func(digits int, first, end uint64)) {
	first, end := uint64(0), uint64(10)
	for digits := 1; first < limit; digits++ {
		each(digits, first, min(end, limit))
		first = end
		if end > limit/10 {
			end = limit
		} else {
			end *= 10
		}
	}
}

// effort is what a job is expected to take.
type effort struct {
	candidates float64 // to try
	launch     float64 // of them at a time, by devices; 0 if none takes part
}

// fastest are all numbers below a limit, those first whose layout costs least.
func fastest(rest int, expected effort, limit uint64) []segment {
	var segments []segment
	decades(limit, func(digits int, first, end uint64) {
		whole := plain(rest, digits, first, end)
		best, remainder := whole, segment{}
		for low := 1; low <= 3; low++ {
			s, behind, ok := split(rest, digits, low, first, end)
			if ok && s.cost(expected) < best.cost(expected) {
				best, remainder = s, behind
			}
		}
		segments = append(segments, best)
		if remainder.end > remainder.first {
			segments = append(segments, remainder)
		}
	})
	slices.SortStableFunc(segments, func(a, b segment) int { return cmp.Compare(a.cost(expected), b.cost(expected)) })
	return segments
}

// split lays numbers of that many digits so that their first digits vary up to
// the last block's border, and the last ones, low of them, behind digits that
// don't vary: then the last block has few variants. It fails if the border is not
// among the digits. remainder are numbers up to end that don't fit whole.
func split(rest, digits, low int, first, end uint64) (s, remainder segment, ok bool) {
	high := 64 - rest
	middle := digits - high - low
	if middle < 0 {
		return segment{}, segment{}, false
	}
	d := kernel.Digits{High: high, Middle: strings.Repeat("0", middle), Low: low}
	values := powerOfTen(low)
	unit := values * powerOfTen(middle)
	s = segment{d, powerOfTen(middle), first / unit * values, end / unit * values, kernel.LayoutOf(rest, d)}
	return s, plain(rest, digits, end/unit*unit, end), s.end > s.first
}

func powerOfTen(exponent int) uint64 { return uint64(math.Pow10(exponent)) }

// longHigh is how many digits of a long proof vary before the last block: with
// the three behind them they outlast every job.
const longHigh = 15

// long lays a proof so that its last block begins with constant digits, has three
// that vary in word 13, the last before the message's length, and so shares the
// rounds before that word.
func long(rest int) segment {
	const low, constant, tooFew = 3, 4 * 13, 10
	before := 64 - rest
	if before < tooFew { // another block goes before
		before += 64
	}
	high := min(longHigh, before-1)
	d := kernel.Digits{
		Head:   "1" + strings.Repeat("0", before-1-high),
		High:   high,
		Middle: strings.Repeat("0", constant),
		Low:    low,
	}
	// Where few digits vary, the constant ones count on.
	return segment{d, powerOfTen(longHigh - high), 0, powerOfTen(high + low), kernel.LayoutOf(rest, d)}
}

// What a layout costs, in rounds of SHA-256 by a kernel of this machine's kind,
// from measurements of the SHA-NI kernel. Only the order matters.
const (
	scheduled   = 1.45  // a round, if the message schedule is computed beside it
	perState    = 250   // to compute a hash value before the last block
	perRun      = 2500  // to prepare a run of candidates that differ in one word
	perVariant  = 2000  // to compute its schedule
	perWork     = 50000 // to begin with other digits
	wholeRounds = 64
)

// cost is about how many rounds a candidate of a job costs.
func (s segment) cost(expected effort) float64 {
	l := s.layout
	once := float64(perWork)
	each := scheduled*float64(wholeRounds-l.Word) + perRun/float64(l.Run)
	switch {
	case l.HasTable():
		variants := math.Pow10(l.Last)
		each = float64(wholeRounds-l.First) + perState/variants
		once += perVariant * variants
	case l.IsTwoBlocks():
		each += wholeRounds // the second one's schedule is constant
	}
	place := float64(s.end - s.first)
	cost := each + once/min(place, expected.candidates)
	if reach := min(expected.launch, expected.candidates); place < reach {
		cost *= reach / place // a launch ends with its place, and a device idles until the next one
	}
	return cost
}
