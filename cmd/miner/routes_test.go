package main

import (
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"lode/chain/wire"
	"lode/miner"
)

// TestEveryRoute drives a real process over HTTP through all that it serves.
func TestEveryRoute(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "2", "--workers", "1")

	// Without a wallet.
	p.must(http.StatusInternalServerError, "GET", "/wallet", "")
	p.must(http.StatusInternalServerError, "GET", "/balance", "")
	p.must(http.StatusBadRequest, "POST", "/transaction", `{"recipient": "r", "amount": 1}`)
	p.must(http.StatusInternalServerError, "POST", "/mine", "")

	// The original's routes.
	if _, text := p.request("GET", "/", ""); text != "This works" {
		t.Errorf("GET /: %q", text)
	}
	wallet := p.must(http.StatusCreated, "POST", "/wallet", "")
	if again := p.must(http.StatusCreated, "GET", "/wallet", ""); again["public_key"] != wallet["public_key"] {
		t.Error("GET /wallet shows another wallet than POST /wallet made")
	}
	p.mine()
	if funds := p.must(http.StatusOK, "GET", "/balance", "")["Funds"]; funds != wire.Int(10) {
		t.Errorf("funds after the first block: %v", funds)
	}
	p.must(http.StatusCreated, "POST", "/transaction", `{"recipient": "r", "amount": 2.5}`)
	if open := p.must(http.StatusOK, "GET", "/transactions", "")["Open transactions :"]; len(open.([]any)) != 1 {
		t.Errorf("open transactions: %v", open)
	}
	p.mine()
	if blocks := p.blocks(); len(blocks) != 3 || len(blocks[2].Transactions) != 2 {
		t.Errorf("chain: %v", blocks)
	}
	p.must(http.StatusCreated, "POST", "/node", `{"node": "127.0.0.1:1"}`)
	p.must(http.StatusOK, "GET", "/node", "")
	p.must(http.StatusOK, "POST", "/resolve_conflicts", "")
	p.must(http.StatusOK, "DELETE", "/node/127.0.0.1:1", "")
	p.must(http.StatusBadRequest, "POST", "/broadcast_transaction", `{}`)
	p.must(http.StatusBadRequest, "POST", "/broadcast_block", `{}`)
	p.must(http.StatusBadRequest, "POST", "/node", `{"node": "no address"}`)

	// Ours.
	address := wallet["public_key"].(string)
	balance := p.must(http.StatusOK, "GET", "/v1/balances/"+address, "")
	if balance["available"] != wire.Float(17.5) {
		t.Errorf("balance: %v", balance)
	}
	for _, path := range []string{"/v1/status", "/v1/mining", "/v1/blocks", "/v1/blocks/2", "/v1/transactions",
		"/v1/peers", "/openapi.json", "/healthz", "/readyz"} {
		p.must(http.StatusOK, "GET", path, "")
	}
	p.must(http.StatusCreated, "POST", "/v1/peers", `{"address": "127.0.0.1:2"}`)
	if code, _ := p.request("DELETE", "/v1/peers/127.0.0.1:2", ""); code != http.StatusNoContent {
		t.Errorf("DELETE /v1/peers: %d", code)
	}
	p.must(http.StatusOK, "GET", "/v1/wallet", "")
	p.must(http.StatusConflict, "POST", "/v1/wallet", "")
	p.must(http.StatusCreated, "POST", "/v1/transactions", `{"message": "hello"}`)
	p.must(http.StatusOK, "POST", "/v1/peers/resolve", "")
	p.must(http.StatusNotFound, "GET", "/nothing", "")
	p.must(http.StatusMethodNotAllowed, "GET", "/mine", "")
	p.interrupt()
}

// TestMiningControl turns mining on and off in a running node.
func TestMiningControl(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "2", "--workers", "1")
	state := func(method, path string) [2]any {
		status := p.must(http.StatusOK, method, path, "")
		return [2]any{status["continuous"], status["paused"]}
	}
	p.must(http.StatusConflict, "POST", "/v1/mining/start", "")
	p.must(http.StatusCreated, "POST", "/v1/wallet", "")
	for _, step := range []struct {
		method, path       string
		continuous, paused bool
	}{
		{"GET", "/v1/mining", false, false}, {"POST", "/v1/mining/pause", false, true},
		{"POST", "/v1/mining/start", true, true}, {"GET", "/v1/mining", true, true},
	} {
		if got := state(step.method, step.path); got != [2]any{step.continuous, step.paused} {
			t.Errorf("%s %s: %v", step.method, step.path, got)
		}
	}
	if height, _ := p.tip(); height != 0 {
		t.Errorf("height %d while the node is paused", height)
	}
	state("POST", "/v1/mining/resume")
	height := func() int64 { height, _ := p.tip(); return height }
	eventually(t, func() bool { return height() >= 3 })
	if got := state("POST", "/v1/mining/stop"); got != [2]any{false, false} {
		t.Errorf("stopped: %v", got)
	}
	stopped := height()
	p.mine()                                                 // on request it still does
	if got := height(); got < stopped+1 || got > stopped+2 { // a block may have been on its way
		t.Errorf("height %d, and %d when it was stopped", got, stopped)
	}
	p.interrupt()
}

