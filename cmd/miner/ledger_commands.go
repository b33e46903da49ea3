package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"lode/api/peer"
	"lode/chain"
	"lode/chain/store"
)

// checkingGCPercent is how much garbage may gather while a whole chain is checked,
// in percent of what is in use, which is little then. A twentieth of the time is
// saved by it, and at most some 200 MB are taken.
const checkingGCPercent = 400

// withChain opens the ledger that the flags name, hands it to use and closes
// it. r tells how far that is.
func withChain(ctx context.Context, o options, r reporter, use func(*chain.Chain) error) (err error) {
	return withStore(ctx, o, r, func(_ *store.DB, c *chain.Chain) error { return use(c) })
}

// withStore is withChain for who needs to know about the database below, too.
func withStore(ctx context.Context, o options, r reporter, use func(*store.DB, *chain.Chain) error) (err error) {
	if err := o.checkStore(); err != nil {
		return err
	}
	db, c, err := openChain(ctx, o, r)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := c.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("closing %s: %w", o.database(), closeErr)
		}
	}()
	return use(db, c)
}

// openChain opens or makes the database and the ledger in it.
func openChain(ctx context.Context, o options, r reporter) (*store.DB, *chain.Chain, error) {
	bar := r.progress("checking "+o.database(), 0)
	db, err := store.OpenContext(ctx, o.database(), bar.set)
	bar.end()
	if err != nil {
		return nil, nil, err // names the file
	}
	c, err := chain.Open(chain.Config{Store: db, Difficulty: o.difficulty, RefuseReplays: o.refuse})
	if err != nil {
		_ = db.Close() // the first error is the one that counts
		return nil, nil, fmt.Errorf("%s: %w", o.database(), err)
	}
	return db, c, nil
}

// classicArgument is the text file that a command line names, or the node's own.
func classicArgument(o options, args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return o.classicPath()
}

// mustExist refuses a file that isn't there, before anything is made beside it.
func mustExist(path string) error {
	_, err := os.Stat(path)
	return err
}

// storeCommand is a command that works on a node's files while it doesn't run.
func storeCommand(use, short, long string, run func(cmd *cobra.Command, o options, args []string) error) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long + "\nThe node must not be running.",
		RunE: func(cmd *cobra.Command, args []string) error {
			err := run(cmd, o, args)
			if cmd.Context().Err() != nil && errors.Is(err, cmd.Context().Err()) {
				return errCutShort
			}
			return err
		},
	}
	o.bindStore(cmd.Flags())
	return cmd
}

func newExportCommand() *cobra.Command {
	cmd := storeCommand("export [FILE]", "Write the chain, open transactions and peers as the original's text file",
		`export writes the node's chain, open transactions and peers in the exact format
of the original node's text file. Without FILE it is basicBlockChain<port>.txt
in the data folder. A file that is there is replaced unless it holds more blocks.`, export)
	cmd.Args = cobra.MaximumNArgs(1)
	return cmd
}

func export(cmd *cobra.Command, o options, args []string) error {
	path := classicArgument(o, args)
	if err := mustExist(o.database()); err != nil {
		return err
	}
	r := newReporter(cmd.ErrOrStderr(), slog.LevelInfo)
	return withChain(cmd.Context(), o, r, func(c *chain.Chain) error {
		if err := writeClassic(cmd.Context(), c, path, r); err != nil {
			return err
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "wrote %d blocks to %s\n", c.Tip().Height+1, path)
		return err
	})
}

func newImportCommand() *cobra.Command {
	cmd := storeCommand("import [FILE]", "Verify the original's text file and take it over if its chain is longer",
		`import verifies a text file of the original node from its first block on. If its
chain is longer than the database's, it replaces it; its open transactions and
peers are added. Without FILE it is basicBlockChain<port>.txt in the data
folder.`, importClassic)
	cmd.Args = cobra.MaximumNArgs(1)
	return cmd
}

func importClassic(cmd *cobra.Command, o options, args []string) error {
	path := classicArgument(o, args)
	if err := mustExist(path); err != nil {
		return err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(checkingGCPercent))
	r := newReporter(cmd.ErrOrStderr(), slog.LevelInfo)
	return withChain(cmd.Context(), o, r, func(c *chain.Chain) error {
		network := peer.New(peer.Config{Ledger: c, Logger: r.log})
		if err := takeOverClassic(cmd.Context(), c, network, path, r); err != nil {
			return err
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "height %d, tip %s\n", c.Tip().Height, c.Tip().Hash)
		return err
	})
}

func newVerifyCommand() *cobra.Command {
	cmd := storeCommand("verify", "Check every block, signature and balance of the database from the first block on",
		`verify checks every block from the first one on as if a peer had sent it, the
open transactions, and that the balances are the sums of the blocks.`, verify)
	cmd.Args = cobra.NoArgs
	return cmd
}

func verify(cmd *cobra.Command, o options, _ []string) error {
	path := o.database()
	if err := mustExist(path); err != nil {
		return err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(checkingGCPercent))
	r := newReporter(cmd.ErrOrStderr(), slog.LevelInfo)
	return withChain(cmd.Context(), o, r, func(c *chain.Chain) error {
		bar := r.progress("verifying "+path, 0)
		err := c.Verify(cmd.Context(), bar.set)
		bar.end()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d blocks are valid, tip %s\n", path, c.Tip().Height+1, c.Tip().Hash)
		return err
	})
}
