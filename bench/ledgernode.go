package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"

	"lode/api"
	"lode/api/peer"
	"lode/chain"
	"lode/chain/store"
	"lode/chain/wallet"
	"lode/chain/wire"
	"lode/miner"
)

// What one round of a cost repeats. The numbers don't depend on the length, so that
// what one round leaves behind is the same at each.
const (
	appendsPerRound  = 20
	balancesPerRound = 200
	pagesPerRound    = 20
	paymentsPerRound = 20
	pageBlocks       = 100
)

// openNode is a node on a ledger, without peers and without a miner, and beside it
// another copy of the database with nothing but bbolt.
type openNode struct {
	ledger    *chain.Chain
	reference *bolt.DB
	url       string
	transport *http.Transport
	stop      context.CancelFunc
	running   *errgroup.Group
	paid      int // payments made so far, so that none is like another
}

// neverMines is a miner for a node that nobody asks to mine.
type neverMines struct{}

func (neverMines) Mine(context.Context) (wire.Block, error) {
	return wire.Block{}, errors.New("nothing is mined here")
}

// open starts the node.
func (l *ledger) open(ctx context.Context) error {
	db, err := store.Open(l.database())
	if err != nil {
		return err
	}
	c, err := chain.Open(chain.Config{Store: db, Difficulty: l.chain.Difficulty})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	l.openNode = &openNode{ledger: c, transport: &http.Transport{}, stop: stop, running: group}
	if err := l.openReference(); err != nil {
		return err
	}
	file := filepath.Join(l.folder, "wallet.txt")
	if err := os.WriteFile(file, l.owner.walletFile(), 0o600); err != nil {
		return err
	}
	keys := wallet.NewKeystore(file, l.chain.KeyBits)
	if _, err := keys.Load(); err != nil {
		return err
	}
	network := peer.New(peer.Config{Ledger: c, SpoolDir: l.folder})
	control := miner.NewControl(miner.ControlConfig{}) // nobody starts it
	handler, err := api.New(api.Config{Ledger: c, Miner: neverMines{}, Control: control, Peers: network, Keys: keys})
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l.url = "http://" + listener.Addr().String()
	group.Go(func() error { return network.Run(ctx) })
	group.Go(func() error { return api.Serve(ctx, api.ServerConfig{Listener: listener, Handler: handler}) })
	return nil
}

// openReference copies the database for what the disk costs alone.
func (l *ledger) openReference() error {
	path := filepath.Join(l.folder, "reference.db")
	if err := copyFile(l.database(), path); err != nil {
		return err
	}
	var err error
	l.reference, err = bolt.Open(path, 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType, Timeout: time.Second})
	return err
}

// close stops the node and closes the files, as far as there are any.
func (l *ledger) close() error {
	if l.openNode == nil {
		return nil
	}
	l.stop()
	l.transport.CloseIdleConnections()
	err := l.running.Wait()
	if l.reference != nil {
		err = errors.Join(err, l.reference.Close())
	}
	err = errors.Join(err, l.ledger.Close())
	l.openNode = nil
	return err
}

// recipient is one that was never paid, as long as any address.
func (l *ledger) recipient() string {
	l.paid++
	return fmt.Sprintf("%0*d", len(l.owner.address), l.paid)
}

// measureAppend times chain.Add of blocks with a payment whose signature was never
// verified, and in turns with them commits of one small key.
func measureAppend(ctx context.Context, _ LedgerPlan, l *ledger) ([]float64, error) {
	var payments []wire.Transaction
	for range appendsPerRound {
		t, err := l.owner.pay(l.recipient(), wire.Int(1))
		if err != nil {
			return nil, err
		}
		payments = append(payments, t)
	}
	var adding, committing time.Duration
	reward := wire.Transaction{Sender: wire.RewardSender, Recipient: l.owner.address, Amount: wire.Int(chain.Reward)}
	for i, t := range payments {
		b := onTip(l.ledger.Tip(), []wire.Transaction{t, reward}, l.chain.Difficulty)
		begin := time.Now()
		if err := l.ledger.Add(ctx, b); err != nil {
			return nil, err
		}
		adding += time.Since(begin)
		begin = time.Now()
		if err := commitOne(l.reference, byte(i)); err != nil {
			return nil, err
		}
		committing += time.Since(begin)
	}
	return []float64{micros(adding) / appendsPerRound, micros(committing) / appendsPerRound}, nil
}

// commitOne is the least that a durable change of a bbolt database can be.
func commitOne(db *bolt.DB, value byte) error {
	return db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("reference"))
		if err != nil {
			return err
		}
		return b.Put([]byte("key"), []byte{value})
	})
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// measureBalance times GET /balance of the richest wallet.
func measureBalance(ctx context.Context, _ LedgerPlan, l *ledger) ([]float64, error) {
	return l.requests(balancesPerRound, func(int) error {
		body, err := l.ask(ctx, http.MethodGet, "/balance", "", http.StatusOK)
		if err == nil && !bytes.Contains(body, []byte(l.owner.address)) {
			err = fmt.Errorf("GET /balance: %s", body)
		}
		return err
	})
}

// measurePage times pages of blocks all over the chain.
func measurePage(ctx context.Context, _ LedgerPlan, l *ledger) ([]float64, error) {
	places := stream(uint64(l.chain.Blocks), "pages")
	return l.requests(pagesPerRound, func(int) error {
		blocks := l.ledger.Tip().Height + 1
		from := int64(places.Uint64() % uint64(max(1, blocks-pageBlocks+1)))
		body, err := l.ask(ctx, http.MethodGet, fmt.Sprintf("/v1/blocks?from=%d&limit=%d", from, pageBlocks), "", http.StatusOK)
		if want := min(blocks, pageBlocks); err == nil && bytes.Count(body, []byte(`"previous_hash"`)) != int(want) {
			err = fmt.Errorf("GET /v1/blocks from %d has not %d blocks: %.200s", from, want, body)
		}
		return err
	})
}

// measurePayment times POST /transaction on a node without peers.
func measurePayment(ctx context.Context, _ LedgerPlan, l *ledger) ([]float64, error) {
	return l.requests(paymentsPerRound, func(int) error {
		body := fmt.Sprintf(`{"recipient": %q, "amount": 1}`, l.recipient())
		_, err := l.ask(ctx, http.MethodPost, "/transaction", body, http.StatusCreated)
		return err
	})
}

// requests is the mean time of one of several requests, over a connection that is
// kept.
func (l *ledger) requests(count int, one func(i int) error) ([]float64, error) {
	begin := time.Now()
	for i := range count {
		if err := one(i); err != nil {
			return nil, err
		}
	}
	return []float64{micros(time.Since(begin)) / float64(count)}, nil
}

func (l *ledger) ask(ctx context.Context, method, path, body string, status int) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, l.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Transport: l.transport}).Do(request)
	if err != nil {
		return nil, err
	}
	return bodyOf(answer, status)
}
