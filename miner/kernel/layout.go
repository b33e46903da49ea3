package kernel

// Layout is how the digits of a Work lie in the 64-byte blocks of SHA-256.
type Layout struct {
	Blocks int // of the message behind the midstate: a candidate's compressions, if none is shared
	Last   int // how many digits of the last block vary
	First  int // the word of the last block that holds the first of them; -1 if there is none
	Word   int // the word that holds the last digit of all, in the last block or, if Last is 0, the one before
	Run    int // how many consecutive candidates differ in Word only
}

// LayoutOf is the layout of digits behind a prefix of that many bytes.
func LayoutOf(prefixBytes int, digits Digits) Layout {
	return newLayout((prefixBytes+len(digits.Head))%blockSize, digits)
}

// newLayout is the layout of digits behind a tail of that many bytes.
func newLayout(tail int, digits Digits) Layout {
	const padding = 1 + 8 // the byte 0x80 and the length (FIPS 180-4, 5.1.1)
	end := tail + digits.High + len(digits.Middle) + digits.Low
	l := Layout{Blocks: (end + padding + blockSize - 1) / blockSize, First: -1, Word: (end - 1) % blockSize / 4, Run: 1}
	for at := end - 1; at >= tail; at-- {
		if middle := end - 1 - at - digits.Low; middle >= 0 && middle < len(digits.Middle) {
			continue
		}
		if at/4 == (end-1)/4 {
			l.Run *= 10
		}
		if at/blockSize == l.Blocks-1 {
			l.First = at % blockSize / 4
			l.Last++
		}
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
func (l Layout) IsOneBlock() bool { return l.Last > 0 }

// IsTwoBlocks is true if the last block is the same for all candidates, so that
// each costs a compression more, but not its message schedule.
func (l Layout) IsTwoBlocks() bool { return l.Last == 0 }

// lengthWord is where the message's length begins in the last block.
const lengthWord = 14

// String names the layout for people.
func (l Layout) String() string {
	switch {
	case l.HasTable() && l.First > 0:
		return "table, late digits"
	case l.HasTable():
		return "table"
	case l.IsTwoBlocks():
		return "two blocks"
	}
	return "one word"
}
