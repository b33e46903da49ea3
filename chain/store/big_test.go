package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lode/chain/wire"
)

// The chains of the benchmarks: blocks of about 1.3 KB with one payment and the
// reward, as wallets of 1024 bits make them, between some addresses.
const (
	bigAddresses  = 1000
	addressDigits = 324
	bigBatch      = 100 // blocks in a commit
)

func bigAddress(i int64) string {
	return fmt.Sprintf("%0*x", addressDigits, uint64(i%bigAddresses+1)*0x9E3779B97F4A7C15)
}

// bigBlock has no valid signature and no proof; the store looks at neither.
func bigBlock(height int64, previous string) wire.Block {
	return wire.Block{Index: height, PreviousHash: previous, TimeStamp: wire.Float(1.7e9 + float64(height)), Proof: wire.Int(height), Transactions: []wire.Transaction{
		{Sender: bigAddress(height * 7), Recipient: bigAddress(height * 13), Amount: wire.Float(0.5),
			Signature: strings.Repeat(fmt.Sprintf("%016x", uint64(height)*0x9E3779B97F4A7C15), 16)},
		{Sender: wire.RewardSender, Recipient: bigAddress(height), Amount: wire.Int(10)}}}
}

// bigRecords are the accounts that such a block changes.
func bigRecords(records map[string][]byte, b wire.Block) map[string][]byte {
	for _, t := range b.Transactions {
		for _, address := range []string{t.Sender, t.Recipient} {
			if address != wire.RewardSender {
				records[address] = fmt.Appendf(nil, "%040d", b.Index)
			}
		}
	}
	return records
}

// makeBig makes a database of so many blocks without syncing it.
func makeBig(t testing.TB, path string, count int64, batch int64) {
	t.Helper()
	db, err := Open(path)
	must(t, err)
	defer func() { must(t, db.Close()) }()
	db.bolt.NoSync = true
	previous := ""
	for height := int64(0); height < count; {
		base := height - 1
		records := map[string][]byte{}
		var blocks []wire.Block
		for ; height < count && int64(len(blocks)) < batch; height++ {
			b := bigBlock(height, previous)
			if height == 0 {
				b = wire.Genesis()
			}
			previous = b.Hash()
			blocks = append(blocks, b)
			bigRecords(records, b)
		}
		must(t, db.Commit(base, blocks, records, nil))
	}
	must(t, db.bolt.Sync())
}

// bigPath is a database of STORE_BLOCKS blocks (1000), made in STORE_DIR if it is
// not there yet, in commits of STORE_BATCH blocks (100). With 1, its pages lie as
// a node leaves them that took one block after the other.
func bigPath(b *testing.B) string {
	b.Helper()
	dir := os.Getenv("STORE_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	count, batch := fromEnvironment(b, "STORE_BLOCKS", 1000), fromEnvironment(b, "STORE_BATCH", 100)
	path := filepath.Join(dir, fmt.Sprintf("big-%d.db", count))
	if _, err := os.Stat(path); err != nil {
		makeBig(b, path, count, batch)
	}
	return path
}

func fromEnvironment(b *testing.B, name string, missing int64) int64 {
	b.Helper()
	text, set := os.LookupEnv(name)
	if !set {
		return missing
	}
	value, err := strconv.ParseInt(text, 10, 64)
	must(b, err)
	return value
}

// BenchmarkOpen opens, and so checks, a database. On Linux it says how much
// memory that took, mapped pages of the file included.
func BenchmarkOpen(b *testing.B) {
	path := bigPath(b)
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // what making it took doesn't count
	for b.Loop() {
		db, err := Open(path)
		must(b, err)
		must(b, db.Close())
	}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		var kilobytes float64
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kilobytes); err == nil {
			b.ReportMetric(kilobytes/1024, "MiB-resident")
		}
	}
}

// BenchmarkCommit appends blocks one by one.
func BenchmarkCommit(b *testing.B) {
	db, err := Open(bigPath(b))
	must(b, err)
	defer func() { must(b, db.Close()) }()
	height, previous, err := db.Head()
	must(b, err)
	before := db.bolt.Stats()
	for b.Loop() {
		block := bigBlock(height+1, previous)
		must(b, db.Commit(height, []wire.Block{block}, bigRecords(map[string][]byte{}, block), nil))
		height, previous = height+1, block.Hash()
	}
	after := db.bolt.Stats()
	difference := after.Sub(&before)
	b.ReportMetric(float64(difference.TxStats.GetWrite())/float64(b.N), "pages/op")
}
