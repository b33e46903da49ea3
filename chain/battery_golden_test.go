package chain_test

import (
	"os"
	"path/filepath"
	"testing"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// oneOf is a wanted error where two rules are broken at once.
type oneOf []error

func (oneOf) Error() string { return "one of several" }

func isOneOf(err, want error) bool {
	list, ok := want.(oneOf)
	if !ok {
		return isWanted(err, want)
	}
	for _, one := range list {
		if isWanted(err, one) {
			return true
		}
	}
	return false
}

// forgedBlocks are the recorded forgeries, many of which the original takes, and why
// they are refused here.
var forgedBlocks = map[string]error{
	"no transactions": chain.ErrRewardMissing, "reward zero": chain.ErrRewardAmount, "reward fraction more": chain.ErrRewardAmount,
	"reward true": field("transactions[0].amount"), "reward list": field("transactions[0].amount"), "reward huge": chain.ErrRewardAmount,
	"reward sender null": field("transactions[0].sender"), "reward recipient int": field("transactions[0].recipient"),
	"reward signature null": field("transactions[0].signature"), "reward replaced by a signed payment": chain.ErrRewardMissing,
	"reward without recipient": field("transactions[0].recipient"), "reward without amount": field("transactions[0].amount"),
	"reward is a list": field("transactions[0]"), "reward is a int": field("transactions[0]"), "transactions null": field("transactions"),
	"transactions string": field("transactions"), "transactions int": field("transactions"), "without index": field("index"),
	"without transactions": field("transactions"), "without time_stamp": field("time_stamp"), "index negative": chain.ErrStale,
	"index string": field("index"), "index list": field("index"), "index true": field("index"), "index huge negative": field("index"),
	"previous_hash zeros": chain.ErrPreviousHash, "previous_hash null": field("previous_hash"), "previous_hash list": field("previous_hash"),
	"previous_hash of no block, proof for it": chain.ErrPreviousHash, "proof wrong": chain.ErrProof, "proof zero": chain.ErrProof,
	"proof float": field("proof"), "proof list": field("proof"), "proof string with space": field("proof"), "time_stamp null": field("time_stamp"),
	"time_stamp list": field("time_stamp"), "time_stamp true": field("time_stamp"), "two rewards": chain.ErrRewardMisplaced,
	"overspend": chain.ErrOverspend, "spent twice": chain.ErrOverspend, "signature of another": chain.ErrSignature,
	"signature not hex": chain.ErrSignature, "negative zero point": chain.ErrAmount, "amount true": field("transactions[0].amount"),
	"sender not a key": wallet.ErrKey,
}

var forgedTransactions = map[string]error{
	"amount raised": chain.ErrSignature, "amount as string": field("amount"), "recipient changed": chain.ErrSignature,
	"sender D, signed by A": oneOf{chain.ErrOverspend, chain.ErrSignature}, "signature empty": chain.ErrSignature, "signature long": chain.ErrSignature,
	"signature zeros": chain.ErrSignature, "signature null": field("signature"), "signature list": field("signature"),
	"signature not ASCII": chain.ErrSignature, "negative float, signed": chain.ErrAmount, "true, signed": field("amount"),
	"null, signed": field("amount"), "object, signed": field("amount"), "overspend by far, signed": chain.ErrOverspend,
	"no coins at all, signed": chain.ErrOverspend, "MINING to oneself": chain.ErrRewardMisplaced,
	"MINING huge negative": oneOf{chain.ErrRewardMisplaced, chain.ErrAmount}, "MINING with signature": chain.ErrRewardMisplaced,
	"sender word": oneOf{chain.ErrOverspend, wallet.ErrKey}, "sender int": field("sender"), "sender hex of no key": oneOf{chain.ErrOverspend, wallet.ErrKey},
	"sender private key": oneOf{chain.ErrOverspend, wallet.ErrKey}, "recipient null": field("recipient"), "recipient list": field("recipient"),
	"recipient true": field("recipient"), "without sender": field("sender"), "without signature": field("signature"),
}

// recorded is a section of the recording by name, each name once.
func recorded(t testing.TB, section string, count int) map[string]map[string]any {
	t.Helper()
	entries := map[string]map[string]any{}
	for _, v := range goldenData(t)[section].([]any) {
		e := v.(map[string]any)
		entries[e["name"].(string)] = e
	}
	if len(entries) != count {
		t.Fatalf("%d entries in section %s, the test knows %d", len(entries), section, count)
	}
	return entries
}

// recording is the recorded chain and what was open on it.
type recording struct {
	blocks []wire.Block
	open   []wire.Transaction
	miner  string // of blocks on another branch
}

func newRecording(t testing.TB) recording {
	t.Helper()
	r := recording{blocks: goldenBlocks(t), miner: goldenWallets(t)["A"].Address()}
	for _, v := range goldenData(t)["chain"].(map[string]any)["open_transactions"].([]any) {
		payment, err := wire.TransactionOf(v)
		must(t, err)
		r.open = append(r.open, payment)
	}
	return r
}

// ledger has blocks 1 and 2 of the recorded chain, then others up to block 7 where
// it is on another branch, and the open payments.
func (r recording) ledger(t *testing.T, difficulty int, branch bool) (*chain.Chain, *model) {
	t.Helper()
	c, m := newChain(t, difficulty), newModel()
	for _, b := range r.blocks[1:] {
		if branch && b.Index > 2 {
			b = next(m.tip(), difficulty, r.miner)
		}
		must(t, c.Add(t.Context(), b))
		m.take(m.tip().Height, b)
	}
	for _, payment := range r.open {
		if err := c.AddTransaction(t.Context(), payment); err == nil {
			m.open = append(m.open, payment)
		} else if !branch {
			t.Fatal(err)
		}
	}
	m.assertSame(t, c)
	return c, m
}

// TestBatteryForgedBlocks offers the recorded forgeries as block 8: alone, at the
// end of the recorded chain, and, at difficulty 0, at its end to a ledger on another
// branch. The recorded good block is taken in all three.
func TestBatteryForgedBlocks(t *testing.T) {
	offered := map[string]string{"the good block": string(wire.AppendCompact(nil, goldenData(t)["good_block"]))}
	for name, e := range recorded(t, "forged_blocks", len(forgedBlocks)) {
		offered[name] = string(wire.AppendCompact(nil, e["body"]))
	}
	r := newRecording(t)
	for name, blockText := range offered {
		t.Run(name, func(t *testing.T) {
			want := forgedBlocks[name]
			c, m := r.ledger(t, chain.DefaultDifficulty, false)
			r.check(t, c, m, 7, addText(t, c, m, blockText), want, blockText)
			whole := arrayOf(r.blocks)
			whole = whole[:len(whole)-1] + ", " + blockText + "]"
			c, m = r.ledger(t, chain.DefaultDifficulty, false)
			r.check(t, c, m, 7, adoptText(t, c, m, whole), want, blockText)
			if want == chain.ErrProof {
				return // at difficulty 0 every proof holds
			}
			c, m = r.ledger(t, 0, true)
			r.check(t, c, m, 2, adoptText(t, c, m, whole), want, blockText)
		})
	}
}

// check wants the error, or the recorded chain with the block on top.
func (r recording) check(t *testing.T, c *chain.Chain, m *model, base int64, err, want error, blockText string) {
	t.Helper()
	if (err == nil) != (want == nil) || want != nil && !isOneOf(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if want == nil {
		b, err := wire.DecodeBlock([]byte(blockText))
		must(t, err)
		m.take(base, append(r.blocks[base+1:len(r.blocks):len(r.blocks)], b)...)
	}
	m.assertSame(t, c)
}

// TestBatteryForgedTransactions offers the recorded forged payments as open ones,
// and, with the type of a payment, in a block.
func TestBatteryForgedTransactions(t *testing.T) {
	r := newRecording(t)
	for name, e := range recorded(t, "forged_transactions", len(forgedTransactions)) {
		t.Run(name, func(t *testing.T) {
			c, m := r.ledger(t, 0, false)
			payment, err := wire.DecodeTransaction(wire.AppendCompact(nil, e["body"]))
			if err != nil {
				if !isOneOf(err, forgedTransactions[name]) {
					t.Errorf("error %v, want %v", err, forgedTransactions[name])
				}
				return
			}
			if err := c.AddTransaction(t.Context(), payment); !isOneOf(err, forgedTransactions[name]) {
				t.Errorf("open: error %v, want %v", err, forgedTransactions[name])
			}
			b := next(c.Tip(), 0, "m", payment)
			m.meet(b)
			if err := c.Add(t.Context(), b); !isOneOf(err, forgedTransactions[name]) {
				t.Errorf("in a block: error %v, want %v", err, forgedTransactions[name])
			}
			m.assertSame(t, c)
		})
	}
}

// TestBatteryRecordedBalances compares the recorded balances, of an address that is
// no key too, and what the model says of them.
func TestBatteryRecordedBalances(t *testing.T) {
	golden := goldenData(t)["chain"].(map[string]any)
	c, m := newRecording(t).ledger(t, chain.DefaultDifficulty, false)
	addresses := map[string]string{"unicode": "Zoë \"q\" 'a' \\ 陳彥奇 😀"}
	for _, name := range []string{"A", "B"} {
		addresses[name] = goldenWallets(t)[name].Address()
	}
	available := golden["balances"].(map[string]any)
	if len(available) != len(addresses) {
		t.Errorf("%d recorded balances, the test knows %d", len(available), len(addresses))
	}
	for name, address := range addresses {
		confirmed := golden["balances_without_open"].(map[string]any)[name].(wire.Number)
		assertBalance(t, c, address, confirmed.String(), available[name].(wire.Number).String())
		if got := m.funds()[address].show(); got != confirmed.String() {
			t.Errorf("%s: the model says %s, the original %s", name, got, confirmed)
		}
	}
}

// TestBatteryRecordedFiles reads what the two recorded nodes left behind: one ledger
// takes both chains, and the files are written again byte for byte.
func TestBatteryRecordedFiles(t *testing.T) {
	files := goldenData(t)["transcript"].(map[string]any)["files_afterwards"].(map[string]any)
	c := newChain(t, chain.DefaultDifficulty)
	m := newModel()
	for _, name := range []string{"b", "a"} { // of 7 blocks, then of 9
		recordedFile := files[name].(map[string]any)
		content := recordedFile["basicBlockChain"].(string)
		path := filepath.Join(t.TempDir(), "basicBlockChain.txt")
		must(t, os.WriteFile(path, []byte(content), 0o644))
		classic, err := store.ReadClassic(path)
		must(t, err)
		var blocks []wire.Block
		for b, err := range classic.Blocks {
			must(t, err)
			blocks = append(blocks, b)
		}
		must(t, os.Remove(path))
		must(t, store.WriteClassic(path, sequence(blocks...), classic.Pool, classic.Peers))
		if again, err := os.ReadFile(path); err != nil || string(again) != content {
			t.Errorf("%s: written again it is another file (error %v)", name, err)
		}
		must(t, adoptText(t, c, m, arrayOf(blocks)))
		assertTip(t, c, blocks[len(blocks)-1])
		assertConsistent(t, c)
		keys := filepath.Join(t.TempDir(), "WalletKeys.txt")
		must(t, os.WriteFile(keys, []byte(recordedFile["WalletKeys"].(string)), 0o600))
		if _, err := wallet.Load(keys); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
