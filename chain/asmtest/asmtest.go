// Package asmtest has what tests of assembly need: what the CPU can do by the system's
// account, and memory whose neighbours can't be read.
package asmtest

import (
	"os"
	"strings"
	"testing"
)

// CPUFlags are the names that Linux has for what the CPU can do, "avx2" for instance. On
// other systems, which don't tell, the test ends as skipped.
func CPUFlags(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skipf("this system doesn't tell: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "flags" {
			return strings.Fields(value)
		}
	}
	t.Fatal("/proc/cpuinfo has no flags")
	return nil
}
