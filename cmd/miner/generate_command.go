package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"lode/bench"
	"lode/chain"
)

// errHasBlocks is a database that a generated chain would be mixed into.
var errHasBlocks = errors.New("the database has blocks already; choose another --port or --data-dir")

// errCutShort is a command that a signal ended. What it has written is valid.
var errCutShort = errors.New("interrupted")

// generateDifficulty makes proofs cost nothing beside signatures.
const generateDifficulty = 1

func newGenerateCommand() *cobra.Command {
	var plan bench.ChainPlan
	cmd := storeCommand("generate", "Make a database with a valid chain of any length, to measure with",
		`generate writes a database as a node would have it: blocks with signed payments
between wallets, rewards, and proofs. The same flags make the same chain on every
machine. It is for benchmarks and tests alone: the wallets' private keys follow from
the seed, so nothing that they own is safe.

Interrupted, it leaves a valid chain that is shorter.`,
		func(cmd *cobra.Command, o options, _ []string) error {
			plan.Difficulty = o.difficulty
			return generate(cmd.Context(), o, plan, cmd.OutOrStdout(), newReporter(cmd.ErrOrStderr(), slog.LevelInfo))
		})
	cmd.Args = cobra.NoArgs
	cmd.Example = `  miner generate --blocks 100000 -p 5000 --data-dir /tmp/long
  miner export -p 5000 --data-dir /tmp/long --difficulty 1`
	flags := cmd.Flags()
	difficulty := flags.Lookup("difficulty")
	difficulty.DefValue = fmt.Sprint(generateDifficulty)
	_ = difficulty.Value.Set(difficulty.DefValue) // it is a number
	flags.Int64Var(&plan.Blocks, "blocks", 0, "blocks on top of the first one")
	flags.IntVar(&plan.Payments, "payments", 1, "payments in each block, fewer in the first ones")
	flags.IntVar(&plan.Wallets, "wallets", bench.DefaultWallets, "wallets that pay each other")
	flags.IntVar(&plan.KeyBits, "key-bits", 1024, "size of the wallets' RSA keys")
	flags.Uint64Var(&plan.Seed, "seed", 1, "another number makes another chain")
	_ = cmd.MarkFlagRequired("blocks") // it is there
	return cmd
}

func generate(ctx context.Context, o options, plan bench.ChainPlan, out io.Writer, r reporter) error {
	generator, err := bench.NewGenerator(ctx, plan)
	switch {
	case ctx.Err() != nil:
		return errCutShort
	case err != nil:
		return err
	}
	if err := os.MkdirAll(o.dataDir, 0o700); err != nil {
		return fmt.Errorf("--data-dir: %w", err)
	}
	return withChain(ctx, o, r, func(c *chain.Chain) error {
		if c.Tip().Height > 0 {
			return fmt.Errorf("%s: %w", o.database(), errHasBlocks)
		}
		bar := r.progress("generating "+o.database(), plan.Blocks)
		_, err := c.Adopt(ctx, watched(ctx, generator.Blocks(ctx), bar.add))
		bar.end()
		if ctx.Err() != nil {
			err = errCutShort
		}
		if err != nil {
			return fmt.Errorf("%s: %d of %d blocks are there: %w", o.database(), c.Tip().Height, plan.Blocks, err)
		}
		_, err = fmt.Fprintf(out, "%s: height %d, tip %s\n", o.database(), c.Tip().Height, c.Tip().Hash)
		return err
	})
}
