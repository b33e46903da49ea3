package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// Bounds of a LedgerPlan.
const (
	MaxLength = 10_000_000 // blocks
	MaxRounds = 1000
)

// LedgerPlan says what MeasureLedger measures.
type LedgerPlan struct {
	Lengths []int64  // of the chains, in blocks on top of genesis; ratios are to the first one
	Folder  string   // keeps the chains, and copies of them while it is measured
	Rounds  int      // of each cost; what takes whole runs of the program has three at most
	Costs   []string // of CostNames; none = all

	Payments int // in each block; 0 = 1
	KeyBits  int // of the wallets' RSA keys; 0 = 1024, as the original's

	// Program is this program with other arguments. It ends with ctx.
	Program func(ctx context.Context, arguments ...string) *exec.Cmd
	// Progress is told how much of a task is done; nil is fine.
	Progress func(task string, done, total int64)
}

// CostNames name what can be measured.
func CostNames() (names []string) {
	for _, p := range probes() {
		names = append(names, p.name)
	}
	return names
}

func (p LedgerPlan) check() error {
	switch {
	case len(p.Lengths) == 0:
		return fmt.Errorf("%w: no length of a chain", ErrPlan)
	case slices.Min(p.Lengths) < 1 || slices.Max(p.Lengths) > MaxLength:
		return fmt.Errorf("%w: chains of %v blocks, from 1 to %d", ErrPlan, p.Lengths, MaxLength)
	case p.Rounds < 1 || p.Rounds > MaxRounds:
		return fmt.Errorf("%w: %d rounds, from 1 to %d", ErrPlan, p.Rounds, MaxRounds)
	case p.Program == nil:
		return fmt.Errorf("%w: no program", ErrPlan)
	}
	for _, name := range p.Costs {
		if !slices.Contains(CostNames(), name) {
			return fmt.Errorf("%w: cost %q; there are %s", ErrPlan, name, strings.Join(CostNames(), ", "))
		}
	}
	return p.chain(slices.Max(p.Lengths)).check()
}

func (p LedgerPlan) progress(task string, done, total int64) {
	if p.Progress != nil {
		p.Progress(task, done, total)
	}
}

// chosen are the probes that the plan wants, those of the program or those in this
// process.
func (p LedgerPlan) chosen(ofProgram bool) (list []probe) {
	for _, one := range probes() {
		if one.ofProgram == ofProgram && (len(p.Costs) == 0 || slices.Contains(p.Costs, one.name)) {
			list = append(list, one)
		}
	}
	return list
}

// chain is the chain of a length: as the original's nodes would have made it, but for
// the proofs, which cost nothing. Short chains have no more wallets than blocks.
func (p LedgerPlan) chain(length int64) ChainPlan {
	wallets := int(min(length, DefaultWallets))
	return ChainPlan{Blocks: length, Payments: cmp.Or(p.Payments, 1), Wallets: wallets, KeyBits: cmp.Or(p.KeyBits, 1024), Seed: 1, Difficulty: easy}
}

