//go:build !purego

package kernel

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"hash"

	sha256 "github.com/minio/sha256-simd"
)

// libraries are the kernels of libraries that choose their code themselves.
func libraries() []Kernel { return []Kernel{Minio()} }

// Minio hashes with minio/sha256-simd, which uses the SHA extensions of amd64
// and arm64 where they are. It is a general hash function behind an interface,
// so the cost of a candidate is the call more than the compression.
func Minio() Kernel { return Kernel{Name: "minio", NewScanner: newMinioScanner, Batch: 500} }

type minioScanner struct {
	work    *Work
	message message
	digest  hash.Hash
	restore func(state []byte) error
	state   []byte // the digest's own form of the midstate
	sum     [sha256.Size]byte
}

func newMinioScanner(w *Work) Scanner {
	s := &minioScanner{work: w, digest: sha256.New()}
	s.message.init(w)
	s.state = share(w, "minio", func() []byte { return minioMidstate(w) })
	s.restore = s.digest.(encoding.BinaryUnmarshaler).UnmarshalBinary
	return s
}

// minioMidstate hashes what doesn't vary, but for the tail.
func minioMidstate(w *Work) []byte {
	constant := append(bytes.Clone(w.Prefix), w.Digits.Head...)
	digest := sha256.New()
	digest.Write(constant[:len(constant)-len(w.start.tail)])
	state, err := digest.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic("kernel: sha256-simd doesn't tell its state: " + err.Error()) // it has no error to return
	}
	return state
}

func (s *minioScanner) Scan(first uint64, count int) int {
	s.message.set(first)
	rest := s.message.bytes[:s.message.end]
	for i := range count {
		if s.restore(s.state) != nil {
			return -1 // it accepted the same bytes when the scanner was tested
		}
		s.digest.Write(rest)
		if s.hit() {
			return i
		}
		s.message.increment()
	}
	return -1
}

func (s *minioScanner) hit() bool {
	s.digest.Sum(s.sum[:0])
	var words [8]uint32
	for i := range words {
		words[i] = binary.BigEndian.Uint32(s.sum[4*i:])
	}
	return hasZeros(&words, s.work.Difficulty)
}
