package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
)

// memory is what a process has of the machine's, in megabytes (10^6 bytes). What the
// system doesn't tell is NaN.
type memory struct {
	resident  float64 // VmRSS, with the pages of mapped files
	peak      float64 // VmHWM, the largest VmRSS
	anonymous float64 // RssAnon, without files: what the program itself takes
}

// readMemory reads the memory of a process as Linux tells it.
func readMemory(pid int) memory {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // elsewhere there is none
	return parseMemory(text)
}

// parseMemory reads lines like "VmRSS:	  1234 kB", which are 1024 bytes each; see
// proc_pid_status(5).
func parseMemory(text []byte) memory {
	m := memory{math.NaN(), math.NaN(), math.NaN()}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var name string
		var kilobytes float64
		if n, _ := fmt.Sscanf(lines.Text(), "%s %f kB", &name, &kilobytes); n != 2 {
			continue
		}
		switch megabytes := kilobytes * 1024 / 1e6; name {
		case "VmRSS:":
			m.resident = megabytes
		case "VmHWM:":
			m.peak = megabytes
		case "RssAnon:":
			m.anonymous = megabytes
		}
	}
	return m
}

// resetPeak makes the peak what is resident now; see proc_pid_clear_refs(5). Where that
// is not allowed, the peak stays that of the start.
func resetPeak(pid int) { _ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) }