// MeasureLedger measures what the ledger's operations cost at several lengths of the
// chain, in alternating rounds. Chains that are missing in the folder are made first,
// which takes long. Errors are ErrPlan, ctx's when it ends, and whatever an operation
// answers that it must not.
func MeasureLedger(ctx context.Context, plan LedgerPlan) (report LedgerReport, err error) {
	if err := plan.check(); err != nil {
		return LedgerReport{}, err
	}
	if err := os.MkdirAll(plan.Folder, 0o700); err != nil {
		return LedgerReport{}, err
	}
	work, err := os.MkdirTemp(plan.Folder, "work-*")
	if err != nil {
		return LedgerReport{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	ledgers, err := prepare(ctx, plan, work)
	if err != nil {
		return LedgerReport{}, err
	}
	costs, err := measureProgram(ctx, plan, ledgers)
	if err != nil {
		return LedgerReport{}, err
	}
	inProcess, err := measureNodes(ctx, plan, ledgers)
	if err != nil {
		return LedgerReport{}, err
	}
	return newLedgerReport(plan, append(inProcess, costs...))
}

// prepare makes what is missing and copies it.
func prepare(ctx context.Context, plan LedgerPlan, work string) (ledgers []*ledger, err error) {
	for _, length := range plan.Lengths {
		l, err := newLedger(ctx, plan, work, plan.chain(length))
		if err != nil {
			return nil, fmt.Errorf("the chain of %d blocks: %w", length, err)
		}
		ledgers = append(ledgers, l)
	}
	return ledgers, nil
}

// probe measures some figures of one ledger, once in each round.
type probe struct {
	name      string
	ofProgram bool // it runs the program; else it asks a node in this process
	figures   []figure
	measure   func(ctx context.Context, plan LedgerPlan, l *ledger) ([]float64, error) // in the figures' order; NaN where this system doesn't tell
}

type figure struct{ name, unit string }

func probes() []probe {
	return []probe{
		{"append", false, []figure{{"append", "us"}, {"bare bbolt commit", "us"}}, measureAppend},
		{"balance", false, []figure{{"GET /balance", "us"}}, measureBalance},
		{"page", false, []figure{{fmt.Sprintf("GET /v1/blocks, %d of them", pageBlocks), "us"}}, measurePage},
		{"payment", false, []figure{{"POST /transaction", "us"}}, measurePayment},
		{"start", true, []figure{
			{"start to first answer", "s"}, {"start, VmRSS", "MB"}, {"start, VmHWM", "MB"}, {"start, RssAnon", "MB"},
			{"GET /chain", "MB/s"}, {"GET /chain, growth of VmHWM", "MB"}, {"GET /chain, growth of RssAnon", "MB"},
		}, measureStart},
		{"verify", true, []figure{
			{"raw verification, one core", "1/s"}, {"raw verification, all cores", "1/s"},
			{"verify", "1/s"}, {"verify / (raw of one core x cores)", ""},
		}, measureVerify},
		{"import", true, []figure{{"import", "1/s"}, {"import / (raw of one core x cores)", ""}}, measureImport},
	}
}

// measureProgram measures what runs the program, while no other process has the
// databases open.
func measureProgram(ctx context.Context, plan LedgerPlan, ledgers []*ledger) ([]Cost, error) {
	plan.Rounds = min(plan.Rounds, 3)
	return rotate(ctx, plan, plan.chosen(true), ledgers)
}

// measureNodes measures what nodes in this process do, one for each ledger.
func measureNodes(ctx context.Context, plan LedgerPlan, ledgers []*ledger) (costs []Cost, err error) {
	chosen := plan.chosen(false)
	if len(chosen) == 0 {
		return nil, nil
	}
	for i, l := range ledgers {
		plan.progress("opening", int64(i), int64(len(ledgers)))
		if err := l.open(ctx); err != nil {
			return nil, errors.Join(err, closeAll(ledgers))
		}
	}
	costs, err = rotate(ctx, plan, chosen, ledgers)
	return costs, errors.Join(err, closeAll(ledgers))
}

func closeAll(ledgers []*ledger) (err error) {
	for _, l := range ledgers {
		err = errors.Join(err, l.close())
	}
	return err
}

// rotate measures each probe in rounds, and in each round every ledger.
func rotate(ctx context.Context, plan LedgerPlan, list []probe, ledgers []*ledger) (costs []Cost, err error) {
	total := int64(plan.Rounds * len(ledgers))
	for _, p := range list {
		samples := make([][][]float64, len(ledgers)) // by ledger, figure and round
		for i := range samples {
			samples[i] = make([][]float64, len(p.figures))
		}
		for done := range total {
			plan.progress("measuring "+p.name, done, total)
			i := done % int64(len(ledgers))
			runtime.GC() // what the one before left costs the next one nothing
			values, err := p.measure(ctx, plan, ledgers[i])
			if err != nil {
				return nil, fmt.Errorf("%s at %d blocks: %w", p.name, ledgers[i].chain.Blocks, err)
			}
			for f, value := range values {
				samples[i][f] = append(samples[i][f], value)
			}
		}
		costs = append(costs, p.costs(samples)...)
	}
	return costs, nil
}

// costs are the medians.
func (p probe) costs(samples [][][]float64) (costs []Cost) {
	for f, figure := range p.figures {
		var values []float64
		for _, ofLedger := range samples {
			values = append(values, median(ofLedger[f]))
		}
		costs = append(costs, newCost(figure, values))
	}
	return costs
}
