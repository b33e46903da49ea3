package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
)

// LedgerReport is what MeasureLedger measured. Its JSON is stable: fields are only
// added.
type LedgerReport struct {
	Machine  Machine `json:"machine"`
	System   string  `json:"system"` // as Go names it, with the release of Go
	KeyBits  int     `json:"key_bits"`
	Payments int     `json:"payments"` // in each block
	Wallets  int     `json:"wallets"`  // of the longest chain
	Rounds   int     `json:"rounds"`
	Lengths  []int64 `json:"lengths"` // of the chains, in blocks on top of genesis
	Costs    []Cost  `json:"costs"`
}

// Cost is one figure at each length. What the system doesn't tell is nil.
type Cost struct {
	Name   string     `json:"name"`
	Unit   string     `json:"unit"` // empty for a fraction
	Values []*float64 `json:"values"`
	Ratios []*float64 `json:"ratios"` // to the value at the first length
}

// newCost computes the ratios. A value that is NaN is none.
func newCost(of figure, values []float64) Cost {
	c := Cost{Name: of.name, Unit: of.unit}
	for _, value := range values {
		c.Values = append(c.Values, unlessNone(value))
		c.Ratios = append(c.Ratios, unlessNone(value/values[0]))
	}
	return c
}

func unlessNone(value float64) *float64 {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return nil
	}
	value = rounded(value)
	return &value
}

func newLedgerReport(plan LedgerPlan, costs []Cost) (LedgerReport, error) {
	cpus, err := workplaces(runtime.NumCPU())
	if err != nil {
		return LedgerReport{}, err
	}
	of := plan.chain(slices.Max(plan.Lengths))
	return LedgerReport{
		Machine: machine(numbered(cpus)), System: fmt.Sprintf("%s/%s, %s", runtime.GOOS, runtime.GOARCH, runtime.Version()),
		KeyBits: of.KeyBits, Payments: of.Payments, Wallets: of.Wallets,
		Rounds: plan.Rounds, Lengths: plan.Lengths, Costs: costs,
	}, nil
}

// WriteJSON writes the report as one JSON object on a line.
func (r LedgerReport) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// WriteTable writes the report for people: the values at each length, then their ratios
// to those at the first.
func (r LedgerReport) WriteTable(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s (%s), CPUs allowed: %d, GOMAXPROCS %d, %s\n",
		r.Machine.CPU, strings.Join(r.Machine.Features, " "), len(r.Machine.CPUsAllowed), r.Machine.GOMAXPROCS, r.System)
	fmt.Fprintf(&text, "payments in a block: %d, wallets: %d, RSA keys of %d bits, rounds: %d\n\n", r.Payments, r.Wallets, r.KeyBits, r.Rounds)
	head := []string{"COST", "UNIT"}
	for _, length := range r.Lengths {
		head = append(head, fmt.Sprint(length))
	}
	for _, length := range r.Lengths[1:] {
		head = append(head, fmt.Sprint("X ", length))
	}
	rows := [][]string{head}
	for _, c := range r.Costs {
		rows = append(rows, c.row())
	}
	writeAligned(&text, rows, 0, 1)
	_, err := io.WriteString(w, text.String())
	return err
}

func (c Cost) row() []string {
	row := []string{c.Name, c.Unit}
	for _, value := range append(slices.Clone(c.Values), c.Ratios[1:]...) {
		row = append(row, legible(value))
	}
	return row
}

// legible is a number with three digits or more.
func legible(value *float64) string {
	switch {
	case value == nil:
		return none
	case math.Abs(*value) >= 100:
		return fmt.Sprintf("%.0f", *value)
	case math.Abs(*value) >= 10:
		return fmt.Sprintf("%.1f", *value)
	case math.Abs(*value) >= 1:
		return fmt.Sprintf("%.2f", *value)
	}
	return fmt.Sprintf("%.3f", *value)
}
