package device

import (
	"math"

	"lode/miner/kernel"
)

// plan is how a kernel of the source scans a Work. Candidate c is the outer number
// c / values with the value c % values.
type plan struct {
	work    *kernel.Work
	variant Variant
	values  int // for each outer number: 10^k, those of the last k digits
	limit   uint32

	// What Enter is given; see scan.cl.
	message      []uint32
	outerDigits  int
	blocksBefore int
	hasWords     bool

	// table is what the scan is given: what each value adds to the word that varies, or
	// the rows of a round table.
	table []uint32
}

// vectorDigits is how many digits of one word are the value where outer numbers are
// lanes of vectors. With more, a launch of the wanted length would not fill its last
// vector.
const vectorDigits = 3

// newPlan chooses the kernel by how the Work's digits lie. lanes is that of vectors.
func newPlan(w *kernel.Work, lanes int) *plan {
	form, layout := w.Form(), w.Layout()
	p := &plan{work: w, limit: w.FirstWordLimit()}
	valueDigits := 0
	if layout.HasTable() || layout.IsTwoBlocks() {
		valueDigits = layout.Last
		p.variant = Variant{ScanTable, tableWord(layout), lanes}
		p.table = w.RoundTable()
	} else {
		valueDigits = digitsIn(layout.Run)
		if lanes > 1 {
			valueDigits = min(valueDigits, vectorDigits)
		}
		p.variant = Variant{ScanWord, layout.Word, lanes}
		p.table = wordValues(form.Digits[len(form.Digits)-valueDigits:])
		p.hasWords = true
	}
	p.values = int(math.Pow10(valueDigits))
	p.outerDigits = len(form.Digits) - valueDigits
	p.blocksBefore = layout.Blocks - 1
	p.message = enterMessage(form, p.outerDigits)
	return p
}

// tableWord is the first round that variants of the last block differ in, as far as
// there is a kernel for it.
func tableWord(l kernel.Layout) (word int) {
	for _, candidate := range tableWords {
		if candidate <= l.First {
			word = candidate
		}
	}
	return word
}

// digitsIn is the exponent of a power of ten.
func digitsIn(power int) (digits int) {
	for ; power > 1; power /= 10 {
		digits++
	}
	return digits
}

// shift is where a byte of a message is in its big-endian word.
func shift(at int) int { return 24 - 8*(at%4) }

// wordValues is what each number of digits in one word adds to it.
func wordValues(at []int) []uint32 {
	values := make([]uint32, int(math.Pow10(len(at))))
	for value := range values {
		for i, rest := len(at)-1, value; i >= 0; i, rest = i-1, rest/10 {
			values[value] += uint32(rest%10) << shift(at[i])
		}
	}
	return values
}

// enterMessage is the buffer work of Enter.
func enterMessage(form kernel.Form, outerDigits int) []uint32 {
	message := append([]uint32{}, form.State[:]...)
	places := make([]uint32, len(form.Words))
	for i, at := range form.Digits[:outerDigits] {
		places[at/4] |= uint32(i+1) << shift(at)
	}
	for i, word := range form.Words {
		message = append(message, word, places[i])
	}
	return message
}

// stateWords is how many words Enter writes for each outer number.
func (p *plan) stateWords() int {
	if p.hasWords {
		return 8 + 16
	}
	return 8
}

// shape is how a launch is cut into work items: lanes of outer numbers times chunks of
// values.
type shape struct {
	outers int // a multiple of the vector's lanes
	chunk  int // values of a work item
	items  int
}

// leastChunk is how many values a work item goes through at least, as far as there
// are so many: it begins with about as much work as one value costs.
const leastChunk = 64

// cut shapes a launch of so many outer numbers for a device that is busy with so many
// work items.
func (p *plan) cut(outers, busy int) shape {
	lanes := p.variant.Lanes
	groups := (outers + lanes - 1) / lanes
	chunks := max(1, min((busy+groups-1)/groups, p.values/leastChunk))
	chunk := (p.values + chunks - 1) / chunks
	chunks = (p.values + chunk - 1) / chunk
	return shape{groups * lanes, chunk, groups * chunks}
}

// unit is how many candidates fill a vector's lanes.
func (p *plan) unit() int { return p.variant.Lanes * p.values }

// part is how many of the candidates from first to first+count-1 the next launch does,
// about as many as wanted. Launches are alike, since a short one at the end costs as
// much to begin, and all but the last end with a vector's last lane.
func (p *plan) part(first, count uint64, wanted float64) int {
	launches := max(1, math.Round(float64(count)/wanted), math.Ceil(float64(count)/p.most()))
	skipped, unit := first%uint64(p.values), uint64(p.unit())
	n := uint64(math.Ceil(float64(count) / launches))
	full := (n + skipped + unit - 1) / unit * unit
	return int(min(count, full-skipped))
}

// most is how many candidates a launch may have, before its vectors are filled up.
func (p *plan) most() float64 {
	return min(maxCandidates, float64(maxStates/p.stateWords()-2*p.variant.Lanes-1)*float64(p.values))
}
