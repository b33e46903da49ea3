package miner

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
)

// rounds is how often the races are run.
const rounds = 1000

func newChain(t testing.TB) *chain.Chain {
	t.Helper()
	c, err := chain.Open(chain.Config{Store: store.NewMemory(), Difficulty: 1})
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	return c
}

func newMiner(c Ledger, s Searcher) *Miner {
	return New(MinerConfig{Searcher: s, Ledger: c, Address: func() (string, bool) { return "us", true }, Logger: slog.New(slog.DiscardHandler)})
}

// minedFor is a valid block on the tip that pays its reward to an address.
func minedFor(t testing.TB, c *chain.Chain, address string) wire.Block {
	t.Helper()
	template, err := c.Template(address)
	must(t, err)
	for proof := int64(0); ; proof++ {
		if b := template.Block(wire.Int(proof), wire.Int(1)); chain.CheckProof(b, template.Difficulty) == nil {
			return b
		}
	}
}

// searcherFunc is a Searcher made of a function.
type searcherFunc func(context.Context, Job) (wire.Number, error)

func (f searcherFunc) Search(ctx context.Context, job Job) (wire.Number, error) { return f(ctx, job) }

// assertWhole checks every block of the chain from scratch.
func assertWhole(t *testing.T, c *chain.Chain, height int64) {
	t.Helper()
	if tip := c.Tip(); tip.Height != height {
		t.Errorf("the chain's height is %d, want %d", tip.Height, height)
	}
	if err := c.Verify(t.Context(), func(int64, int64) {}); err != nil {
		t.Error(err)
	}
}

// TestPeersBlockStopsTheJob posts a block while a job runs that would never
// end: the job must stop, and the next block must follow the peer's.
func TestPeersBlockStopsTheJob(t *testing.T) {
	c, engine := newChain(t), start(t, Config{Workers: 2})
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(engine.GOMAXPROCS())) // as the node does
	endless := make(chan struct{})                                    // an endless search begins
	first := false
	m := newMiner(c, searcherFunc(func(ctx context.Context, job Job) (wire.Number, error) {
		if first = !first; first {
			job.Difficulty = 60
			endless <- struct{}{}
		}
		return engine.Search(ctx, job)
	}))
	for range rounds {
		mined := make(chan wire.Block)
		go func() {
			b, err := m.Mine(t.Context())
			if err != nil {
				t.Error(err)
			}
			mined <- b
		}()
		<-endless
		theirs := minedFor(t, c, "peer")
		must(t, c.Add(t.Context(), theirs))
		ours := <-mined
		if ours.Index != theirs.Index+1 || ours.PreviousHash != theirs.Hash() {
			t.Fatalf("block %d on %s was mined, want block %d on %s", ours.Index, ours.PreviousHash, theirs.Index+1, theirs.Hash())
		}
	}
	if m.Found() != rounds || m.Stale() != rounds {
		t.Errorf("found %d, stale %d, want %d of each", m.Found(), m.Stale(), rounds)
	}
	assertWhole(t, c, 2*rounds)
}

// TestRewardMessage stands in the reward alone, and Mined knows the block before the
// ledger does.
func TestRewardMessage(t *testing.T) {
	c := newChain(t)
	m := newMiner(c, start(t, Config{Workers: 1}))
	m.cfg.RewardMessage = "mined by us"
	tips, cancel := c.Subscribe()
	defer cancel()
	b, err := m.Mine(t.Context())
	must(t, err)
	if reward := b.Transactions[len(b.Transactions)-1]; reward.Signature != "mined by us" || reward.Sender != wire.RewardSender {
		t.Errorf("%+v", reward)
	}
	if tip := <-tips; !m.Mined(tip.Hash) || m.Mined(wire.GenesisHash) || m.Mined("") {
		t.Errorf("mined here: tip %v, genesis %v", m.Mined(tip.Hash), m.Mined(wire.GenesisHash))
	}
	assertWhole(t, c, 1)
}

