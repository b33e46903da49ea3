package wallet

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"math/big"
	"testing"

	"lode/chain/wallet/multibuffer"
)

// privateKey signs any encoded message, not only right ones.
type privateKey struct {
	rsa.PublicKey
	d *big.Int
}

// numberedKey makes always the same key, of 2·half bits.
func numberedKey(t testing.TB, half uint, exponent int) privateKey {
	t.Helper()
	e, one := big.NewInt(int64(exponent)), big.NewInt(1)
	prime := func(upperBits int64) (p, less *big.Int) {
		p = new(big.Int).Lsh(big.NewInt(upperBits), half-8)
		for p.Add(p, one); ; p.Add(p, big.NewInt(2)) {
			less = new(big.Int).Sub(p, one)
			if new(big.Int).GCD(nil, nil, e, less).Cmp(one) == 0 && p.ProbablyPrime(0) {
				return p, less
			}
		}
	}
	p, lessP := prime(0xc5)
	q, lessQ := prime(0xe3)
	d := new(big.Int).ModInverse(e, new(big.Int).Mul(lessP, lessQ))
	return privateKey{rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent}, d}
}

// sign is the private key's operation on an encoded message below the modulus.
func (k privateKey) sign(message []byte) []byte {
	m := new(big.Int).SetBytes(message)
	return m.Exp(m, k.d, k.N).FillBytes(make([]byte, k.Size()))
}

// assertLikeStandard compares with crypto/rsa, the vectors too where there are some.
func assertLikeStandard(t *testing.T, public *rsa.PublicKey, sum [sha256.Size]byte, signature []byte) (takes bool) {
	t.Helper()
	want := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature)
	key := prepare(public)
	takes = key.takes(sum, signature)
	if takes != (want == nil) {
		t.Errorf("N %x, E %d, digest %x, signature %x: taken is %v, crypto/rsa says %v",
			public.N, public.E, sum, signature, takes, want)
	}
	if key.lane.Limbs() == 0 {
		return takes
	}
	var taken [multibuffer.Lanes]bool
	l := lane{0, key, sum, hex.EncodeToString(signature)}
	NewVerifier().take([]lane{l, l}, &taken)
	if taken != [multibuffer.Lanes]bool{takes, takes} {
		t.Errorf("N %x, digest %x, signature %x: taken in lanes is %v, crypto/rsa says %v", public.N, sum, signature, taken, want)
	}
	return takes
}

// join is an encoded message of size bytes: begin, as many bytes fill as are
// needed, end.
func join(size int, begin string, fill byte, end string) []byte {
	padding := bytes.Repeat([]byte{fill}, size-len(begin)-len(end))
	return append(append([]byte(begin), padding...), end...)
}

const (
	oid        = "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02"        // of the hashes, without their number
	info512    = "\x30\x51\x30\x0d" + oid + "\x03\x05\x00\x04\x40" // SHA-512
	info384    = "\x30\x41\x30\x0d" + oid + "\x02\x05\x00\x04\x30"
	info224    = "\x30\x2d\x30\x0d" + oid + "\x04\x05\x00\x04\x1c"
	infoSHA3   = "\x30\x31\x30\x0d" + oid + "\x08\x05\x00\x04\x20" // SHA3-256
	info512256 = "\x30\x31\x30\x0d" + oid + "\x06\x05\x00\x04\x20"
)

