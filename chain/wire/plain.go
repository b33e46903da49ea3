package wire

const (
	// vectorBytes is how many bytes a vector has. Shorter texts are looked at without.
	vectorBytes = 32
	// maxPlain is how many bytes the assembly gets at a time, since it can't be interrupted.
	maxPlain = 64 << 10
)

// plainString is how many bytes at the beginning of s are printable ASCII but
// no quote and no backslash: what JSON and repr both write as it is. Nearly all
// text in blocks is hex, so it looks at 32 bytes at a time, or at eight.
func plainString(s string) int {
	switch {
	case !hasAVX2 || len(s) < vectorBytes:
		return plainWords(s)
	case len(s) > maxPlain:
		return plainPieces(s, plainStringAVX2)
	}
	return plainStringAVX2(s)
}

// plainSlice is plainString for bytes.
func plainSlice(s []byte) int {
	switch {
	case !hasAVX2 || len(s) < vectorBytes:
		return plainWords(s)
	case len(s) > maxPlain:
		return plainPieces(s, plainSliceAVX2)
	}
	return plainSliceAVX2(s)
}

// plainPieces is plainString by pieces, each counted by one.
func plainPieces[T string | []byte](s T, one func(T) int) (n int) {
	for len(s)-n >= vectorBytes {
		piece := s[n:min(n+maxPlain, len(s))]
		count := one(piece)
		n += count
		if count < len(piece) {
			return n
		}
	}
	return n + plainWords(s[n:])
}

// plainWords is plainString by words of eight bytes.
func plainWords[T string | []byte](s T) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	n := 0
	for n+8 <= len(s) {
		v := uint64(s[n]) | uint64(s[n+1])<<8 | uint64(s[n+2])<<16 | uint64(s[n+3])<<24 |
			uint64(s[n+4])<<32 | uint64(s[n+5])<<40 | uint64(s[n+6])<<48 | uint64(s[n+7])<<56
		// A byte's high bit is set where it is below '0', above '~' or a backslash,
		// and sometimes in a byte above such a one. Those are looked at one by one.
		found := v | (v - '0'*ones) | (v + ones) | ((v ^ '\\'*ones) - ones)
		if found&highs == 0 {
			n += 8
			continue
		}
		for end := n + 8; n < end; n++ {
			if !isPlain(s[n]) {
				return n
			}
		}
	}
	for n < len(s) && isPlain(s[n]) {
		n++
	}
	return n
}

func isPlain(c byte) bool { return c >= ' ' && c < 0x7F && c != '"' && c != '\'' && c != '\\' }
