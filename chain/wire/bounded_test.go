package wire

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestCountValues(t *testing.T) {
	for text, want := range map[string]int{
		``: 1, `1`: 1, `[]`: 2, `[1]`: 2, `[1, 2]`: 3, `{"a": 1, "b": [1, {}]}`: 6, `"[,{"`: 1, `"\",["`: 1, `["\\", ","]`: 3,
	} {
		if got := countValues([]byte(text)); got != want {
			t.Errorf("%s: %d values, want %d", text, got, want)
		}
	}
}

func TestDecodeBounded(t *testing.T) {
	array := func(values int, blanks int) string {
		return strings.Repeat(" ", blanks) + "[" + strings.Repeat("0,", values-2) + "0]"
	}
	for _, test := range []struct {
		name, text string
		want       error
	}{
		{"few", array(16384, 0), nil}, // with 512 for its 32,767 bytes
		{"as many as its length allows", array(16895, 0), nil},
		{"too many", array(17000, 0), ErrValues},
		{"longer, and so allowed", array(17000, 64*1000), nil},
		{"in strings", `"` + strings.Repeat(",", 100_000) + `"`, nil},
		{"in UTF-16", "\xfe\xff" + strings.ReplaceAll(array(17100, 0), "", "\x00")[:2*len(array(17100, 0))], ErrValues},
		{"no JSON", "[" + strings.Repeat(" ", 100), ErrSyntax},
		{"deep", strings.Repeat("[", 1000), ErrDepth},
	} {
		got, err := DecodeBounded([]byte(test.text))
		if !errors.Is(err, test.want) || test.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		want, _ := Decode([]byte(test.text))
		if test.want == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: another value than Decode's", test.name)
		}
	}
}

// The largest block and page that honest nodes make are no problem.
func TestDecodeBoundedTakesHonestTexts(t *testing.T) {
	payment := Transaction{Sender: strings.Repeat("a", 280), Signature: strings.Repeat("b", 256), Amount: Int(1)}
	reward := Transaction{Sender: RewardSender, Amount: Int(10)}
	full := Block{PreviousHash: strings.Repeat("0", 64)}
	for range 50_000 {
		full.Transactions = append(full.Transactions, payment)
	}
	full.Transactions = append(full.Transactions, reward)
	page := make([]Block, 1000)
	for i := range page {
		page[i].Transactions = []Transaction{reward}
	}
	for name, text := range map[string][]byte{
		"block": AppendCompact(nil, map[string]any{"block": full}), "page": AppendCompact(nil, map[string]any{"blocks": page}),
	} {
		if _, err := DecodeBounded(text); err != nil {
			t.Errorf("%s of %d bytes: %v", name, len(text), err)
		}
	}
}
