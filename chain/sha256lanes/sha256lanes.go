// Package sha256lanes computes the SHA-256 of several independent messages at a time. A
// round of SHA-256 waits for the one before it, so that a CPU with one message is idle for
// a part of the time, and uses but a part of its vectors. Two messages at a time go by the SHA
// extensions, 16 by AVX-512. Elsewhere it is crypto/sha256.
package sha256lanes

import "crypto/sha256"

// SumAll sets each sum to the SHA-256 of the message of the same index. There must be as
// many sums as messages.
func SumAll(sums [][sha256.Size]byte, messages [][]byte) {
	if len(sums) != len(messages) {
		panic("sha256lanes: there are not as many sums as messages")
	}
	if supported && len(messages) > 1 {
		sumTogether(sums, messages)
		return
	}
	for i, message := range messages {
		sums[i] = sha256.Sum256(message)
	}
}