// TestNoStaleBlockIsAppended lets a peer's block and our own proof come at the
// same moment: whichever is first, both blocks that were accepted stand in the
// chain, one on the other.
func TestNoStaleBlockIsAppended(t *testing.T) {
	c, engine := newChain(t), start(t, Config{Workers: 2})
	m := newMiner(c, engine)
	theirsFirst := 0
	for round := range rounds {
		before := c.Tip()
		theirs := minedFor(t, c, "peer")
		var ours wire.Block
		var mineErr, addErr error
		var both sync.WaitGroup
		both.Go(func() { ours, mineErr = m.Mine(t.Context()) })
		both.Go(func() {
			for range round % 50 { // else the peer is nearly always first
				runtime.Gosched()
			}
			addErr = c.Add(t.Context(), theirs)
		})
		both.Wait()
		must(t, mineErr)
		switch {
		case addErr == nil && ours.PreviousHash == theirs.Hash():
			theirsFirst++
		case errors.Is(addErr, chain.ErrStale) && ours.PreviousHash == before.Hash:
		default:
			t.Fatalf("block %d on %s was mined after %s; adding the peer's said %v", ours.Index, ours.PreviousHash, before.Hash, addErr)
		}
		if hash, err := c.HashAt(ours.Index); err != nil || hash != ours.Hash() {
			t.Fatalf("block %d is %s in the chain (error %v), not the mined %s", ours.Index, hash, err, ours.Hash())
		}
	}
	assertWhole(t, c, int64(rounds+theirsFirst))
	t.Logf("the peer was first in %d of %d rounds", theirsFirst, rounds)
}

// overtaken is a Ledger whose first template is out of date when it is handed out.
type overtaken struct {
	*chain.Chain
	overtake func()
}

func (o *overtaken) Template(miner string) (chain.Template, error) {
	template, err := o.Chain.Template(miner)
	o.overtake()
	return template, err
}

// TestATipDuringTheTemplateIsNoticed: by its arrival, not by the next renewal of
// the template.
func TestATipDuringTheTemplateIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t)
		ledger := &overtaken{c, sync.OnceFunc(func() { must(t, c.Add(t.Context(), minedFor(t, c, "peer"))) })}
		searches := 0
		m := newMiner(ledger, searcherFunc(func(ctx context.Context, job Job) (wire.Number, error) {
			if searches++; searches == 1 {
				return waiting(ctx, job)
			}
			return minedFor(t, c, "us").Proof, nil
		}))
		began := time.Now()
		b, err := m.Mine(t.Context())
		if err != nil || b.Index != 2 || m.Stale() != 1 {
			t.Errorf("block %d, error %v, %d stale, want block 2 and 1", b.Index, err, m.Stale())
		}
		if passed := time.Since(began); passed != 0 { // on the bubble's clock
			t.Errorf("it was noticed after %v", passed)
		}
	})
}

// delayed is a Ledger whose tips arrive when the test sends them.
type delayed struct {
	*chain.Chain
	tips chan chain.Arrival
}

func (d delayed) Subscribe() (tips <-chan chain.Arrival, cancel func()) { return d.tips, func() {} }

// TestAnOlderTipStopsNothing: the template already has the tip that came after
// the one that arrives. What arrives next does stop the search.
func TestAnOlderTipStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t)
		ledger := delayed{c, make(chan chain.Arrival, 1)}
		must(t, c.Add(t.Context(), minedFor(t, c, "peer")))
		ledger.tips <- chain.Arrival{Tip: c.Tip(), At: time.Now()}
		must(t, c.Add(t.Context(), minedFor(t, c, "peer")))
		var causes []error
		m := newMiner(ledger, searcherFunc(func(ctx context.Context, job Job) (wire.Number, error) {
			if len(causes) == 1 {
				return minedFor(t, c, "us").Proof, nil
			}
			_, err := waiting(ctx, job)
			causes = append(causes, err)
			return wire.Number{}, err
		}))
		mined := make(chan wire.Block)
		go func() {
			b, err := m.Mine(t.Context())
			if err != nil {
				t.Error(err)
			}
			mined <- b
		}()
		synctest.Wait()
		if len(causes) != 0 {
			t.Errorf("the search ended: %v", causes[0])
		}
		must(t, c.Add(t.Context(), minedFor(t, c, "peer")))
		at := time.Now().Add(-time.Minute)
		ledger.tips <- chain.Arrival{Tip: c.Tip(), At: at}
		if b := <-mined; b.Index != 4 || m.Stale() != 1 || len(causes) != 1 || !errors.Is(causes[0], staleError{at}) {
			t.Errorf("block %d, %d stale, causes %v", b.Index, m.Stale(), causes)
		}
	})
}

