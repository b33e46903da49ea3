package wire

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// checkScan compares a scan of a text with one that gets it byte by byte.
func checkScan(t *testing.T, before objectScan, text []byte) {
	t.Helper()
	want, wantRead := before, 0
	for wantRead < len(text) && want.depth > 0 {
		wantRead += want.stepBytes(text[wantRead : wantRead+1])
	}
	for name, step := range map[string]func(*objectScan, []byte) int{"step": (*objectScan).step, "by bytes": (*objectScan).stepBytes} {
		got := before
		if read := step(&got, text); read != wantRead || got != want {
			t.Fatalf("%s: %d bytes from %+v to %+v, want %d to %+v: %q", name, read, before, got, wantRead, want, text)
		}
	}
}

// scans are states in which a text may begin.
var scans = []objectScan{{depth: 1}, {depth: 2}, {depth: 1, inString: true}, {depth: 3, inString: true}, {depth: 1, inString: true, escaped: true}}

// TestScanAnyBytes scans texts with more of what matters than there is in blocks, and less.
func TestScanAnyBytes(t *testing.T) {
	const seed = 2
	random := rand.New(rand.NewPCG(seed, seed))
	for i := range 60_000 {
		text := make([]byte, random.IntN(6*vectorBytes))
		for at := range text {
			text[at] = 'f'
			if random.IntN(2+i%60) == 0 {
				text[at] = `"""{{{}\`[random.IntN(8)]
			}
		}
		checkScan(t, scans[random.IntN(len(scans))], text)
	}
}

// TestScanEveryPlace has each of what matters at each place of some vectors, within a string
// and outside.
func TestScanEveryPlace(t *testing.T) {
	for _, what := range []string{`"`, `\`, `{`, `}`, `""`, `{}`, `}{`, `"{"`, `"}"`, `\"`, `\\"`, `"\"}"`} {
		for before := range 3*vectorBytes + 1 {
			for _, scan := range scans {
				checkScan(t, scan, []byte(strings.Repeat("f", before)+what+strings.Repeat("}", 2*vectorBytes)))
				checkScan(t, scan, []byte(strings.Repeat("{", before)+what+strings.Repeat("f", 2*vectorBytes)))
			}
		}
	}
}

// TestScanLongTexts scans what the assembly gets in pieces.
func TestScanLongTexts(t *testing.T) {
	for _, length := range []int{maxPlain - 1, maxPlain, maxPlain + 1, 2*maxPlain + vectorBytes} {
		for _, scan := range scans {
			checkScan(t, scan, []byte(strings.Repeat("f", length)+`"}`))
			checkScan(t, scan, []byte(strings.Repeat(`"{`, length)+`"}`))
		}
	}
}

func BenchmarkScan(b *testing.B) {
	text := paymentBlock(1).AppendClassic(nil)
	for name, step := range map[string]func(*objectScan, []byte) int{"vectors": (*objectScan).step, "bytes": (*objectScan).stepBytes} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if n := step(&objectScan{depth: 1}, text[1:]); n != len(text)-1 {
					b.Fatal(n)
				}
			}
		})
	}
}
