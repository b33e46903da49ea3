package wire

import (
	"runtime"
	"strings"
	"testing"
)

// TestDecodeBlockTakesLittleMemory decodes hostile texts of 1 MB: what takes many
// times its length as a tree is not built.
func TestDecodeBlockTakesLittleMemory(t *testing.T) {
	const size = 1 << 20
	list := func(item string) string { return "[" + strings.Repeat(item+",", size/(len(item)+1)) + item + "]" }
	for name, transactions := range map[string]string{
		"arrays instead of transactions":  list("[]"),
		"objects instead of transactions": list("{}"),
		"a field that a block lacks":      `[], "x": ` + list("[]"),
		"an object that a block lacks":    `[], "x": {` + strings.Repeat(`"a": {}, `, size/9) + `"b": 0}`,
		"short transactions":              list(`{"sender":"","recipient":"","signature":"","amount":0}`),
	} {
		text := []byte(`{"index": 1, "previous_hash": "", "proof": 1, "time_stamp": 1, "transactions": ` + transactions + `}`)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = DecodeBlock(text)
		runtime.ReadMemStats(&after)
		if taken, most := after.TotalAlloc-before.TotalAlloc, uint64(8*len(text)); taken > most {
			t.Errorf("%s: %d bytes for a text of %d, want at most %d", name, taken, len(text), most)
		}
	}
}