// TestSolveTime counts from the tip that the block was mined on, over all of its
// templates, and not from one before.
func TestSolveTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t)
		ledger := &growing{Chain: c}
		var solved []time.Duration
		searches := 0
		m := newMiner(ledger, searcherFunc(func(ctx context.Context, _ Job) (wire.Number, error) {
			switch searches++; searches {
			case 1: // ended by a peer's block
				time.Sleep(refreshInterval * 3 / 2) // between two looks at the template
				must(t, c.Add(t.Context(), minedFor(t, c, "peer")))
				<-ctx.Done()
				return wire.Number{}, context.Cause(ctx)
			case 2: // by a payment, at the next look at the templates
				ledger.transactions.Store(1)
				defer ledger.transactions.Store(0)
				return waiting(ctx, Job{})
			}
			time.Sleep(500 * time.Millisecond)
			return minedFor(t, c, "us").Proof, nil
		}))
		m.cfg.Solved = func(took time.Duration) { solved = append(solved, took) }
		b, err := m.Mine(t.Context())
		if err != nil || b.Index != 2 || searches != 3 {
			t.Errorf("block %d of %d searches, error %v", b.Index, searches, err)
		}
		if want := []time.Duration{refreshInterval + 500*time.Millisecond}; !slices.Equal(solved, want) {
			t.Errorf("solved in %v, want %v", solved, want)
		}
	})
}

// TestPausesAreNoSolveTime: neither one before a search nor one within it.
func TestPausesAreNoSolveTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := newChain(t), bubbleEngine(t, Config{Workers: 1})
		rest := func() {
			e.Pause()
			time.Sleep(time.Minute)
			e.Pause() // changes nothing
			time.Sleep(time.Minute)
			e.Resume()
		}
		rest()
		e.Resume()
		var solved []time.Duration
		m := newMiner(c, searcherFunc(func(context.Context, Job) (wire.Number, error) {
			time.Sleep(time.Second)
			rest()
			time.Sleep(time.Second)
			return minedFor(t, c, "us").Proof, nil
		}))
		m.cfg.Solved, m.cfg.PausedFor = func(took time.Duration) { solved = append(solved, took) }, e.PausedFor
		for range 2 {
			_, err := m.Mine(t.Context())
			must(t, err)
		}
		if want := []time.Duration{2 * time.Second, 2 * time.Second}; !slices.Equal(solved, want) {
			t.Errorf("solved in %v, want %v", solved, want)
		}
		e.Pause()
		time.Sleep(time.Minute)
		if got, want := e.PausedFor(), 7*time.Minute; got != want {
			t.Errorf("paused for %v, want %v", got, want)
		}
	})
}

func TestTimeStamp(t *testing.T) {
	if got, want := timeStamp(time.Unix(1, 500_000)), wire.Float(1.0005); got != want {
		t.Errorf("time stamp %s, want %s", got, want)
	}
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t)
		m := newMiner(c, searcherFunc(func(context.Context, Job) (wire.Number, error) {
			time.Sleep(1500 * time.Millisecond) // on the bubble's clock, which begins with the year 2000
			return minedFor(t, c, "us").Proof, nil
		}))
		b, err := m.Mine(t.Context())
		must(t, err)
		if want := wire.Float(946684801.5); b.TimeStamp != want {
			t.Errorf("time stamp %s of a block, want %s", b.TimeStamp, want)
		}
	})
}

func TestMineWithoutWallet(t *testing.T) {
	m := New(MinerConfig{Ledger: newChain(t), Address: func() (string, bool) { return "", false }, Logger: slog.New(slog.DiscardHandler)})
	if _, err := m.Mine(t.Context()); !errors.Is(err, ErrNoWallet) {
		t.Errorf("error %v, want ErrNoWallet", err)
	}
}

