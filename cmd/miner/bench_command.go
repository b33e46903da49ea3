package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lode/bench"
	"lode/chain/atomicfile"
)

// errInterrupted is a benchmark that a signal ended: half of one compares nothing.
var errInterrupted = errors.New("interrupted before everything was measured")

// Bounds of --seconds: below it a slice of a case is shorter than a few batches.
const (
	minSeconds = 0.01
	maxSeconds = 3600
)

// allWorkers in --workers is as many as the machine allows.
const allWorkers = "all"

// benchOptions are the flags of miner bench.
type benchOptions struct {
	seconds  float64
	kernels  []string
	workers  []string
	prefixes []string
	gpu      gpuOptions
	json     bool
	file     string
}

func newBenchCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine's kernels are, and how near to its limit",
		Long: `bench measures in alternating rounds, and prints the medians: each kernel alone in
one thread (no workers), and in the search engine with its workers, behind short
and long prefixes, behind one whose proofs reach over a block's border, and with
long proofs; miners that hash the whole message for each proof; and the limit of
the CPU's unit for SHA-256. A kernel's rate counts only if it finds proofs that
crypto/sha256 knows.

OF LIMIT compares with the limit on as many CPUs at once. X CRYPTO is how many times
as fast each worker is as one thread with crypto/sha256 behind the same prefix.

With --gpu it measures GPUs, too: each by itself, in an engine, and beside as many
workers as the largest engine has, of the first kernel of --kernels; and the time from
the cancellation of a search to the device's answer in the next one. OF BOUND compares
with what an NVIDIA GPU's arithmetic units can do at the clock that nvidia-smi tells.

Stop other programs, a node too, before you measure.`,
		Example: `  miner bench
  miner bench --kernels sha-ni,generic --workers 1 --seconds 5
  miner bench --json > bench.json
  miner bench --gpu
  miner bench --gpu=0,1 --kernels avx2 --prefix 66`,
		Args: o.arguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBench(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.Float64Var(&o.seconds, "seconds", 1, "time to measure each case, in all rounds together")
	flags.StringSliceVar(&o.kernels, "kernels", nil, "kernels by name; empty = all of this machine")
	flags.StringSliceVar(&o.workers, "workers", []string{"1", allWorkers}, "how many workers an engine has, each number in turn; all = as many as the machine allows")
	flags.StringSliceVar(&o.prefixes, "prefix", []string{"66", "4096"}, "lengths of the message before the proof, in bytes; long proofs are measured behind the first one")
	o.gpu.bindMeasured(flags)
	flags.BoolVar(&o.json, "json", false, "print one JSON object instead of the table")
	flags.StringVar(&o.file, "json-file", "", "write the JSON object to this file, too")
	cmd.AddCommand(newBenchLedgerCommand())
	return cmd
}

// arguments refuses all. Who writes a value of --gpu behind a space hears of it.
func (o *benchOptions) arguments(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && cmd.Flags().Changed("gpu") && o.gpu.use == gpuAuto {
		return fmt.Errorf("--gpu %s: write --gpu=%s", args[0], args[0])
	}
	return cobra.NoArgs(cmd, args)
}

// runBench prints what was measured even if some cases failed, and returns their
// error then.
func runBench(ctx context.Context, o benchOptions, out, messages io.Writer) error {
	plan, err := o.plan()
	if err == nil {
		plan.Devices, err = o.gpu.measured(ctx)
	}
	if err != nil {
		return err
	}
	bar := newReporter(messages, slog.LevelInfo).progress("measuring", 0)
	plan.Progress = func(done, total int) { bar.set(int64(done), int64(total)) }
	report, err := bench.Measure(ctx, plan)
	bar.end()
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil && !errors.Is(err, bench.ErrCase) {
		return err
	}
	write := report.WriteTable
	if o.json {
		write = report.WriteJSON
	}
	return errors.Join(err, write(out), o.writeFile(report))
}

// writeFile writes the JSON object to the file that shall have it.
func (o benchOptions) writeFile(report bench.Report) error {
	if o.file == "" {
		return nil
	}
	return atomicfile.WriteTo(o.file, 0o644, report.WriteJSON)
}

