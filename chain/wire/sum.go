//go:build !purego

package wire

import sha256 "github.com/minio/sha256-simd"

func sum256(data []byte) [sha256.Size]byte { return sha256.Sum256(data) }