// waiting is a Searcher that never finds anything.
var waiting = searcherFunc(func(ctx context.Context, _ Job) (wire.Number, error) {
	<-ctx.Done()
	return wire.Number{}, context.Cause(ctx)
})

func TestMineEndsWithItsCaller(t *testing.T) {
	c, engine := newChain(t), start(t, Config{Workers: 1})
	started := make(chan struct{})
	m := newMiner(c, searcherFunc(func(ctx context.Context, job Job) (wire.Number, error) {
		job.Difficulty = 60
		close(started)
		return engine.Search(ctx, job)
	}))
	ctx, hangUp := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := m.Mine(ctx)
		ended <- err
	}()
	<-started
	hangUp()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	assertWhole(t, c, 0)
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(MinerConfig{Searcher: waiting, Ledger: newChain(t), Queue: 2, Logger: slog.New(slog.DiscardHandler),
			Address: func() (string, bool) { return "us", true }})
		ctx, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		var cancelled atomic.Int64
		for range 3 { // one mines, two wait
			callers.Go(func() {
				if _, err := m.Mine(ctx); errors.Is(err, context.Canceled) {
					cancelled.Add(1)
				}
			})
		}
		synctest.Wait()
		if _, err := m.Mine(ctx); !errors.Is(err, ErrBusy) {
			t.Errorf("the fourth call: error %v, want ErrBusy", err)
		}
		cancel()
		callers.Wait()
		if cancelled.Load() != 3 {
			t.Errorf("%d calls ended with their callers, want 3", cancelled.Load())
		}
	})
}

// growing is a Ledger whose template gains a transaction when told to.
type growing struct {
	*chain.Chain
	transactions atomic.Int64
}

func (g *growing) Template(miner string) (chain.Template, error) {
	template, err := g.Chain.Template(miner)
	for i := range g.transactions.Load() {
		template.Transactions = append([]wire.Transaction{{Sender: "s", Recipient: "r", Amount: wire.Int(i)}}, template.Transactions...)
	}
	return template, err
}

// TestNewTransactionsMakeANewTemplate: once a second, and only if there are any.
func TestNewTransactionsMakeANewTemplate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &growing{Chain: newChain(t)}
		var searches []string
		m := newMiner(ledger, searcherFunc(func(ctx context.Context, job Job) (wire.Number, error) {
			searches = append(searches, string(job.Prefix))
			return waiting(ctx, job)
		}))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := m.Mine(ctx)
			ended <- err
		}()
		for step, want := range []struct {
			transactions int64
			searches     int
		}{{0, 1}, {0, 1}, {1, 2}, {1, 2}, {3, 3}} {
			ledger.transactions.Store(want.transactions)
			time.Sleep(refreshInterval + time.Millisecond) // the bubble's clock
			synctest.Wait()
			if len(searches) != want.searches {
				t.Errorf("step %d: %d searches, want %d", step, len(searches), want.searches)
			}
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
		template, err := ledger.Template("us")
		must(t, err)
		if last := searches[len(searches)-1]; last != string(template.Prefix()) {
			t.Errorf("the last search was for\n%s\nwant\n%s", last, template.Prefix())
		}
	})
}

// TestMineForeverGoesOn mines until it is told to stop, and survives an error.
func TestMineForeverGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t)
		calls := 0
		m := newMiner(c, searcherFunc(func(context.Context, Job) (wire.Number, error) {
			if calls++; calls == 2 {
				return wire.Number{}, errors.New("no luck")
			}
			return minedFor(t, c, "us").Proof, nil
		}))
		ctx, cancel := context.WithCancel(t.Context())
		var found []wire.Block
		err := m.MineForever(ctx, func(_ context.Context, b wire.Block) {
			if found = append(found, b); len(found) == 3 {
				cancel()
			}
		})
		if err != nil || len(found) != 3 || calls != 4 {
			t.Errorf("%d blocks of %d searches, error %v, want 3 of 4", len(found), calls, err)
		}
		assertWhole(t, c, 3)
	})
}
