package metrics

// Ledger is the state of the chain and what it did since the start.
type Ledger struct {
	Reasons []string // all that a block or a transaction may be rejected for: short names

	Height               int64
	OpenTransactions     int
	PoolBytes            int // of the open ones
	BlocksAccepted       uint64
	BlocksRejected       map[string]uint64 // by reason
	TransactionsAccepted uint64
	TransactionsRejected map[string]uint64 // by reason
	TransactionsRepeated uint64            // of peers, equal to an open or confirmed one
	TransactionsDropped  uint64            // open ones that a new tip left without cover or room
	Reorgs               uint64
	DeepestReorg         int64 // blocks that the deepest one abandoned
	BlocksAbandoned      uint64
	ReorgDepths          map[int64]uint64 // by the blocks abandoned, rounded up to a power of two

	StoreBytes         int64  // of the database
	DiskFree, DiskSize uint64 // bytes of the data folder's disk; a size of 0 is unknown
}

func ledgerFamilies() []family[Ledger] {
	return []family[Ledger]{
		gauge("chain_height", "Height of the tip; the first block has height 0.",
			func(l Ledger) float64 { return float64(l.Height) }),
		gauge("pool_transactions", "Open transactions.", func(l Ledger) float64 { return float64(l.OpenTransactions) }),
		gauge("pool_bytes", "Bytes of the open transactions, as they stand in a block's preimage.",
			func(l Ledger) float64 { return float64(l.PoolBytes) }),
		gauge("store_size_bytes", "Size of the database.", func(l Ledger) float64 { return float64(l.StoreBytes) }),
		gauges("disk_free_bytes", "Bytes that the node may still write to the disk of its data folder.", known(func(l Ledger) uint64 { return l.DiskFree })),
		gauges("disk_size_bytes", "Size of the disk of the data folder.", known(func(l Ledger) uint64 { return l.DiskSize })),
		counter("blocks_accepted_total", "Blocks added to the chain, of this node and of peers.",
			func(l Ledger) uint64 { return l.BlocksAccepted }),
		counters("blocks_rejected_total", "Blocks refused, by the rule that they broke.",
			func(l Ledger, emit emitFunc) { byReason(l.Reasons, l.BlocksRejected, emit) }, "reason"),
		counter("transactions_accepted_total", "Transactions added to the open ones.",
			func(l Ledger) uint64 { return l.TransactionsAccepted }),
		counters("transactions_rejected_total", "Transactions refused, by the rule that they broke.",
			func(l Ledger, emit emitFunc) { byReason(l.Reasons, l.TransactionsRejected, emit) }, "reason"),
		counter("transactions_repeated_total", "Transactions from peers that equal an open or confirmed one: replays, or honest second payments.",
			func(l Ledger) uint64 { return l.TransactionsRepeated }),
		counter("transactions_dropped_total", "Open transactions that a new tip left without cover or room, of abandoned blocks, too.",
			func(l Ledger) uint64 { return l.TransactionsDropped }),
		counter("reorgs_total", "Times that a longer branch replaced blocks of the chain.",
			func(l Ledger) uint64 { return l.Reorgs }),
		reorgDepths(),
		gauge("deepest_reorg_blocks", "Most blocks that one reorganisation abandoned.",
			func(l Ledger) float64 { return float64(l.DeepestReorg) }),
	}
}

// known leaves a disk out whose system doesn't tell.
func known(bytes func(Ledger) uint64) func(Ledger, emitFunc) {
	return func(l Ledger, emit emitFunc) {
		if l.DiskSize > 0 {
			emit(float64(bytes(l)))
		}
	}
}

// deepestBucket is deeper than any reorganisation that isn't a calamity.
const deepestBucket = 1 << 12

// reorgDepths is a histogram of counts that the ledger keeps.
func reorgDepths() family[Ledger] {
	return histogram("reorg_depth_blocks", "Blocks that reorganisations abandoned.", func(l Ledger) (uint64, float64, map[float64]uint64) {
		buckets, below := map[float64]uint64{}, uint64(0)
		for depth := int64(1); depth <= deepestBucket; depth *= 2 {
			below += l.ReorgDepths[depth]
			buckets[float64(depth)] = below
		}
		return l.Reorgs, float64(l.BlocksAbandoned), buckets
	})
}

// byReason shows every reason from the first scrape on, so that the first rejection is
// an increase.
func byReason(reasons []string, counts map[string]uint64, emit emitFunc) {
	for _, reason := range reasons {
		emit(float64(counts[reason]), reason)
	}
}
