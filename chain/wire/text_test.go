package wire

import (
	"strings"
	"testing"
)

// TestPlainPrefix puts every byte at every place of a text of up to 20 bytes.
func TestPlainPrefix(t *testing.T) {
	for c := range 256 {
		plain := c >= 0x20 && c < 0x7F && !strings.ContainsRune(`"'\`, rune(c))
		for length := 1; length <= 20; length++ {
			for at := range length {
				text := []byte(strings.Repeat("~", length))
				text[at] = byte(c)
				want := at
				if plain {
					want = length
				}
				if got := plainPrefix(text); got != want || plainPrefix(string(text)) != want {
					t.Fatalf("%q: %d, want %d", text, got, want)
				}
			}
		}
	}
	if n := plainPrefix(""); n != 0 {
		t.Errorf("of an empty text %d", n)
	}
}