// plan refuses values that the flags' types allow.
func (o benchOptions) plan() (bench.Plan, error) {
	if !(o.seconds >= minSeconds && o.seconds <= maxSeconds) { // nor NaN
		return bench.Plan{}, fmt.Errorf("--seconds %v: must be from %v to %v", o.seconds, minSeconds, maxSeconds)
	}
	plan := bench.Plan{Time: time.Duration(o.seconds * float64(time.Second)), Kernels: o.kernels}
	for _, text := range o.workers {
		count, err := strconv.Atoi(text)
		if text == allWorkers {
			count, err = 0, nil
		}
		if err != nil || count < 0 || count > bench.MaxWorkers {
			return bench.Plan{}, fmt.Errorf("--workers %q: must be a number up to %d, or %s", text, bench.MaxWorkers, allWorkers)
		}
		plan.Workers = append(plan.Workers, count)
	}
	for _, text := range o.prefixes {
		size, err := strconv.Atoi(text)
		if err != nil || size < 1 || size > bench.MaxPrefix {
			return bench.Plan{}, fmt.Errorf("--prefix %q: must be a length from 1 to %d bytes", text, bench.MaxPrefix)
		}
		plan.Prefixes = append(plan.Prefixes, size)
	}
	switch {
	case len(plan.Workers) == 0:
		return bench.Plan{}, errors.New("--workers: there is no number; write a list like 1," + allWorkers)
	case len(plan.Prefixes) == 0:
		return bench.Plan{}, errors.New("--prefix: there is no length; write a list like 66,4096")
	}
	return plan, nil
}

func newBenchLedgerCommand() *cobra.Command {
	var plan bench.LedgerPlan
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Measure what the ledger costs as the chain grows",
		Long: `ledger measures in alternating rounds, at each length of the chain, and prints the
medians with their ratios to the first length:

append    a block with one payment, durable; beside a commit of one key by bbolt alone
balance   GET /balance
page      GET /v1/blocks
payment   POST /transaction
start     a node's start until it answers, its memory, and GET /chain
verify    miner verify, beside crypto/rsa alone
import    miner import, beside crypto/rsa alone

Chains are made when they are missing (see miner generate), which takes about ten
minutes for a million blocks, and stay in --dir. They and the copies that are measured
take 7 GB then. The folder must be on the disk that a node would use.

Stop other programs, a node too, before you measure.`,
		Example: `  miner bench ledger --blocks 1000,100000 --dir ~/.cache/miner-bench
  miner bench ledger --costs append,payment --json > ledger.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBenchLedger(cmd.Context(), plan, asJSON, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.Int64SliceVar(&plan.Lengths, "blocks", []int64{1000, 10_000, 100_000, 1_000_000}, "lengths of the chains; ratios are to the first")
	flags.IntVar(&plan.Payments, "payments", 1, "payments in each block, fewer in the first ones")
	flags.IntVar(&plan.KeyBits, "key-bits", 1024, "size of the wallets' RSA keys; the original's are 1024, this program's 2048")
	flags.StringVar(&plan.Folder, "dir", "bench-ledger", "folder that keeps the chains")
	flags.IntVar(&plan.Rounds, "rounds", 9, "how often each cost is measured; those of whole runs three times at most")
	flags.StringSliceVar(&plan.Costs, "costs", nil, "what to measure: "+strings.Join(bench.CostNames(), ", ")+"; empty = all")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object instead of the table")
	return cmd
}

func runBenchLedger(ctx context.Context, plan bench.LedgerPlan, asJSON bool, out, messages io.Writer) error {
	tell := newReporter(messages, slog.LevelInfo)
	bar := tell.progress("", 0)
	plan.Progress = func(task string, done, total int64) {
		if task != bar.task {
			bar.end()
			bar = tell.progress(task, total)
		}
		bar.set(done, total)
	}
	plan.Program = program
	report, err := bench.MeasureLedger(ctx, plan)
	bar.end()
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case err != nil:
		return err
	case asJSON:
		return report.WriteJSON(out)
	}
	return report.WriteTable(out)
}

// program is this program with other arguments, and without this one's settings from
// the environment. It ends with ctx.
func program(ctx context.Context, arguments ...string) *exec.Cmd {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0] // the way it was started
	}
	command := exec.CommandContext(ctx, path, arguments...) // #nosec G204 G702 -- this very program
	command.Args[0] = os.Args[0]
	command.Env = slices.DeleteFunc(os.Environ(), func(setting string) bool { return strings.HasPrefix(setting, environmentPrefix) })
	return command
}
