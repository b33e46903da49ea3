package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"lode/api/client"
	"lode/chain"
	"lode/chain/wire"
	"lode/miner"
)

var (
	// errNoProof is the first block, which nobody had to find a proof for.
	errNoProof = errors.New("the first block has no proof of work")
	// errWrongProof is a block whose proof isn't one.
	errWrongProof = errors.New("the block's proof is none")
	// errBlockName is a text that names no block.
	errBlockName = errors.New("--block must be a height from 1 on, or the 64 hex digits of a hash")
)

// hashDigits is the length of a block's hash in hex.
const hashDigits = 64

// task is a block, and what its proof has to be.
type task struct {
	block      wire.Block
	difficulty int
	search     string // the order of candidates that the node uses
}

func newSolveCommand() *cobra.Command {
	var block string
	var r remote
	cmd := &cobra.Command{
		Use: "solve --block N", Short: "Find a block's proof again and compare",
		Long: `solve reads a block from a running node or, if none answers, from the database, checks
its proof, and searches the first proof for the same message in the node's order of
candidates, as a miner would.

A Python node finds the smallest proof: with --search smallest solve finds the same one.
Proofs that others have found may be any; the one that is found need not be the block's,
but it is as good.`,
		Example: `  miner solve --block 12
  miner solve --block 12 --search smallest --workers 1 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := r.task(cmd, block)
			if err != nil {
				return err
			}
			return solve(cmd, &r, t)
		},
	}
	r.bind(cmd)
	cmd.Flags().Lookup("json").Usage = "print one JSON object instead of a table"
	r.bindEngine(cmd.Flags())
	cmd.Flags().IntVar(&r.difficulty, "difficulty", chain.DefaultDifficulty, "hex zeros of a proof, of a database that no node runs on")
	cmd.Flags().StringVar(&block, "block", "", "height or hash of the block")
	_ = cmd.MarkFlagRequired("block") // it is there
	return cmd
}

// task reads the block.
func (r *remote) task(cmd *cobra.Command, name string) (task, error) {
	height, err := strconv.ParseInt(name, 10, 64)
	switch isHash := len(name) == hashDigits; {
	case !isHash && (err != nil || height < 0):
		return task{}, fmt.Errorf("%w, not %q", errBlockName, name)
	case !isHash && height == 0:
		return task{}, errNoProof
	}
	t, err := r.remoteTask(cmd, name)
	if errors.Is(err, client.ErrNoNode) && r.url == "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "no node answers at %s: reading %s\n", r.base(), r.database())
		t, err = r.storedTask(cmd, name, height)
	}
	if err == nil && t.block.Index == 0 {
		err = errNoProof
	}
	if cmd.Flags().Changed("search") || t.search == "" {
		t.search = r.search
	}
	return t, err
}

// remoteTask asks a node for the block.
func (r *remote) remoteTask(cmd *cobra.Command, name string) (t task, err error) {
	text, err := r.call(cmd, http.MethodGet, "/v1/status", nil)
	if err != nil {
		return task{}, err
	}
	status, err := client.Decode[client.Status](text)
	if err != nil {
		return task{}, err
	}
	if t.difficulty = status.Difficulty; t.difficulty < 0 || t.difficulty > hashDigits {
		return task{}, fmt.Errorf("%w: a difficulty of %d", client.ErrForeign, t.difficulty)
	}
	if status.Mining != nil {
		t.search = status.Mining.Search
	}
	if text, err = r.call(cmd, http.MethodGet, escaped("blocks", name), nil); err != nil {
		return task{}, err
	}
	value, err := wire.Decode(text)
	if err != nil {
		return task{}, fmt.Errorf("%w: %w", client.ErrForeign, err)
	}
	members, _ := value.(map[string]any)
	if t.block, err = wire.BlockOf(members["block"]); err != nil {
		return task{}, fmt.Errorf("%w: %w", client.ErrForeign, err)
	}
	return t, nil
}

// storedTask reads the block from the database.
func (r *remote) storedTask(cmd *cobra.Command, name string, height int64) (t task, err error) {
	if err := mustExist(r.database()); err != nil {
		return task{}, err
	}
	t.difficulty = r.difficulty
	return t, withChain(cmd.Context(), r.options, newReporter(cmd.ErrOrStderr(), slog.LevelInfo), func(c *chain.Chain) (err error) {
		if len(name) == hashDigits {
			t.block, err = c.BlockByHash(name)
		} else {
			t.block, err = c.Block(height)
		}
		if err != nil {
			return fmt.Errorf("block %s: %w", name, err)
		}
		return nil
	})
}

// solution is what miner solve prints. Its JSON is stable: fields are only added.
type solution struct {
	Height     int64         `json:"height"`
	Hash       string        `json:"hash"`
	Difficulty int           `json:"difficulty"`
	Proof      client.Amount `json:"proof"` // the block's
	Valid      bool          `json:"valid"`
	Search     string        `json:"search"`
	Found      client.Amount `json:"found"` // the first proof of that order
	Same       bool          `json:"same"`
	Seconds    float64       `json:"seconds"`
	Hashes     uint64        `json:"hashes"` // those that were tried meanwhile
	Rate       float64       `json:"hashes_per_second"`
	With       string        `json:"mining_with"`
}

// solve searches the proof and prints the result, also of a block whose own proof is
// wrong.
func solve(cmd *cobra.Command, r *remote, t task) error {
	mode, err := miner.ParseMode(t.search)
	if err != nil {
		return fmt.Errorf("--search: %w", err)
	}
	tell := newReporter(cmd.ErrOrStderr(), slog.LevelInfo)
	engine, err := r.newEngine(cmd.Context(), newTextLogger(tell.console, slog.LevelWarn))
	if err != nil {
		return err
	}
	prefix := wire.AppendPrefix(nil, t.block.Payments(), t.block.PreviousHash)
	s := solution{
		Height: t.block.Index, Hash: t.block.Hash(), Difficulty: t.difficulty, Search: t.search, With: engine.Describe(),
		Proof: client.Amount{Number: t.block.Proof}, Valid: wire.HasProof(prefix, t.block.Proof, t.difficulty),
	}
	if err := s.search(cmd.Context(), engine, miner.Job{Prefix: prefix, Difficulty: t.difficulty, Mode: mode}, tell); err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encoding the result: %w", err)
	}
	if err := showAnswer(cmd, r, text, writeSolution); err != nil {
		return err
	}
	if !s.Valid {
		return fmt.Errorf("%w: its hash hasn't %d zeros", errWrongProof, t.difficulty)
	}
	return nil
}

// newEngine is one as a node has it.
func (r *remote) newEngine(ctx context.Context, log *slog.Logger) (*miner.Engine, error) {
	cfg, err := r.engine()
	if err != nil {
		return nil, err
	}
	cfg.Logger = log
	if cfg.Devices, err = r.gpu.devices(ctx, log); err != nil {
		return nil, err
	}
	return miner.NewEngine(cfg)
}

// search runs the engine for one job.
func (s *solution) search(ctx context.Context, engine *miner.Engine, job miner.Job, tell reporter) error {
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { // ends with running
		defer close(ended)
		_ = engine.Run(running) // it is always nil
	}()
	stopWatching := watchSearch(engine, tell)
	began := time.Now()
	proof, err := engine.Search(ctx, job)
	s.Seconds = time.Since(began).Seconds()
	stopWatching()
	stop()
	<-ended
	if errors.Is(err, context.Canceled) {
		return errCutShort
	}
	if err != nil {
		return err
	}
	s.Hashes = hashesOf(engine)
	s.Rate = float64(s.Hashes) / s.Seconds
	s.Found, s.Same = client.Amount{Number: proof}, proof == s.Proof.Number
	return nil
}

// hashesOf counts what all workers and devices have computed.
func hashesOf(engine *miner.Engine) (all uint64) {
	for _, w := range engine.Workers() {
		all += total(w.Hashes)
	}
	for _, d := range engine.Devices() {
		all += d.Hashes
	}
	return all
}

// watchSearch counts hashes, if a search takes long, until it is told to stop.
func watchSearch(engine *miner.Engine, tell reporter) (stop func()) {
	bar := tell.progress("searching", 0)
	end := atEach(barInterval, func(context.Context) {
		bar.set(int64(hashesOf(engine)), 0) // nobody knows how many it takes
	})
	return func() {
		end()
		bar.end()
	}
}

func writeSolution(out io.Writer, s solution) {
	validity, comparison := "valid", "the block's own"
	if !s.Valid {
		validity = "WRONG"
	}
	if !s.Same {
		comparison = "another one, which comes first in this order"
	}
	fmt.Fprintf(out, "block\t%d, %s\n", s.Height, s.Hash)
	fmt.Fprintf(out, "difficulty\t%d\n", s.Difficulty)
	fmt.Fprintf(out, "proof\t%s, %s\n", s.Proof, validity)
	fmt.Fprintf(out, "search\t%s\n", s.Search)
	fmt.Fprintf(out, "found\t%s, %s\n", s.Found, comparison)
	fmt.Fprintf(out, "time\t%.3f s, %d hashes, %s\n", s.Seconds, s.Hashes, formatRate(s.Rate))
	fmt.Fprintf(out, "with\t%s\n", s.With)
}
