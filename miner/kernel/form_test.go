package kernel

import (
	"encoding/binary"
	"strings"
	"testing"
)

// A Form with a candidate's digits in it hashes as the candidate does, and its last
// block's rounds as the table's row says.
func TestForm(t *testing.T) {
	for length := range 130 {
		w := NewWork([]byte(strings.Repeat("form ", 26)[:length]), Digits{Head: "7", High: 5, Middle: "00", Low: 3}, 1)
		for _, candidate := range []uint64{0, 7, 999, 1234, 98765432} {
			form := w.Form()
			rest := candidate
			for i := len(form.Digits) - 1; i >= 0; i-- {
				at := form.Digits[i]
				form.Words[at/4] += uint32(rest%10) << (24 - 8*(at%4))
				rest /= 10
			}
			checkForm(t, w, form, candidate)
		}
	}
}

func checkForm(t *testing.T, w *Work, form Form, candidate uint64) {
	t.Helper()
	state := form.State
	var before [8]uint32
	for at := 0; at < len(form.Words); at += 16 {
		before = state
		compressWords(&state, form.Words[at:at+16])
	}
	if got, want := hasZeros(&state, w.Difficulty), Verify(w, candidate); got != want {
		t.Fatalf("prefix of %d bytes, candidate %d: a hit is %v, want %v", len(w.Prefix), candidate, got, want)
	}
	if !w.Layout().HasTable() {
		return
	}
	variants := powerOfTen(w.Layout().Last)
	row := w.RoundTable()[64*(candidate%variants):][:64]
	if got := roundsOf(before, row); got != state {
		t.Fatalf("prefix of %d bytes, candidate %d: the table's row gives %08x, want %08x", len(w.Prefix), candidate, got, state)
	}
	if got, want := len(w.RoundTable()), 64*int(variants); got != want {
		t.Fatalf("a table of %d words, want %d", got, want)
	}
}

func compressWords(state *[8]uint32, words []uint32) {
	var block [blockSize]byte
	for i, word := range words {
		binary.BigEndian.PutUint32(block[4*i:], word)
	}
	compress(state, &block)
}

// roundsOf is the hash value behind a block of which K + W is known.
func roundsOf(state [8]uint32, row []uint32) [8]uint32 {
	var schedule [64]uint32
	for i, word := range row {
		schedule[i] = word - roundConstants[i]
	}
	hash := state
	rounds(&hash, &schedule, 64)
	for i := range hash {
		hash[i] += state[i]
	}
	return hash
}
