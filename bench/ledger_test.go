package bench

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// noProgram is a program that ends at once and does nothing: this test binary, told to
// run no test.
func noProgram(ctx context.Context, _ ...string) *exec.Cmd {
	return exec.CommandContext(ctx, os.Args[0], "-test.run=^$")
}

func TestLedgerPlan(t *testing.T) {
	good := LedgerPlan{Lengths: []int64{1}, Folder: t.TempDir(), Rounds: 1, Program: noProgram}
	for name, spoil := range map[string]func(*LedgerPlan){
		"no length":     func(p *LedgerPlan) { p.Lengths = nil },
		"length of 0":   func(p *LedgerPlan) { p.Lengths = []int64{1, 0} },
		"length of 1e8": func(p *LedgerPlan) { p.Lengths = []int64{100_000_000} },
		"no rounds":     func(p *LedgerPlan) { p.Rounds = 0 },
		"1001 rounds":   func(p *LedgerPlan) { p.Rounds = 1001 },
		"no program":    func(p *LedgerPlan) { p.Program = nil },
		"unknown cost":  func(p *LedgerPlan) { p.Costs = []string{"append", "sleep"} },
	} {
		plan := good
		spoil(&plan)
		if _, err := MeasureLedger(t.Context(), plan); !errors.Is(err, ErrPlan) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMeasureLedger measures really, on chains of few blocks, what needs no program.
func TestMeasureLedger(t *testing.T) {
	folder := t.TempDir()
	var tasks []string
	plan := LedgerPlan{
		Lengths: []int64{2, 5}, Folder: folder, Rounds: 2, Program: noProgram, Costs: []string{"payment", "append", "page", "balance"},
		Progress: func(task string, done, total int64) {
			if done > total {
				t.Errorf("%s: %d of %d", task, done, total)
			}
			if !slices.Contains(tasks, task) {
				tasks = append(tasks, task)
			}
		},
	}
	report, err := MeasureLedger(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range report.Costs {
		names = append(names, c.Name)
		if len(c.Values) != 2 || *c.Values[0] <= 0 || *c.Values[1] <= 0 || *c.Ratios[0] != 1 || c.Unit != "us" {
			t.Errorf("%+v", c)
		}
	}
	want := []string{"append", "bare bbolt commit", "GET /balance", "GET /v1/blocks, 100 of them", "POST /transaction"}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if !slices.Equal(report.Lengths, plan.Lengths) || report.KeyBits != 1024 || report.Wallets != 5 || report.Machine.CPU == "" || report.Rounds != 2 {
		t.Errorf("%+v", report)
	}
	keys := LedgerPlan{Lengths: []int64{3}, Folder: t.TempDir(), Rounds: 1, Costs: []string{"append"}, Program: noProgram, Payments: 2, KeyBits: 1152}
	if report, err = MeasureLedger(t.Context(), keys); err != nil || report.Payments != 2 || report.KeyBits != 1152 {
		t.Errorf("%+v, %v", report, err)
	}
	tasks, plan.Costs = nil, []string{"balance"}
	if report, err = MeasureLedger(t.Context(), plan); err != nil || len(report.Costs) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	// The second time the chains were there. What was measured on is gone.
	want = []string{"opening", "measuring balance"}
	if !slices.Equal(tasks, want) {
		t.Errorf("the tasks were %q, want %q", tasks, want)
	}
	files, err := filepath.Glob(folder + "/*")
	if err != nil || len(files) != 2 || !strings.HasSuffix(files[0], "/blocks=2-payments=1-wallets=2-bits=1024-seed=1-difficulty=1.db") {
		t.Errorf("%q, %v", files, err)
	}
}

// TestProgramThatDoesNothing is no program that is quick.
func TestProgramThatDoesNothing(t *testing.T) {
	folder := t.TempDir()
	for cost, want := range map[string]error{"start": errNoStart, "verify": errOutput, "import": errOutput} {
		plan := LedgerPlan{Lengths: []int64{1}, Folder: folder, Rounds: 1, Costs: []string{cost}, Program: noProgram}
		if report, err := MeasureLedger(t.Context(), plan); !errors.Is(err, want) || len(report.Costs) != 0 {
			t.Errorf("%s: %v", cost, err)
		}
	}
}

// TestMeasureLedgerStops while a chain is made, which then doesn't look like a whole
// one.
func TestMeasureLedgerStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	plan := LedgerPlan{Lengths: []int64{50}, Folder: t.TempDir(), Rounds: 1, Program: noProgram}
	plan.Progress = func(string, int64, int64) { cancel() }
	if _, err := MeasureLedger(ctx, plan); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	files, err := filepath.Glob(plan.Folder + "/*")
	if err != nil || len(files) != 1 || !strings.HasSuffix(files[0], ".part") {
		t.Errorf("%q, %v", files, err)
	}
}

func TestParseMemory(t *testing.T) {
	const status = "Name:\tminer\nVmHWM:\t    3000 kB\nVmRSS:\t    2000 kB\nRssAnon:\t   1000 kB\nThreads:\t5\n"
	if got, want := parseMemory([]byte(status)), (memory{resident: 2.048, peak: 3.072, anonymous: 1.024}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := parseMemory(nil); !math.IsNaN(got.resident) || !math.IsNaN(got.peak) || !math.IsNaN(got.anonymous) {
		t.Errorf("without a file: %+v", got)
	}
}

// inventedLedger is a report of what no machine did.
func inventedLedger() LedgerReport {
	return LedgerReport{
		Machine: Machine{"A CPU", []string{"SHA"}, []int{0, 2}, 2, 0}, System: "plan9/mips, go1.99",
		KeyBits: 1024, Payments: 1, Wallets: 100, Rounds: 9, Lengths: []int64{1000, 1_000_000},
		Costs: []Cost{
			newCost(figure{"append", "us"}, []float64{1234.56, 2469.12}),
			newCost(figure{"start, VmRSS", "MB"}, []float64{math.NaN(), math.NaN()}),
			newCost(figure{"verify / raw", ""}, []float64{0.81234567, 0.25}),
			newCost(figure{"growth", "MB"}, []float64{0, 12.34}),
		},
	}
}

func TestLedgerTable(t *testing.T) {
	const want = `A CPU (SHA), CPUs allowed: 2, GOMAXPROCS 2, plan9/mips, go1.99
payments in a block: 1, wallets: 100, RSA keys of 1024 bits, rounds: 9

COST          UNIT   1000  1000000  X 1000000
append        us     1235     2469       2.00
start, VmRSS  MB        -        -          -
verify / raw        0.812    0.250      0.308
growth        MB    0.000     12.3          -
`
	var text strings.Builder
	if err := inventedLedger().WriteTable(&text); err != nil || text.String() != want {
		t.Errorf("%v:\n%s\nwant\n%s", err, &text, want)
	}
	if err := inventedLedger().WriteTable(fullDisk{}); !errors.Is(err, errFull) {
		t.Error(err)
	}
}

func TestLedgerJSON(t *testing.T) {
	const want = `{"machine":{"cpu":"A CPU","features":["SHA"],"cpus_allowed":[0,2],"gomaxprocs":2},"system":"plan9/mips, go1.99",` +
		`"key_bits":1024,"payments":1,"wallets":100,"rounds":9,"lengths":[1000,1000000],"costs":[` +
		`{"name":"append","unit":"us","values":[1234.56,2469.12],"ratios":[1,2]},` +
		`{"name":"start, VmRSS","unit":"MB","values":[null,null],"ratios":[null,null]},` +
		`{"name":"verify / raw","unit":"","values":[0.8123,0.25],"ratios":[1,0.3078]},` +
		`{"name":"growth","unit":"MB","values":[0,12.34],"ratios":[null,null]}]}` + "\n"
	var text strings.Builder
	if err := inventedLedger().WriteJSON(&text); err != nil || text.String() != want {
		t.Errorf("%v:\n%s\nwant\n%s", err, &text, want)
	}
	var back LedgerReport
	if err := json.Unmarshal([]byte(text.String()), &back); err != nil || *back.Costs[0].Ratios[1] != 2 || back.Costs[1].Values[0] != nil {
		t.Errorf("%+v, %v", back, err)
	}
}

// TestRotation measures every ledger in each round, and takes the median of each.
func TestRotation(t *testing.T) {
	var order []int64
	p := probe{name: "p", figures: []figure{{"a", "us"}, {"b", ""}}, measure: func(_ context.Context, _ LedgerPlan, l *ledger) ([]float64, error) {
		order = append(order, l.chain.Blocks)
		value := float64(len(order))
		return []float64{value * value, -value}, nil
	}}
	ledgers := []*ledger{{chain: ChainPlan{Blocks: 10}}, {chain: ChainPlan{Blocks: 20}}}
	costs, err := rotate(t.Context(), LedgerPlan{Rounds: 3}, []probe{p}, ledgers)
	if err != nil || !slices.Equal(order, []int64{10, 20, 10, 20, 10, 20}) {
		t.Fatal(err, order)
	}
	for i, want := range [][2]float64{{9, 16}, {-3, -4}} { // rounds 1 3 5 and 2 4 6
		if got := [2]float64{*costs[i].Values[0], *costs[i].Values[1]}; got != want {
			t.Errorf("%s: %v, want %v", costs[i].Name, got, want)
		}
	}
}
