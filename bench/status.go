package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"lode/chain/store"
	"lode/chain/wire"
)

// statuses measure how long a client waits for GET /v1/status of a node that does
// nothing else, and of one that mines on all CPUs as it does by default.
func statuses() []Case {
	return []Case{
		{"status/node=idle", func(b *testing.B) { status(b, false) }},
		{"status/node=mining", func(b *testing.B) { status(b, true) }},
	}
}

// status measures from the request to the answer's last byte, over a connection that
// is kept.
func status(b *testing.B, mining bool) {
	n := serve(b, openChain(b, store.NewMemory(), neverFound))
	client := newClient(b)
	if mining {
		must(b, n.mineForever(b))
	}
	before := n.engine.Workers()
	var latencies []time.Duration
	for b.Loop() {
		begin := time.Now()
		must(b, getStatus(client, n.url+"/v1/status"))
		latencies = append(latencies, time.Since(begin))
	}
	if mining {
		must(b, waitForWorkers(n.engine, allBegan, before, nil)) // they have gone on
	} else if anyBegan(before, n.engine.Workers()) {
		b.Fatal("the idle node mined")
	}
	reportPercentiles(b, latencies)
}

// mineForever lets the node mine without end, which finds nothing, and returns when
// all workers are on it.
func (n node) mineForever(b *testing.B) error {
	idle := n.engine.Workers()
	background(b, func(ctx context.Context) error {
		return n.miner.MineForever(ctx, func(context.Context, wire.Block) {
			b.Errorf("a proof of difficulty %d was found", neverFound)
		})
	})
	return waitForWorkers(n.engine, allBegan, idle, nil)
}

// getStatus checks the answer for what it must say.
func getStatus(client *http.Client, url string) error {
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	body, err := bodyOf(answer, http.StatusOK)
	if err != nil {
		return err
	}
	said := struct {
		Height     *int
		Difficulty int
	}{}
	if err := json.Unmarshal(body, &said); err != nil {
		return fmt.Errorf("GET %s: %w: %s", url, err, body)
	}
	if said.Height == nil || *said.Height != 0 || said.Difficulty != neverFound {
		return fmt.Errorf("GET %s: %s", url, body)
	}
	return nil
}