// forgedMessages are encoded messages that lenient implementations took, each
// signed with the right key.
func forgedMessages(size int, sum [sha256.Size]byte) map[string][]byte {
	hash, long := string(sum[:]), sha512.Sum512(sum[:])
	right := digestInfo + hash
	eight := "\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00"
	garbage := func(begin string) []byte { return join(size, begin, 0x5a, "") }
	return map[string][]byte{
		"no NULL":                              join(size, "\x00\x01", 0xff, "\x00\x30\x2f\x30\x0b"+oid+"\x01\x04\x20"+hash),
		"NULL with a byte":                     join(size, "\x00\x01", 0xff, "\x00\x30\x32\x30\x0e"+oid+"\x01\x05\x01\x00\x04\x20"+hash),
		"no parameters but the length of NULL": join(size, "\x00\x01", 0xff, "\x00\x30\x31\x30\x0d"+oid+"\x01\x04\x20"+hash),
		"OCTET STRING for NULL":                join(size, "\x00\x01", 0xff, "\x00\x30\x31\x30\x0d"+oid+"\x01\x04\x00\x04\x20"+hash),
		"long form of a length":                join(size, "\x00\x01", 0xff, "\x00\x30\x81\x31\x30\x0d"+oid+"\x01\x05\x00\x04\x20"+hash),
		"indefinite length":                    join(size, "\x00\x01", 0xff, "\x00\x30\x80\x30\x0d"+oid+"\x01\x05\x00\x04\x20"+hash+"\x00\x00"),
		"hash without DigestInfo":              join(size, "\x00\x01", 0xff, "\x00"+hash),
		"padding of 00":                        join(size, "\x00\x01", 0x00, "\x00"+right),
		"padding of FE":                        join(size, "\x00\x01", 0xfe, "\x00"+right),
		"one byte of the padding":              join(size, "\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 0xff, "\x00"+right),
		"last byte of the padding":             join(size, "\x00\x01", 0xff, "\xfe\x00"+right),
		"block type 0":                         join(size, "\x00\x00", 0x00, "\x00"+right),
		"block type 2":                         join(size, "\x00\x02", 0xff, "\x00"+right),
		"no 00 at the beginning":               join(size, "\x01", 0xff, "\x00"+right),
		"no 00 before DigestInfo":              join(size, "\x00\x01", 0xff, right),
		"two 00 before DigestInfo":             join(size, "\x00\x01", 0xff, "\x00\x00"+right),
		"no padding, garbage behind":           garbage("\x00\x01\x00" + right),
		"short padding, garbage behind":        garbage("\x00\x01\xff\x00" + right), // Bleichenbacher, 2006
		"eight bytes, garbage behind":          garbage(eight + right),
		"eight bytes, zeros behind":            join(size, eight+right, 0, ""),
		"one byte behind":                      join(size, "\x00\x01", 0xff, "\x00"+right+"\x00"),
		"garbage as a third element": garbage(eight + "\x30\x7f\x30\x0d" + oid + "\x01\x05\x00\x04\x20" + hash +
			"\x04\x4c"),
		"garbage as the parameters": join(size, eight+"\x30\x6c\x30\x48"+oid+"\x01\x04\x3b", 0x5a, "\x04\x20"+hash),
		"DigestInfo of SHA-512":     join(size, "\x00\x01", 0xff, "\x00"+info512+string(long[:])),
		"of SHA-384":                join(size, "\x00\x01", 0xff, "\x00"+info384+string(long[:48])),
		"of SHA-224":                join(size, "\x00\x01", 0xff, "\x00"+info224+hash[:28]),
		"of SHA3-256":               join(size, "\x00\x01", 0xff, "\x00"+infoSHA3+hash),
		"of SHA-512/256":            join(size, "\x00\x01", 0xff, "\x00"+info512256+hash),
		"of SHA-1, with this hash":  join(size, "\x00\x01", 0xff, "\x00\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14"+hash[:20]),
		"another hash":              join(size, "\x00\x01", 0xff, "\x00"+digestInfo+hash[1:]+hash[:1]),
		"a hash's last bit":         join(size, "\x00\x01", 0xff, "\x00"+digestInfo+hash[:31]+string(sum[31]^1)),
		"zero":                      make([]byte, size),
		"one":                       join(size, "", 0, "\x01"),
	}
}

// usualKeys have all sizes that a modulus may have beside whole words.
func usualKeys(t testing.TB) map[string]privateKey {
	return map[string]privateKey{
		"1024 bits":     numberedKey(t, 512, 65537),
		"1024 bits, 3":  numberedKey(t, 512, 3),
		"1030 bits":     numberedKey(t, 515, 65537),
		"1048 bits, 3":  numberedKey(t, 524, 3),
		"1600 bits":     numberedKey(t, 800, 65537),
		"2048 bits":     numberedKey(t, 1024, 65537),
		"2048 bits, 3":  numberedKey(t, 1024, 3),
		"1024 bits, 17": numberedKey(t, 512, 17), // left to crypto/rsa
	}
}

// TestForgedMessages: a right encoding is taken and no other one is.
func TestForgedMessages(t *testing.T) {
	sum := sha256.Sum256([]byte("payment"))
	for name, key := range usualKeys(t) {
		t.Run(name, func(t *testing.T) {
			if prepared := prepare(&key.PublicKey).modulus != nil; prepared != (key.E != 17) {
				t.Errorf("the modulus is prepared: %v", prepared)
			}
			size := key.Size()
			right := join(size, "\x00\x01", 0xff, "\x00"+digestInfo+string(sum[:]))
			if !assertLikeStandard(t, &key.PublicKey, sum, key.sign(right)) {
				t.Error("the right encoding is refused")
			}
			for forged, message := range forgedMessages(size, sum) {
				if new(big.Int).SetBytes(message).Cmp(key.N) >= 0 {
					continue // there is no signature that gives it
				}
				if assertLikeStandard(t, &key.PublicKey, sum, key.sign(message)) {
					t.Errorf("%s: taken", forged)
				}
			}
			for i := range right {
				message := bytes.Clone(right)
				message[i] ^= 1
				if i > 0 && assertLikeStandard(t, &key.PublicKey, sum, key.sign(message)) {
					t.Errorf("byte %d is another one: taken", i)
				}
			}
		})
	}
}

// TestForgedSignatures are other numbers and lengths than the right signature,
// among them those that are equal to it modulo N.
func TestForgedSignatures(t *testing.T) {
	sum := sha256.Sum256([]byte("payment"))
	for name, key := range usualKeys(t) {
		size, n := key.Size(), key.N
		right := key.sign(join(size, "\x00\x01", 0xff, "\x00"+digestInfo+string(sum[:])))
		plusN := new(big.Int).Add(new(big.Int).SetBytes(right), n)
		forged := map[string][]byte{
			"none": nil, "empty": {}, "one byte": {1}, "its end": right[1:], "its beginning": right[:size-1],
			"a leading zero":   append([]byte{0}, right...),
			"a trailing zero":  append(bytes.Clone(right), 0),
			"twice":            append(bytes.Clone(right), right...),
			"plus N":           plusN.Bytes(),
			"plus N, longer":   plusN.FillBytes(make([]byte, size+8)),
			"negated":          new(big.Int).Sub(n, new(big.Int).SetBytes(right)).FillBytes(make([]byte, size)),
			"0":                make([]byte, size),
			"1":                join(size, "", 0, "\x01"),
			"N":                n.Bytes(),
			"N - 1":            new(big.Int).Sub(n, big.NewInt(1)).Bytes(),
			"N + 1":            new(big.Int).Add(n, big.NewInt(1)).Bytes(),
			"the message":      join(size, "\x00\x01", 0xff, "\x00"+digestInfo+string(sum[:])),
			"all ones":         bytes.Repeat([]byte{0xff}, size),
			"little-endian":    reversed(right),
			"of another size":  bytes.Repeat([]byte{0xff}, 2*size),
			"one million ones": bytes.Repeat([]byte{0xff}, 1_000_000),
		}
		for what, signature := range forged {
			if assertLikeStandard(t, &key.PublicKey, sum, signature) {
				t.Errorf("%s: %s is taken", name, what)
			}
		}
		if assertLikeStandard(t, &key.PublicKey, sha256.Sum256(nil), right) {
			t.Errorf("%s: taken for another payment", name)
		}
	}
}

func reversed(b []byte) []byte {
	var r []byte
	for i := range b {
		r = append(r, b[len(b)-1-i])
	}
	return r
}

// TestSignaturePlusModulus: with room above the modulus, the sum has the right
// length, and to the power of e gives the right message.
func TestSignaturePlusModulus(t *testing.T) {
	key := numberedKey(t, 515, 65537) // 1030 bits in 129 bytes
	for i := range byte(8) {
		sum := sha256.Sum256([]byte{i})
		right := key.sign(join(key.Size(), "\x00\x01", 0xff, "\x00"+digestInfo+string(sum[:])))
		s := new(big.Int).SetBytes(right)
		if !assertLikeStandard(t, &key.PublicKey, sum, right) {
			t.Error("the right signature is refused")
		}
		for s.Add(s, key.N); s.BitLen() <= 8*key.Size(); s.Add(s, key.N) {
			if assertLikeStandard(t, &key.PublicKey, sum, s.FillBytes(make([]byte, key.Size()))) {
				t.Errorf("%x is taken", s)
			}
		}
	}
}

// TestCubeRoots forges signatures with the exponent 3 as Bleichenbacher did in
// 2006, without the private key: the cube has the right bytes in front, and
// garbage behind.
func TestCubeRoots(t *testing.T) {
	key := numberedKey(t, 1536, 3)
	sum := sha256.Sum256([]byte("payment"))
	for _, front := range []string{
		"\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00" + digestInfo + string(sum[:]),
		"\x00\x01\xff\x00" + digestInfo + string(sum[:]),
		"\x00\x01\x00" + digestInfo + string(sum[:]),
	} {
		wanted := new(big.Int).SetBytes(join(key.Size(), front, 0xff, ""))
		root := cubeRoot(wanted)
		cube := new(big.Int).Exp(root, big.NewInt(3), nil)
		if got := cube.FillBytes(make([]byte, key.Size())); !bytes.HasPrefix(got, []byte(front)) {
			t.Fatalf("the cube begins with %x", got[:len(front)])
		}
		if assertLikeStandard(t, &key.PublicKey, sum, root.FillBytes(make([]byte, key.Size()))) {
			t.Errorf("a cube that begins with %x is taken", front)
		}
	}
}

// cubeRoot is the largest number whose cube is at most n.
func cubeRoot(n *big.Int) *big.Int {
	root := new(big.Int)
	for bit := n.BitLen()/3 + 1; bit >= 0; bit-- {
		root.SetBit(root, bit, 1)
		if new(big.Int).Exp(root, big.NewInt(3), nil).Cmp(n) > 0 {
			root.SetBit(root, bit, 0)
		}
	}
	return root
}

// TestUnusualKeys have moduli or exponents that crypto/rsa refuses, or that this
// package leaves to it.
func TestUnusualKeys(t *testing.T) {
	key := numberedKey(t, 512, 65537)
	sum := sha256.Sum256([]byte("payment"))
	message := join(key.Size(), "\x00\x01", 0xff, "\x00"+digestInfo+string(sum[:]))
	even := new(big.Int).Sub(key.N, big.NewInt(1))
	for name, public := range map[string]rsa.PublicKey{
		"exponent 1":            {N: key.N, E: 1},
		"exponent 2":            {N: key.N, E: 2},
		"exponent 0":            {N: key.N, E: 0},
		"exponent -3":           {N: key.N, E: -3},
		"exponent 65536":        {N: key.N, E: 65536},
		"exponent 5":            {N: key.N, E: 5},
		"exponent 2^31 - 1":     {N: key.N, E: 1<<31 - 1},
		"even modulus":          {N: even, E: 65537},
		"even modulus, 3":       {N: even, E: 3},
		"power of two":          {N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537},
		"one more than a power": {N: new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 1024), 0, 1), E: 65537},
		"all ones":              {N: new(big.Int).SetBytes(bytes.Repeat([]byte{0xff}, 128)), E: 3},
	} {
		for _, signature := range [][]byte{
			message, key.sign(message), nil, make([]byte, public.Size()), public.N.Bytes(), join(public.Size(), "", 0, "\x01"),
		} {
			if assertLikeStandard(t, &public, sum, signature) {
				t.Errorf("%s: %x is taken", name, signature)
			}
		}
	}
}

// TestLargestKey has as many bits as a key may have.
func TestLargestKey(t *testing.T) {
	modulus := new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), MaxBits-1), 0, 1)
	public := rsa.PublicKey{N: modulus, E: 3}
	sum := sha256.Sum256(nil)
	for _, signature := range [][]byte{modulus.Bytes(), make([]byte, 1024), join(1024, "", 0, "\x02")} {
		if assertLikeStandard(t, &public, sum, signature) {
			t.Errorf("%x is taken", signature)
		}
	}
	if prepare(&public).modulus == nil {
		t.Error("its modulus is not prepared")
	}
}

// TestEncode is the example of one message, written out.
func TestEncode(t *testing.T) {
	sum := sha256.Sum256([]byte("abc"))
	const want = "0001ffffffffffffffffffffffffffff003031300d060960864801650304020105000420" +
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := hex.EncodeToString(encode(make([]byte, len(want)/2), sum)); got != want {
		t.Errorf("encoded %s, want %s", got, want)
	}
}
