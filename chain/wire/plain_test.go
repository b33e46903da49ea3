package wire

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// plainByBytes is what all of them have to say.
func plainByBytes(text string) int {
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c >= 0x7F || strings.IndexByte(`"'\`, c) >= 0 {
			return i
		}
	}
	return len(text)
}

// plainWays are all ways to count; the vectors' ones where they can be used.
var plainWays = map[string]func(text []byte) int{
	"string":           func(text []byte) int { return plainString(string(text)) },
	"slice":            plainSlice,
	"string, by words": func(text []byte) int { return plainWords(string(text)) },
	"slice, by words":  plainWords[[]byte],
}

func checkPlain(t *testing.T, text []byte) {
	t.Helper()
	want := plainByBytes(string(text))
	for name, count := range plainWays {
		if got := count(text); got != want {
			t.Fatalf("%s: %d of %d bytes are plain, want %d: %q", name, got, len(text), want, text)
		}
	}
}

// TestPlainEveryByte puts every byte at every place of texts that are shorter than a
// vector, as long and a little longer.
func TestPlainEveryByte(t *testing.T) {
	for _, length := range []int{1, 7, 8, 9, 20, vectorBytes - 1, vectorBytes, vectorBytes + 1, 2*vectorBytes + 1} {
		for at := range length {
			for c := range 256 {
				text := []byte(strings.Repeat("~", length))
				text[at] = byte(c)
				checkPlain(t, text)
			}
		}
	}
}

// TestPlainLengths takes all lengths up to some vectors, at all places of a vector in
// memory, with what isn't plain right before and behind the text, and at each of its bytes.
func TestPlainLengths(t *testing.T) {
	for length := range 4*vectorBytes + 1 {
		for start := 1; start <= vectorBytes; start++ {
			memory := []byte(strings.Repeat(`"`, start) + strings.Repeat("0", length) + `"`)
			text := memory[start : start+length]
			checkPlain(t, text)
			for at := range text {
				text[at] = '\\'
				if got := plainSlice(text); got != at {
					t.Fatalf("%d of %d bytes are plain, want %d", got, length, at)
				}
				text[at] = ' '
			}
		}
	}
}

// TestPlainLongTexts takes texts that the assembly gets in pieces, with what isn't plain
// around their borders.
func TestPlainLongTexts(t *testing.T) {
	for _, length := range []int{maxPlain, maxPlain + 1, maxPlain + vectorBytes - 1, maxPlain + vectorBytes, 2*maxPlain + 1} {
		text := []byte(strings.Repeat("0", length))
		checkPlain(t, text)
		for at := maxPlain - 2; at < min(length, maxPlain+vectorBytes+1); at++ {
			text[at] = '\''
			checkPlain(t, text)
			text[at] = '0'
		}
	}
}

// TestPlainAnyBytes has several bytes that aren't plain in a text.
func TestPlainAnyBytes(t *testing.T) {
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	for range 20_000 {
		text := make([]byte, random.IntN(4*vectorBytes))
		for i := range text {
			text[i] = byte('#' + random.IntN(4))
			if random.IntN(64) == 0 {
				text[i] = byte(random.Uint32())
			}
		}
		checkPlain(t, text)
	}
}

func BenchmarkPlain(b *testing.B) {
	for _, length := range []int{8, 32, 64, 256, 324} {
		text := strings.Repeat("0f30819f", length/8) + "\"" + strings.Repeat(" ", vectorBytes)
		for name, count := range map[string]func(string) int{"words": plainWords[string], "chosen": plainString} {
			b.Run(fmt.Sprintf("%s/bytes=%d", name, length), func(b *testing.B) {
				for b.Loop() {
					count(text)
				}
			})
		}
	}
}
