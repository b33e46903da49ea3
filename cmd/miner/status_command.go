package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"lode/api/client"
)

func newStatusCommand() *cobra.Command {
	cmd := remoteCommand("status", "Ask a running node what it is and does",
		`status prints where a node's chain stands, its peers and its mining, as far as the node
shows them: on other machines it does so to those alone who have its token.`,
		func(cmd *cobra.Command, r *remote, _ []string) error {
			return askNode(cmd, r, http.MethodGet, "/v1/status", nil, func(out io.Writer, s client.Status) {
				writeStatus(out, r.base(), s)
			})
		})
	cmd.Args = cobra.NoArgs
	cmd.Example = `  miner status
  miner status --url https://node.example:5000 --api-token-file token.txt --json`
	return cmd
}

func writeStatus(out io.Writer, url string, s client.Status) {
	fmt.Fprintf(out, "node\t%s, version %s\n", url, plain(s.Version))
	fmt.Fprintf(out, "height\t%d\n", s.Height)
	fmt.Fprintf(out, "tip\t%s\n", plain(s.Tip))
	fmt.Fprintf(out, "difficulty\t%d\n", s.Difficulty)
	fmt.Fprintf(out, "open\t%d transactions\n", s.OpenTransactions)
	if s.Conflict {
		fmt.Fprintf(out, "conflict\tyes: a peer is ahead; `miner peers resolve` takes its chain over\n")
	}
	if s.Mining == nil {
		fmt.Fprintf(out, "mining\tshown to those who have the token\n")
		return
	}
	fmt.Fprintf(out, "peers\t%d\n", len(s.Peers))
	writeMining(out, *s.Mining)
}

func writeMining(out io.Writer, m client.Mining) {
	state := "when it is asked to"
	switch {
	case m.Paused:
		state = "paused"
	case m.Continuous:
		state = "without end"
	}
	fmt.Fprintf(out, "mining\t%s, search %s\n", state, plain(m.Search))
	fmt.Fprintf(out, "workers\t%s\n", workersInWords(m.Workers))
	fmt.Fprintf(out, "hash rate\t%s 10s, %s 60s, %s 15m, %s max\n",
		formatRate(m.Rate.TenSeconds), formatRate(m.Rate.Minute), formatRate(m.Rate.Quarter), formatRate(m.Rate.Max))
	for _, d := range m.Devices {
		fmt.Fprintf(out, "device\t%s, %s, %s\n", plain(d.Name), plain(d.State), formatRate(d.Rate))
	}
	fmt.Fprintf(out, "found\t%d blocks, %d searches stale\n", m.Found, m.Stale)
	if m.Mismatches > 0 {
		fmt.Fprintf(out, "FAULT\t%d wrong hashes of a kernel; see the node's log\n", m.Mismatches)
	}
}

// workersInWords counts the workers by their kernels.
func workersInWords(workers []client.Worker) string {
	var kernels []string
	counts := map[string]int{}
	for _, w := range workers {
		if counts[w.Kernel] == 0 {
			kernels = append(kernels, w.Kernel)
		}
		counts[w.Kernel]++
	}
	words := make([]string, 0, len(kernels))
	for _, kernel := range kernels {
		words = append(words, fmt.Sprintf("%d with %s", counts[kernel], plain(kernel)))
	}
	return cmp.Or(strings.Join(words, ", "), "none")
}
