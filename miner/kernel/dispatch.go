package kernel

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// ErrUnknown is a kernel name that doesn't exist.
var ErrUnknown = errors.New("there is no kernel of that name")

// ErrSelfTest is a kernel that computes wrongly on this machine.
var ErrSelfTest = errors.New("the kernel failed its self-test")

// features are what of the CPU decides; the fields are read once.
type features struct {
	sha bool // SHA extensions: SHA-NI on amd64, SHA2 on arm64
	avx bool // AVX on amd64, and a system that keeps its registers
}

func detect() features {
	return features{
		sha: cpuid.CPU.Supports(cpuid.SHA) || cpuid.CPU.Supports(cpuid.SHA2),
		avx: cpuid.CPU.Supports(cpuid.AVX),
	}
}

// Available are the kernels of this machine, the best one first. Without the
// CPU's SHA extensions sha256-simd is portable code behind a slower interface.
// Our own ones for the SHA extensions are built on amd64, unless the build tag
// purego leaves assembly out.
func Available() []Kernel { return available(detect()) }

func available(cpu features) []Kernel {
	switch {
	case cpu.sha && cpu.avx:
		return append(assembled(), Minio(), Generic())
	case cpu.sha:
		return []Kernel{Minio(), Generic()}
	default:
		return []Kernel{Generic(), Minio()}
	}
}

// Select returns the kernel of a name, or the best one if name is empty, and
// says in words why. The kernel has passed SelfTest. A best kernel that fails it
// is passed over, and why says so; a named one is ErrUnknown or ErrSelfTest.
func Select(name string) (k Kernel, why string, err error) {
	return choose(Available(), name)
}

func choose(kernels []Kernel, name string) (k Kernel, why string, err error) {
	var names []string
	for _, k := range kernels {
		names = append(names, k.Name)
		if name != "" && k.Name != name {
			continue
		}
		failed := SelfTest(k)
		switch {
		case failed == nil && name == "":
			return k, why + k.Name + " is the best kernel for this CPU (" + describe(detect()) + ")", nil
		case failed == nil:
			return k, k.Name + " was asked for", nil
		case name != "":
			return Kernel{}, "", failed
		}
		why += failed.Error() + "; "
	}
	if name != "" {
		return Kernel{}, "", fmt.Errorf("%w: %q; there are %s", ErrUnknown, name, strings.Join(names, ", "))
	}
	return Kernel{}, "", fmt.Errorf("%w: none is left: %s", ErrSelfTest, why)
}

func describe(cpu features) string {
	if cpu.sha {
		return "it has SHA extensions"
	}
	return "it has no SHA extensions"
}

// SelfTest compares a kernel with crypto/sha256 on messages of all lengths up to
// two blocks, so with the digits in each word of the last block, on either side of
// a block's border and on it: hits at each place of a batch, and batches without
// one. Errors are ErrSelfTest.
func SelfTest(k Kernel) error {
	for length := range 130 {
		prefix := []byte(strings.Repeat("self-test ", 13)[:length])
		w := NewWork(prefix, 4, 1)
		scanner := k.NewScanner(w)
		const batch = 257
		for first := uint64(0); first < 1024; first += batch {
			want := reference(w, first, batch)
			if got := scanner.Scan(first, batch); got != want {
				return fmt.Errorf("%w: %s found candidate %d instead of %d behind a prefix of %d bytes",
					ErrSelfTest, k.Name, got, want, length)
			}
		}
	}
	return nil
}

// reference is Scan by crypto/sha256.
func reference(w *Work, first uint64, count int) int {
	for i := range count {
		if Verify(w, first+uint64(i)) {
			return i
		}
	}
	return -1
}

// Verify checks one candidate with crypto/sha256, whose code no kernel shares.
func Verify(w *Work, candidate uint64) bool {
	sum := sha256.Sum256(fmt.Appendf(append([]byte(nil), w.Prefix...), "%0*d", w.Digits, candidate))
	for i := range w.Difficulty {
		if sum[i/2]>>(4-4*(i%2))&0xF != 0 {
			return false
		}
	}
	return true
}
