//go:build purego

package wire

import "crypto/sha256"

func sum256(data []byte) [sha256.Size]byte { return sha256.Sum256(data) }