// TestMetrics reads /metrics of a node that has mined and been asked.
func TestMetrics(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "1", "--workers", "2", "--create-wallet", "--kernel", "generic")
	p.mine()
	p.must(http.StatusConflict, "POST", "/broadcast_block", `{"block": {"index": 1, "previous_hash": "", "transactions": [],
		"proof": 1, "time_stamp": 0}}`)
	p.must(http.StatusConflict, "POST", "/broadcast_block", `{"block": {"index": 2, "previous_hash": "", "transactions": [],
		"proof": 1, "time_stamp": 0}}`)
	code, text := p.request("GET", "/metrics", "")
	if code != http.StatusOK {
		t.Fatalf("GET /metrics: %d %s", code, text)
	}
	for _, want := range []string{
		`miner_hashes_total{device="cpu",kernel="generic",worker="0"} `,
		`miner_hashes_total{device="cpu",kernel="generic",worker="1"} `,
		`miner_hashrate_hashes_per_second{window="10s"} `,
		`miner_hashrate_hashes_per_second{window="60s"} `,
		`miner_hashrate_hashes_per_second{window="15m"} `,
		"miner_blocks_found_total 1\n",
		"miner_blocks_accepted_total 1\n",
		`miner_blocks_rejected_total{reason="previous_hash"} 1` + "\n",
		"miner_cancel_latency_seconds_count ",
		"miner_chain_height 1\n",
		"miner_pool_transactions 0\n",
		"miner_pool_bytes 0\n",
		"miner_mining_continuous 0\n",
		"miner_mining_paused 0\n",
		"miner_difficulty_zeros 1\n",
		"miner_blocks_expected_total ",
		`miner_worker_hashrate_hashes_per_second{cpu="`,
		`miner_kernel_info{device="cpu",kernel="generic"} 1` + "\n",
		"miner_solve_duration_seconds_count 1\n",
		"miner_store_commit_duration_seconds_count 1\n",
		"miner_store_fsync_duration_seconds_count 1\n",
		`miner_chain_download_blocks_total{result="adopted"} 0` + "\n",
		"miner_chain_download_bytes_total 0\n",
		"miner_stale_hashes_total 0\n",
		"miner_store_size_bytes ",
		"miner_disk_free_bytes ",
		"miner_disk_size_bytes ",
		"miner_reorg_depth_blocks_count 0\n",
		"miner_peers 0\n",
		"miner_event_streams 0\n",
		"miner_event_streams_cut_total 0\n",
		`miner_http_request_duration_seconds_count{code="201",method="POST",route="/mine"} 1` + "\n",
		"miner_build_info{",
		"go_goroutines ",
		"process_start_time_seconds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// TestPortInUse starts a second node on a port: it says so and leaves nothing.
func TestPortInUse(t *testing.T) {
	first := start(t, t.TempDir(), freePort(t))
	second := launch(t, t.TempDir(), first.port)
	if code := second.wait(); code != exitFailure {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(second.output.String(), "address already in use; is another node running?") {
		t.Error(second.output)
	}
	if left, _ := os.ReadDir(second.dir); len(left) > 0 {
		t.Errorf("a node that could not start left %v", left)
	}
}

// TestMiningStatus compares /v1/mining with what the OpenAPI document says of it.
func TestMiningStatus(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--workers", "3", "--pin=false", "--search", "smallest")
	document := p.must(http.StatusOK, "GET", "/openapi.json", "")
	schema := document["components"].(map[string]any)["schemas"].(map[string]any)["Mining"].(map[string]any)
	status := p.must(http.StatusOK, "GET", "/v1/mining", "")
	described := slices.Sorted(maps.Keys(schema["properties"].(map[string]any)))
	if got := slices.Sorted(maps.Keys(status)); !slices.Equal(got, described) {
		t.Errorf("members %v, described are %v", got, described)
	}
	properties := schema["properties"].(map[string]any)
	items := properties["devices"].(map[string]any)["items"].(map[string]any)["properties"].(map[string]any)
	device := deviceList([]miner.DeviceStatus{{}})[0].(map[string]any)
	if got, want := slices.Sorted(maps.Keys(device)), slices.Sorted(maps.Keys(items)); !slices.Equal(got, want) {
		t.Errorf("members of a device %v, described are %v", got, want)
	}
	var states []any
	for _, state := range miner.DeviceStates() {
		states = append(states, string(state))
	}
	if described := items["state"].(map[string]any)["enum"]; !slices.Equal(described.([]any), states) {
		t.Errorf("states %v, described are %v", states, described)
	}
	if devices := status["devices"].([]any); len(devices) != 0 {
		t.Errorf("devices %v, want none", devices)
	}
	workers := status["workers"].([]any)
	if len(workers) != 3 || workers[2].(map[string]any)["cpu"] != wire.Int(-1) || status["search"] != "smallest" {
		t.Errorf("%v", status)
	}
}

// TestRefuseReplays sends a peer's payment twice: without the flag both are
// taken, as by the original; with it the second is refused. The node's own
// wallet may repeat itself in any case. Repeats are counted either way.
func TestRefuseReplays(t *testing.T) {
	for flag, second := range map[string]int{"--refuse-replays=false": http.StatusCreated, "--refuse-replays": http.StatusInternalServerError} {
		p := start(t, t.TempDir(), freePort(t), "--difficulty", "1", "--create-wallet", flag)
		p.mine()
		for range 2 {
			p.must(http.StatusCreated, "POST", "/transaction", `{"recipient": "r", "amount": 1}`)
		}
		_, open := p.request("GET", "/v1/transactions", "")
		payment := open[strings.Index(open, `[{`)+1 : strings.Index(open, `}`)+1]
		if code, text := p.request("POST", "/broadcast_transaction", payment); code != second {
			t.Errorf("%s: the repeated payment: %d %s", flag, code, text)
		}
		if _, text := p.request("GET", "/metrics", ""); !strings.Contains(text, "\nminer_transactions_repeated_total 1\n") {
			t.Errorf("%s: one repeat isn't counted", flag)
		}
	}
}
