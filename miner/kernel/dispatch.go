package kernel

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// ErrUnknown is a kernel name that doesn't exist.
var ErrUnknown = errors.New("there is no kernel of that name")

// ErrSelfTest is a kernel that computes wrongly on this machine.
var ErrSelfTest = errors.New("the kernel failed its self-test")

// features are what of the CPU decides; the fields are read once. The system
// keeps the registers of those that it reports.
type features struct {
	sha    bool // SHA extensions: SHA-NI on amd64, SHA2 on arm64
	avx    bool
	avx2   bool
	avx512 bool // with all widths and 8-bit to 64-bit elements: F, VL, BW
}

func detect() features {
	return features{
		sha:    cpuid.CPU.Supports(cpuid.SHA) || cpuid.CPU.Supports(cpuid.SHA2),
		avx:    cpuid.CPU.Supports(cpuid.AVX),
		avx2:   cpuid.CPU.Supports(cpuid.AVX, cpuid.AVX2),
		avx512: cpuid.CPU.Supports(cpuid.AVX, cpuid.AVX2, cpuid.AVX512F, cpuid.AVX512VL, cpuid.AVX512BW),
	}
}

// String lists them for people.
func (f features) String() string {
	var names []string
	for _, feature := range []struct {
		has  bool
		name string
	}{{f.sha, "SHA extensions"}, {f.avx512, "AVX-512"}, {f.avx2, "AVX2"}} {
		if feature.has {
			names = append(names, feature.name)
		}
	}
	if names == nil {
		return "no SHA extensions and no wide vectors"
	}
	return strings.Join(names, ", ")
}

// Available are the kernels of this machine, those first that are expected to be
// the best. The build tag purego leaves only portable code.
func Available() []Kernel { return available(detect()) }

// available puts libraries before portable code only where they use the SHA
// extensions: elsewhere they are portable code behind a slower interface.
func available(cpu features) []Kernel {
	if cpu.sha {
		return slices.Concat(assembled(cpu), libraries(), []Kernel{Generic()})
	}
	return slices.Concat(assembled(cpu), []Kernel{Generic()}, libraries())
}

// Select returns the kernel of a name, or the best one if name is empty, and
// says in words why. The kernel has passed SelfTest. A kernel that fails it is
// passed over, and why says so; a named one is ErrUnknown or ErrSelfTest. Where
// several could be the best, they are measured, in less than 100 ms.
func Select(name string) (k Kernel, why string, err error) {
	cpu := detect()
	if name != "" {
		return named(available(cpu), name)
	}
	k, why, err = best(available(cpu), len(assembled(cpu)))
	if err != nil {
		return Kernel{}, "", err
	}
	return k, fmt.Sprintf("%s (this CPU has %s)", why, cpu), nil
}

func named(kernels []Kernel, name string) (k Kernel, why string, err error) {
	var names []string
	for _, k := range kernels {
		if k.Name == name {
			if err := SelfTest(k); err != nil {
				return Kernel{}, "", err
			}
			return k, "it was asked for", nil
		}
		names = append(names, k.Name)
	}
	return Kernel{}, "", fmt.Errorf("%w: %q; there are %s", ErrUnknown, name, strings.Join(names, ", "))
}

// best is the fastest of the first kernels that pass their self-test, contenders
// of them, or else the first of the others that does.
func best(kernels []Kernel, contenders int) (k Kernel, why string, err error) {
	var passed []Kernel
	var failures []string
	for i, k := range kernels {
		if i >= contenders && len(passed) > 0 {
			break
		}
		if err := SelfTest(k); err != nil {
			failures = append(failures, err.Error())
			continue
		}
		passed = append(passed, k)
	}
	switch len(passed) {
	case 0:
		return Kernel{}, "", fmt.Errorf("%w: none is left: %s", ErrSelfTest, strings.Join(failures, "; "))
	case 1:
		k, why = passed[0], "it is the best one here"
	default:
		k, why = fastest(passed)
	}
	return k, strings.Join(append(failures, why), "; "), nil
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
