package kernel

import (
	"bytes"
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

// Verify checks one candidate with crypto/sha256, whose code no kernel shares.
func Verify(w *Work, candidate uint64) bool {
	sum := sha256.Sum256(w.Digits.Append(bytes.Clone(w.Prefix), candidate))
	for i := range w.Difficulty {
		if sum[i/2]>>(4-4*(i%2))&0xF != 0 {
			return false
		}
	}
	return true
}
