package metrics

// Ledger is the state of the chain and what it did since the start. Reasons are
// short names out of a fixed set; one that never occurred may be missing.
type Ledger struct {
	Height               int64
	OpenTransactions     int
	BlocksAccepted       uint64
	BlocksRejected       map[string]uint64 // by reason
	TransactionsAccepted uint64
	TransactionsRejected map[string]uint64 // by reason
	TransactionsRepeated uint64            // of peers, equal to an open or confirmed one
	Reorgs               uint64
	DeepestReorg         int64 // blocks that the deepest one abandoned
}

func ledgerFamilies() []family[Ledger] {
	return []family[Ledger]{
		gauge("chain_height", "Height of the tip; the first block has height 0.",
			func(l Ledger) float64 { return float64(l.Height) }),
		gauge("pool_transactions", "Open transactions.", func(l Ledger) float64 { return float64(l.OpenTransactions) }),
		counter("blocks_accepted_total", "Blocks added to the chain, of this node and of peers.",
			func(l Ledger) uint64 { return l.BlocksAccepted }),
		counters("blocks_rejected_total", "Blocks refused, by the rule that they broke.",
			func(l Ledger, emit emitFunc) { byReason(l.BlocksRejected, emit) }, "reason"),
		counter("transactions_accepted_total", "Transactions added to the open ones.",
			func(l Ledger) uint64 { return l.TransactionsAccepted }),
		counters("transactions_rejected_total", "Transactions refused, by the rule that they broke.",
			func(l Ledger, emit emitFunc) { byReason(l.TransactionsRejected, emit) }, "reason"),
		counter("transactions_repeated_total", "Transactions from peers that equal an open or confirmed one: replays, or honest second payments.",
			func(l Ledger) uint64 { return l.TransactionsRepeated }),
		counter("reorgs_total", "Times that a longer branch replaced blocks of the chain.",
			func(l Ledger) uint64 { return l.Reorgs }),
		gauge("deepest_reorg_blocks", "Most blocks that one reorganisation abandoned.",
			func(l Ledger) float64 { return float64(l.DeepestReorg) }),
	}
}

func byReason(counts map[string]uint64, emit emitFunc) {
	for reason, count := range counts {
		emit(float64(count), reason)
	}
}
