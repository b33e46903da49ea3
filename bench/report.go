package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/cpuid/v2"

	"lode/miner"
)

// Report is what Measure measured. Its JSON is stable: fields are only added.
type Report struct {
	Machine Machine        `json:"machine"`
	Limit   *Limit         `json:"limit"` // nil where the CPU has none, or none is known
	Results []Result       `json:"results"`
	Devices []DeviceReport `json:"devices,omitempty"`
}

// Machine is what it was measured on.
type Machine struct {
	CPU         string   `json:"cpu"`
	Features    []string `json:"features"`        // of those that SHA-256 can use, by the names of package cpuid
	CPUsAllowed []int    `json:"cpus_allowed"`    // by number
	GOMAXPROCS  int      `json:"gomaxprocs"`      // while it was measured
	Quota       float64  `json:"quota,omitempty"` // CPUs' time by the control group; 0 = unlimited
}

// Limit is what the CPU's unit for SHA-256 could do on one core.
type Limit struct {
	Name            string  `json:"name"`
	HashesPerSecond float64 `json:"hashes_per_second"`
}

// Result is one case.
type Result struct {
	Kernel          string  `json:"kernel"`
	Workers         int     `json:"workers"` // of an engine; 0 = one thread without an engine
	PrefixBytes     int     `json:"prefix_bytes"`
	Layout          string  `json:"layout"`            // of the digits
	HashesPerSecond float64 `json:"hashes_per_second"` // of all workers together
	// FractionOfLimit compares with the limit on as many CPUs at once, measured in
	// the same run; nil without a limit.
	FractionOfLimit *float64 `json:"fraction_of_limit"`
	ProofsVerified  int      `json:"proofs_verified"` // that it found, and crypto/sha256 too
	ProofsSHA256    string   `json:"proofs_sha256"`   // of their digits, a line each
}

// String names the case.
func (r Result) String() string {
	return fmt.Sprintf("%s, %s, prefix of %d bytes, %s", r.Kernel, r.workers(), r.PrefixBytes, r.Layout)
}

func (r Result) workers() string {
	if r.Workers == 0 {
		return "no engine"
	}
	return workersText(r.Workers)
}

func workersText(count int) string {
	if count == 1 {
		return "1 worker"
	}
	return fmt.Sprintf("%d workers", count)
}

// machine describes this one.
func machine(allowed []int) Machine {
	m := Machine{CPU: cpuid.CPU.BrandName, Features: []string{}, CPUsAllowed: allowed, GOMAXPROCS: runtime.GOMAXPROCS(0), Quota: miner.Quota()}
	if m.CPU == "" { // some don't tell
		m.CPU = runtime.GOARCH
	}
	for _, feature := range []cpuid.FeatureID{
		cpuid.SHA, cpuid.SSSE3, cpuid.SSE4, cpuid.AVX, cpuid.AVX2, cpuid.AVX512F, cpuid.AVX512VL, cpuid.AVX512BW, // amd64
		cpuid.ASIMD, cpuid.SHA2, cpuid.SVE, // arm64
	} {
		if cpuid.CPU.Supports(feature) {
			m.Features = append(m.Features, feature.String())
		}
	}
	return m
}

// WriteJSON writes the report as one JSON object on a line.
func (r Report) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// WriteTable writes the report for people.
func (r Report) WriteTable(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s (%s), CPUs allowed: %d, GOMAXPROCS %d%s\n", r.Machine.CPU,
		strings.Join(r.Machine.Features, " "), len(r.Machine.CPUsAllowed), r.Machine.GOMAXPROCS, r.Machine.quotaText())
	if r.Limit == nil {
		fmt.Fprint(&text, "no limit of this CPU is known\n\n")
	} else {
		fmt.Fprintf(&text, "limit of one core: %s MH/s (%s)\n\n", megahashes(r.Limit.HashesPerSecond), r.Limit.Name)
	}
	rows := [][]string{{"KERNEL", "WORKERS", "PREFIX", "LAYOUT", "MH/S", "OF LIMIT", "X CRYPTO", "PROOFS", "CHECKSUM"}}
	for _, result := range r.Results {
		rows = append(rows, r.row(result))
	}
	writeAligned(&text, rows, 0, 3)
	for _, d := range r.Devices {
		d.writeTable(&text)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// quotaText is nothing where there is no quota.
func (m Machine) quotaText() string {
	if m.Quota == 0 {
		return ""
	}
	return fmt.Sprintf(", quota of %.2f CPUs", m.Quota)
}

// none stands where a number has no meaning.
const none = "-"

// row is a line of the table.
func (r Report) row(result Result) []string {
	workers, ofLimit, ofCrypto := fmt.Sprint(result.Workers), none, none
	if result.Workers == 0 {
		workers = none
	}
	if result.FractionOfLimit != nil {
		ofLimit = fmt.Sprintf("%.3f", *result.FractionOfLimit)
	}
	if base := r.crypto(result.PrefixBytes); base > 0 {
		each := result.HashesPerSecond / float64(max(1, result.Workers))
		ofCrypto = fmt.Sprintf("%.1f", each/base)
	}
	return []string{result.Kernel, workers, fmt.Sprint(result.PrefixBytes), result.Layout,
		megahashes(result.HashesPerSecond), ofLimit, ofCrypto, fmt.Sprint(result.ProofsVerified), shortened(result.ProofsSHA256)}
}

// shortened is enough of a checksum to compare with another machine's.
func shortened(checksum string) string { return checksum[:min(8, len(checksum))] }

// crypto is the rate of crypto/sha256 behind a prefix of that many bytes; 0 if it
// was not measured.
func (r Report) crypto(prefixBytes int) float64 {
	for _, result := range r.Results {
		if result.Kernel == wholeCrypto && result.PrefixBytes == prefixBytes {
			return result.HashesPerSecond
		}
	}
	return 0
}

func megahashes(hashesPerSecond float64) string { return fmt.Sprintf("%.2f", hashesPerSecond/1e6) }

// writeAligned writes rows with columns as wide as they need. The columns with words,
// not numbers, are aligned at the left.
func writeAligned(w io.Writer, rows [][]string, words ...int) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "  ")
			}
			width := widths[i]
			if slices.Contains(words, i) {
				width = -width
			}
			fmt.Fprintf(w, "%*s", width, cell)
		}
		fmt.Fprintln(w)
	}
}
