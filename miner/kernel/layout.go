package kernel

// Layout is how the digits of a Work lie in the 64-byte blocks of SHA-256.
type Layout struct {
	Blocks int // of the message behind the midstate: a candidate's compressions, if none is shared
	Last   int // how many digits of the last block vary
	// First and Word are the words of the last block that hold the first and the
	// last digit that varies; -1 if none does.
	First, Word int
	Run         int // how many consecutive candidates differ in Word only
}

// LayoutOf is the layout of digits behind a prefix of that many bytes.
func LayoutOf(prefixBytes int, digits Digits) Layout {
	return newLayout((prefixBytes+len(digits.Head))%blockSize, digits)
}

// newLayout is the layout of digits behind a tail of that many bytes.
func newLayout(tail int, digits Digits) Layout {
	const padding = 1 + 8 // the byte 0x80 and the length (FIPS 180-4, 5.1.1)
	end := tail + digits.High + len(digits.Middle) + digits.Low
	l := Layout{Blocks: (end + padding + blockSize - 1) / blockSize, First: -1, Word: -1, Run: 1}
	last := blockSize * (l.Blocks - 1)
	for at := end - 1; at >= max(tail, last); at-- {
		if middle := end - 1 - at - digits.Low; middle >= 0 && middle < len(digits.Middle) {
			continue
		}
		l.First = (at - last) / 4
		if l.Last == 0 {
			l.Word = l.First
		}
		if l.First == l.Word && l.Run < 1e4 {
			l.Run *= 10
		}
		l.Last++
	}
	return l
}

// Layout is how the Work's digits lie.
func (w *Work) Layout() Layout { return newLayout(len(w.start.tail), w.Digits) }

// maxVariants is how many variants of the last block a table may have.
const maxVariants = 1000

// HasTable is true if the last block has so few variants that their message
// schedules fit a table: then a candidate costs the rounds and nothing else.
func (l Layout) HasTable() bool { return l.Blocks > 1 && l.Last >= 1 && l.Last <= 3 }

// IsOneBlock is true if a candidate costs about one compression, in which only
// one word varies for Run candidates.
func (l Layout) IsOneBlock() bool { return l.Last > 0 && l.Word < lengthWord }

// lengthWord is where the message's length begins in the last block.
const lengthWord = 14

// String names the layout for people.
func (l Layout) String() string {
	switch {
	case l.HasTable() && l.First > 0:
		return "table, late digits"
	case l.HasTable():
		return "table"
	case l.IsOneBlock():
		return "one word"
	}
	return "constant last block"
}
