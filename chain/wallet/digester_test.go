package wallet

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

// TestDigests uses one digester for payments of many lengths, for more and for fewer than
// before.
func TestDigests(t *testing.T) {
	var d digester
	for _, count := range []int{0, 1, 20, 2, 16, 40} {
		var payments []Payment
		for i := range count {
			payments = append(payments, Payment{strings.Repeat("ab", 300-i), strings.Repeat("é", i*i), fmt.Sprint(i), "no part of it"})
		}
		sums := d.digests(payments)
		if len(sums) != count {
			t.Fatalf("%d digests of %d payments", len(sums), count)
		}
		for i, p := range payments {
			want := sha256.Sum256([]byte(p.Sender + p.Recipient + p.Amount))
			if sums[i] != want || digest(p.Sender, p.Recipient, p.Amount) != want {
				t.Errorf("payment %d of %d: %x, want %x", i, count, sums[i], want)
			}
		}
	}
}
