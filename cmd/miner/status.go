package main

import (
	"os"
	"time"

	"lode/api"
	"lode/api/peer"
	"lode/chain"
	"lode/metrics"
	"lode/miner"
)

// status is what the console shows.
func (n *node) status() nodeStatus {
	open, _ := n.chain.PoolSize()
	s := nodeStatus{
		Height: n.chain.Tip().Height, Age: -1, Pool: open, Peers: len(n.network.List()),
		Rates: n.engine.Rates(), Paused: n.control.State().Paused, Found: n.miner.Found(), Expected: n.expected(),
	}
	if at := n.tipAt.Load(); at != nil {
		s.Age = time.Since(*at)
	}
	// Most peers have nothing new, which is found out at once.
	if incoming, ok := n.network.Incoming(); ok && time.Since(incoming.Since) >= barDelay {
		s.Incoming = &incoming
	}
	for _, d := range n.engine.Devices() {
		s.Devices++
		s.DeviceRate += d.Rate10s
	}
	return s
}

// miningStatus is the body of GET /v1/mining; openapi.json describes it.
func (n *node) miningStatus() map[string]any {
	rates := n.engine.Rates()
	workers := []any{}
	for _, w := range n.engine.Workers() {
		workers = append(workers, map[string]any{"worker": w.Worker, "cpu": w.CPU, "kernel": w.Kernel, "hashes": total(w.Hashes)})
	}
	control := n.control.State()
	return map[string]any{
		"continuous": control.Continuous,
		"paused":     control.Paused,
		"since":      control.Since.UTC().Format(time.RFC3339),
		"search":     n.options.search,
		"workers":    workers,
		"devices":    deviceList(n.engine.Devices()),
		"hashes_per_second": map[string]any{
			"10s": rates.TenSeconds, "60s": rates.Minute, "15m": rates.Quarter, "max": rates.Max,
		},
		"blocks_found":      n.miner.Found(),
		"stale_searches":    n.miner.Stale(),
		"kernel_mismatches": n.engine.Mismatches(),
	}
}

// deviceList is the member "devices" of GET /v1/mining.
func deviceList(devices []miner.DeviceStatus) []any {
	list := []any{}
	for _, d := range devices {
		list = append(list, map[string]any{
			"name": d.Name, "kernel": d.Kernel, "state": string(d.State), "reason": d.Reason,
			"hashes_per_second": d.Rate10s, "hashes": d.Hashes, "scans": d.Scans, "failures": d.Failures, "mismatches": d.Mismatches,
		})
	}
	return list
}

func total(counts map[string]uint64) (all uint64) {
	for _, count := range counts {
		all += count
	}
	return all
}

func (n *node) newMetrics() (*metrics.Metrics, error) {
	cfg := metrics.Config{
		Version: version, Revision: revision(), DownloadResults: downloadResults(),
		Mining: n.miningMetrics, Ledger: n.ledgerMetrics, Network: n.networkMetrics, Events: n.eventsMetrics, Logger: n.log,
	}
	if n.options.index {
		cfg.Index = n.indexMetrics
	}
	return metrics.New(cfg)
}

func downloadResults() (names []string) {
	for _, result := range peer.Results() {
		names = append(names, string(result))
	}
	return names
}

// observeDownload is peer.Config.Downloaded.
func (n *node) observeDownload(d peer.Download) {
	n.metrics.ObserveDownload(string(d.Result), d.Blocks, d.Took)
}

func (n *node) miningMetrics() metrics.Mining {
	control := n.control.State()
	m := metrics.Mining{
		Rates:       metrics.Rates(n.engine.Rates()),
		BlocksFound: n.miner.Found(), StaleSearches: n.miner.Stale(), KernelMismatches: n.engine.Mismatches(),
		StaleHashes: n.engine.StaleHashes(), Continuous: control.Continuous, Paused: control.Paused, Difficulty: n.options.difficulty,
	}
	for _, w := range n.engine.Workers() {
		m.Workers = append(m.Workers, metrics.Worker(w))
	}
	for _, state := range miner.DeviceStates() {
		m.DeviceStates = append(m.DeviceStates, string(state))
	}
	for _, d := range n.engine.Devices() {
		m.Devices = append(m.Devices, metrics.Device{
			Name: d.Name, Kernel: d.Kernel, State: string(d.State), Hashes: d.Hashes, Failures: d.Failures,
		})
	}
	return m
}

func (n *node) ledgerMetrics() metrics.Ledger {
	s := n.chain.Stats()
	open, bytes := n.chain.PoolSize()
	free, size := diskSpace(n.options.dataDir)
	return metrics.Ledger{
		Reasons: chain.Reasons(),
		Height:  n.chain.Tip().Height, OpenTransactions: open, PoolBytes: bytes,
		StoreBytes: fileSize(n.options.database()), DiskFree: free, DiskSize: size,
		BlocksAccepted: s.BlocksAccepted, BlocksRejected: s.BlocksRejected,
		TransactionsAccepted: s.TransactionsAccepted, TransactionsRejected: s.TransactionsRejected,
		TransactionsRepeated: s.TransactionsRepeated, TransactionsDropped: s.TransactionsDropped,
		Reorgs: s.Reorgs, DeepestReorg: s.DeepestReorg,
		BlocksAbandoned: s.BlocksAbandoned, ReorgDepths: s.ReorgDepths,
	}
}

func (n *node) indexMetrics() metrics.Index {
	indexed := n.index.Height() // before the tip is asked: it isn't above that but in a reorganisation
	items := n.index.Items()
	return metrics.Index{
		Behind:  max(0, n.chain.Tip().Height-indexed),
		Entries: map[string]int64{"blocks": items.Blocks, "transactions": items.Transactions, "addresses": items.Addresses},
		Bytes:   fileSize(n.options.indexPath()),
	}
}

// fileSize is 0 for a file that can't be asked.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// peerStates are the states of GET /v1/peers.
func (n *node) peerStates() []api.PeerState {
	var states []api.PeerState
	for _, p := range n.network.Stats() {
		states = append(states, api.PeerState{
			Address: p.Address, State: string(p.State), Reason: p.Reason, SetAsideUntil: p.Until,
			LastError: p.LastError, LastSeen: p.LastSeen,
			Queued: p.Queued, Sent: p.Sent, Failed: p.Failed, Dropped: p.Dropped,
		})
	}
	return states
}

func (n *node) eventsMetrics() metrics.Events {
	return metrics.Events{Streams: n.events.Listeners(), CutOff: n.events.CutOff()}
}

// incoming is the member "incoming" of GET /v1/peers.
func (n *node) incoming() *api.Incoming {
	t, ok := n.network.Incoming()
	if !ok {
		return nil
	}
	return &api.Incoming{Peer: t.Peer, Stage: string(t.Stage), Blocks: t.Blocks, Done: t.Done, Total: t.Total}
}

func (n *node) networkMetrics() metrics.Network {
	network := metrics.Network{Conflict: n.network.Conflict(), Received: n.network.Received()}
	for _, p := range n.network.Stats() {
		network.Peers = append(network.Peers, metrics.Peer{
			Address: p.Address, Queued: p.Queued, Sent: p.Sent, Failed: p.Failed, Dropped: p.Dropped, LastSeen: p.LastSeen,
			State: string(p.State),
		})
	}
	return network
}
