package kernel

import (
	"fmt"
	"strings"
	"time"
)

// Kernels are measured in turns, each for a slice of time in every round; its
// best slice counts, since other programs can only slow it down.
const (
	measureRounds = 3
	measureSlice  = 2 * time.Millisecond
)

// fastest measures kernels and says what it found.
func fastest(kernels []Kernel) (k Kernel, why string) {
	rates := measure(kernels)
	winner := 0
	var said []string
	for i, k := range kernels {
		if rates[i] > rates[winner] {
			winner = i
		}
		said = append(said, fmt.Sprintf("%s %.1f", k.Name, rates[i]/1e6))
	}
	return kernels[winner], "it was the fastest: on one core, in MH/s, " + strings.Join(said, ", ")
}

// Rate is how many candidates a second a kernel does on one core. It takes some
// milliseconds.
func Rate(k Kernel) float64 { return measure([]Kernel{k})[0] }

// Endless is what hash rates are measured with: the layout of a block without payments,
// at a difficulty for which no hash is small enough.
func Endless() *Work {
	return NewWork([]byte(strings.Repeat("f", 66)), Plain(14), maxDifficulty)
}

// measure returns the rates of kernels.
func measure(kernels []Kernel) []float64 {
	rates := make([]float64, len(kernels))
	scanners := make([]Scanner, len(kernels))
	for i, k := range kernels {
		scanners[i] = k.NewScanner(Endless())
	}
	for range measureRounds {
		for i, k := range kernels {
			rates[i] = max(rates[i], rate(scanners[i], k.Batch))
		}
	}
	return rates
}

// rate is how many candidates a second a scanner does in one slice.
func rate(s Scanner, batch int) float64 {
	start := time.Now()
	for done := uint64(0); ; {
		s.Scan(done%1e6, batch)
		done += uint64(batch)
		if elapsed := time.Since(start); elapsed >= measureSlice {
			return float64(done) / elapsed.Seconds()
		}
	}
}
