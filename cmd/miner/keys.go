package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"lode/api/client"
	"lode/chain"
	"lode/miner"
)

// keyHelp says which keys there are.
const keyHelp = "keys: h workers, s results, c peers, p pause, r resume, q quit"

// runKeys reads keys from the terminal that the node was started in, if there is one,
// until ctx ends.
func (n *node) runKeys(ctx context.Context) error {
	if n.keyboard == nil {
		return nil
	}
	n.console.show(func(out io.Writer) { fmt.Fprintln(out, keyHelp) })
	return n.keyboard.Run(ctx, n.press)
}

// press does what a key stands for.
func (n *node) press(key byte) {
	switch key {
	case 'h':
		n.console.show(func(out io.Writer) { writeWorkers(out, n.engine.Workers(), n.engine.Devices()) })
	case 's':
		n.console.show(func(out io.Writer) { writeResults(out, n.results()) })
	case 'c':
		n.console.show(func(out io.Writer) { writePeers(out, n.peerTable()) })
	case 'p':
		n.control.Pause()
		n.log.Info("mining is paused; r resumes it")
	case 'r':
		n.control.Resume()
		n.log.Info("mining goes on")
	case 'q':
		n.log.Info("stopping")
		n.stop()
	case '\r', '\n', ' ': // somebody makes room
	default:
		n.console.show(func(out io.Writer) { fmt.Fprintln(out, keyHelp) })
	}
}

func writeWorkers(out io.Writer, workers []miner.WorkerStatus, devices []miner.DeviceStatus) {
	fmt.Fprintln(out, "WORKER\tCPU\tKERNEL\tRATE 10S\tHASHES")
	for _, w := range workers {
		cpu := "-"
		if w.CPU >= 0 {
			cpu = fmt.Sprint(w.CPU)
		}
		fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%d\n", w.Worker, cpu, w.Kernel, formatRate(w.Rate10s), total(w.Hashes))
	}
	for _, d := range devices {
		fmt.Fprintf(out, "%s\t-\t%s, %s\t%s\t%d\n", plain(d.Name), d.Kernel, d.State, formatRate(d.Rate10s), d.Hashes)
	}
}

// results are what the node's searches and the blocks of others came to.
type results struct {
	Found      uint64
	Expected   float64
	Stale      uint64
	Mismatches uint64
	Ledger     chain.Stats
}

func (n *node) results() results {
	return results{n.miner.Found(), n.expected(), n.miner.Stale(), n.engine.Mismatches(), n.chain.Stats()}
}

// expected is how many blocks as many hashes find on average.
func (n *node) expected() float64 {
	return expectedBlocks(hashesOf(n.engine), n.chain.Difficulty())
}

func expectedBlocks(hashes uint64, difficulty int) float64 {
	return float64(hashes) / miner.ExpectedCandidates(difficulty)
}

func writeResults(out io.Writer, r results) {
	fmt.Fprintln(out, "RESULT\tCOUNT\tNOTE")
	fmt.Fprintf(out, "blocks found\t%d\t%.1f expected of so many hashes\n", r.Found, r.Expected)
	fmt.Fprintf(out, "searches stale\t%d\tanother block came first\n", r.Stale)
	fmt.Fprintf(out, "wrong hashes\t%d\t%s\n", r.Mismatches, faultNote(r.Mismatches))
	fmt.Fprintf(out, "blocks accepted\t%d\tof this node and others\n", r.Ledger.BlocksAccepted)
	writeRejected(out, "blocks rejected", r.Ledger.BlocksRejected)
	fmt.Fprintf(out, "payments accepted\t%d\t-\n", r.Ledger.TransactionsAccepted)
	writeRejected(out, "payments rejected", r.Ledger.TransactionsRejected)
	fmt.Fprintf(out, "reorganisations\t%d\tthe deepest took back %d blocks\n", r.Ledger.Reorgs, r.Ledger.DeepestReorg)
}

func faultNote(mismatches uint64) string {
	if mismatches > 0 {
		return "FAULT: the log names the kernel"
	}
	return "as it should be"
}

func writeRejected(out io.Writer, what string, byReason map[string]uint64) {
	if len(byReason) == 0 {
		fmt.Fprintf(out, "%s\t0\t-\n", what)
		return
	}
	reasons := make([]string, 0, len(byReason))
	for reason := range byReason {
		reasons = append(reasons, reason)
	}
	slices.SortFunc(reasons, func(a, b string) int { return cmp.Or(cmp.Compare(byReason[b], byReason[a]), cmp.Compare(a, b)) })
	for _, reason := range reasons {
		fmt.Fprintf(out, "%s\t%d\t%s\n", what, byReason[reason], reason)
	}
}

// peerTable are the peers as GET /v1/peers has them.
func (n *node) peerTable() client.Peers {
	list := client.Peers{Peers: n.network.List()}
	for _, p := range n.peerStates() {
		list.States = append(list.States, client.Peer(p))
	}
	return list
}
