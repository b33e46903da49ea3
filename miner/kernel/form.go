package kernel

// Form is what it takes to write a Work's candidates into messages elsewhere.
type Form struct {
	State  [8]uint32 // the hash value before Words
	Words  []uint32  // whole blocks, big-endian and padded, with '0' for each digit that varies
	Digits []int     // the byte of Words in which each of those digits is, the first digit first
}

// Form is that of the Work.
func (w *Work) Form() Form {
	var m message
	m.init(w)
	f := Form{State: w.start.midstate}
	for at := 0; at < m.size; at += blockSize {
		words := m.words(at)
		f.Words = append(f.Words, words[:]...)
	}
	for _, at := range m.at[:m.varying] {
		f.Digits = append(f.Digits, int(at))
	}
	return f
}

// RoundTable has 64 words for each variant of the last block, in the order of the
// candidates: the sum of K and W of each round (FIPS 180-4, 6.2.2, step 3).
func (w *Work) RoundTable() (table []uint32) {
	schedules(w, func(_ int, schedule *[64]uint32) {
		for t, word := range schedule {
			table = append(table, roundConstants[t]+word)
		}
	})
	return table
}
