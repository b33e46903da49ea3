package sha256lanes

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	simd "github.com/minio/sha256-simd"
)

// assertSums compares with crypto/sha256.
func assertSums(t *testing.T, messages ...[]byte) {
	t.Helper()
	before := make([][]byte, len(messages))
	for i, message := range messages {
		before[i] = bytes.Clone(message)
	}
	eachWidth(func(width string) {
		t.Helper()
		sums := make([][sha256.Size]byte, len(messages))
		SumAll(sums, messages)
		for i, message := range messages {
			if want := sha256.Sum256(before[i]); sums[i] != want || !bytes.Equal(message, before[i]) {
				t.Errorf("%s: message %d of %d, %d bytes: %x, want %x", width, i, len(messages), len(message), sums[i], want)
			}
		}
	})
}

// randomBytes are always the same for a seed.
func randomBytes(seed uint64, size int) []byte {
	source := rand.NewPCG(seed, 0)
	message := make([]byte, size)
	for i := range message {
		message[i] = byte(source.Uint64())
	}
	return message
}

// TestVectors are NIST's examples of FIPS 180-4 and the sum of nothing.
func TestVectors(t *testing.T) {
	vectors := []struct{ message, sum string }{
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{strings.Repeat("a", 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	}
	eachWidth(func(width string) {
		// Each of them is the first once, and has others beside it.
		for from := range vectors {
			for _, count := range []int{1, 2, 3, 4, 17} {
				var messages [][]byte
				for i := range count {
					messages = append(messages, []byte(vectors[(from+i)%len(vectors)].message))
				}
				sums := make([][sha256.Size]byte, count)
				SumAll(sums, messages)
				for i, sum := range sums {
					if want := vectors[(from+i)%len(vectors)]; hex.EncodeToString(sum[:]) != want.sum {
						t.Errorf("%s: %.60q, one of %d: %x, want %s", width, want.message, count, sum, want.sum)
					}
				}
			}
		}
	})
}

// TestPairs hashes messages of all lengths up to five blocks beside shorter, equal and
// longer ones.
func TestPairs(t *testing.T) {
	const longest = 300
	text := randomBytes(1, longest)
	for first := range longest + 1 {
		for _, second := range []int{0, 1, 55, 56, 63, 64, 119, 120, first, longest - first, longest} {
			assertSums(t, text[:first], text[longest-second:])
			assertSums(t, text[longest-second:], text[:first])
		}
	}
}

// TestAlignments reads messages from every place in a cache line, in all lanes.
func TestAlignments(t *testing.T) {
	text := randomBytes(2, 400)
	for at := range 64 {
		assertSums(t, text[at:at+200], text[64-at:64-at+201])
		var messages [][]byte
		for i := range 20 {
			start := at * i % 64
			messages = append(messages, text[start:start+250])
		}
		assertSums(t, messages...)
	}
}

// TestMany hashes up to 40 messages of many lengths, in all of which the lanes change
// places at other times.
func TestMany(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	text := randomBytes(5, 5000)
	for count := range 41 {
		for range 20 {
			var messages [][]byte
			for range count {
				size := random.IntN([]int{1, 70, 400, 3000}[random.IntN(4)])
				at := random.IntN(len(text) - size)
				messages = append(messages, text[at:at+size])
			}
			assertSums(t, messages...)
		}
	}
}

// TestLong hashes messages that are longer than what the assembly takes in one call.
func TestLong(t *testing.T) {
	text := randomBytes(6, 100_000)
	assertSums(t, text[:50_001], text[:40_064], text[1:1+16_384], text[7:], nil)
	var messages [][]byte
	for i := range 18 {
		messages = append(messages, text[i:50_000+100*i])
	}
	assertSums(t, messages...)
}

// TestContents has words of nothing but zeros and ones, where a carry or a byte's place
// shows, in each of the lanes.
func TestContents(t *testing.T) {
	for _, fill := range []byte{0, 1, 0x80, 0xff} {
		var messages [][]byte
		for at := range 130 {
			message := bytes.Repeat([]byte{fill}, 130)
			message[at] ^= 0xff
			messages = append(messages, message)
			assertSums(t, message, slices.Repeat([]byte{^fill}, at))
		}
		assertSums(t, messages...)
	}
}

func TestNothing(t *testing.T) {
	SumAll(nil, nil)
	assertSums(t, nil)
	assertSums(t, nil, nil, nil)
}

// TestMisuse panics before a sum is changed.
func TestMisuse(t *testing.T) {
	sums := make([][sha256.Size]byte, 1)
	defer func() {
		if recover() == nil || sums[0] != [sha256.Size]byte{} {
			t.Errorf("it does not panic, or the sum is %x", sums[0])
		}
	}()
	SumAll(sums, make([][]byte, 2))
}

// TestMemory: no call makes garbage.
func TestMemory(t *testing.T) {
	messages := make([][]byte, 5)
	for i := range messages {
		messages[i] = randomBytes(7, 100*i)
	}
	sums := make([][sha256.Size]byte, len(messages))
	SumAll(sums, messages) // may make what is used again
	if count := testing.AllocsPerRun(100, func() { SumAll(sums, messages) }); count >= 1 {
		t.Errorf("%v allocations, want none", count)
	}
}

// FuzzSumAll cuts a text into messages anywhere.
func FuzzSumAll(f *testing.F) {
	f.Add([]byte("abc"), []byte{1, 1})
	f.Add(randomBytes(8, 500), []byte{55, 56, 64, 0, 120})
	f.Add(randomBytes(9, 300), []byte{200, 1})
	f.Add(randomBytes(9, 2000), bytes.Repeat([]byte{100, 64, 61}, 8))
	f.Fuzz(func(t *testing.T, text, sizes []byte) {
		var messages [][]byte
		for _, size := range sizes {
			cut := min(int(size), len(text))
			messages = append(messages, text[:cut:cut])
			text = text[cut:]
		}
		assertSums(t, append(messages, text)...)
	})
}

// BenchmarkSumAll is for messages as blocks make them, and compares with libraries that
// take one at a time.
func BenchmarkSumAll(b *testing.B) {
	for _, shape := range []struct {
		name  string
		sizes []int
	}{
		{"1x1400", []int{1400}},
		{"2x1400", slices.Repeat([]int{1400}, 2)},
		{"3x1400", slices.Repeat([]int{1400}, 3)},
		{"16x1400", slices.Repeat([]int{1400}, 16)},
		{"8x750", slices.Repeat([]int{750}, 8)},
		{"8 blocks", slices.Repeat([]int{1400, 1100, 1000}, 8)},
		{"16 blocks", slices.Repeat([]int{1400, 1100, 1000}, 16)},
		{"16x750", slices.Repeat([]int{750}, 16)},
		{"100x40", slices.Repeat([]int{40}, 100)},
	} {
		var messages [][]byte
		total := 0
		for _, size := range shape.sizes {
			messages = append(messages, randomBytes(10, size))
			total += size
		}
		sums := make([][sha256.Size]byte, len(messages))
		for _, hasher := range []struct {
			name string
			run  func()
		}{
			{"lanes", func() { SumAll(sums, messages) }},
			{"crypto", func() {
				for i, m := range messages {
					sums[i] = sha256.Sum256(m)
				}
			}},
			{"simd", func() {
				for i, m := range messages {
					sums[i] = simd.Sum256(m)
				}
			}},
		} {
			b.Run(fmt.Sprintf("%s/%s", shape.name, hasher.name), func(b *testing.B) {
				b.SetBytes(int64(total))
				for b.Loop() {
					hasher.run()
				}
			})
		}
	}
}
