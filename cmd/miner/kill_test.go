package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"lode/chain/wire"
)

// TestKilledWhileMining kills a node with SIGKILL while it mines and takes
// payments, several times over, and looks for all that it had answered.
func TestKilledWhileMining(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	args := []string{"--difficulty", "3", "--workers", "1", "--create-wallet"}
	var seen acknowledged
	for round := range 4 {
		p := start(t, dir, port, append(args, "--mine")...)
		if !p.output.waitFor(`msg="new tip"`) {
			t.Fatal("no block was mined")
		}
		for i := range 10 {
			seen.pay(t, p, fmt.Sprintf("round %d payment %d", round, i))
		}
		seen.look(p)
		p.kill()
		p = start(t, dir, port, args...)
		seen.check(t, p)
		p.kill()
	}
	verify := launchCommand(t, "verify", dir, port, "--difficulty", "3")
	if code := verify.wait(); code != 0 || !strings.Contains(verify.output.String(), "blocks are valid") {
		t.Errorf("miner verify: exit code %d\n%s", code, verify.output)
	}
}

// launchCommand runs a subcommand on a node's files.
func launchCommand(t *testing.T, name, dir string, port int, args ...string) *process {
	t.Helper()
	return launchArguments(t, dir, port, append([]string{name, "-p", fmt.Sprint(port), "--data-dir", dir}, args...))
}

// acknowledged is what a node has answered.
type acknowledged struct {
	wallet   string
	height   int64
	tip      string
	payments []string // recipients
	peers    []string
}

// pay pays to a recipient and adds a peer; what is answered counts.
func (a *acknowledged) pay(t *testing.T, p *process, recipient string) {
	t.Helper()
	p.must(http.StatusCreated, "POST", "/transaction", fmt.Sprintf(`{"recipient": %q, "amount": 0.5}`, recipient))
	a.payments = append(a.payments, recipient)
	peer := fmt.Sprintf("127.0.0.1:%d", 1+len(a.peers))
	p.must(http.StatusCreated, "POST", "/v1/peers", `{"address": "`+peer+`"}`)
	a.peers = append(a.peers, peer)
}

// look reads the tip and the wallet.
func (a *acknowledged) look(p *process) {
	p.t.Helper()
	a.height, a.tip = p.tip()
	a.wallet = p.must(http.StatusCreated, "GET", "/wallet", "")["public_key"].(string)
}

// check looks for all of it.
func (a *acknowledged) check(t *testing.T, p *process) {
	t.Helper()
	if hash := blockHash(p, int(a.height)); hash != a.tip {
		t.Errorf("block %d is %s, and was %s", a.height, hash, a.tip)
	}
	if key := p.must(http.StatusCreated, "GET", "/wallet", "")["public_key"]; key != a.wallet {
		t.Errorf("the wallet is %s, and was %s", key, a.wallet)
	}
	there := map[string]int{}
	for _, b := range p.blocks() {
		for _, payment := range b.Transactions {
			there[payment.Recipient]++
		}
	}
	for _, item := range p.must(http.StatusOK, "GET", "/v1/transactions", "")["transactions"].([]any) {
		payment, err := wire.TransactionOf(item)
		if err != nil {
			t.Fatal(err)
		}
		there[payment.Recipient]++
	}
	for _, recipient := range a.payments {
		if there[recipient] != 1 {
			t.Errorf("the payment %q is there %d times", recipient, there[recipient])
		}
	}
	if peers := p.must(http.StatusOK, "GET", "/v1/peers", "")["peers"].([]any); len(peers) != len(a.peers) {
		t.Errorf("%d peers are there, and were %d", len(peers), len(a.peers))
	}
}

// TestInterruptEndsMining interrupts a node that mines and holds a POST /mine
// that would take for ever: it stops cleanly and nothing is left half done.
func TestInterruptEndsMining(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "64", "--create-wallet", "--workers", "1")
	answered := make(chan int, 1)
	go func() { // ends with the answer
		code, _, _ := p.try("POST", "/mine", "")
		answered <- code
	}()
	eventually(t, func() bool { return hashes(p) > 0 })
	p.interrupt()
	if code := <-answered; code != http.StatusServiceUnavailable {
		t.Errorf("POST /mine was answered %d", code)
	}
	if _, err := os.Stat(p.file("basicBlockChain%d.txt")); err != nil {
		t.Error(err)
	}
}

// hashes is how many the node's workers have computed.
func hashes(p *process) (sum int64) {
	p.t.Helper()
	for _, item := range p.must(http.StatusOK, "GET", "/v1/mining", "")["workers"].([]any) {
		count, _ := item.(map[string]any)["hashes"].(wire.Number).Int64()
		sum += count
	}
	return sum
}

// TestSecondInterruptStopsAtOnce holds up a clean stop with a request whose
// body never ends.
func TestSecondInterruptStopsAtOnce(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t))
	connection, err := net.Dial("tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprint(connection, "POST /node HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"+
		"Expect: 100-continue\r\n\r\n")
	// The handler reads the body as soon as it asks for it.
	if _, err := bufio.NewReader(connection).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := p.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	// Signals of one kind that nobody has taken yet are one.
	eventually(t, func() bool {
		_, _, err := p.try("GET", "/healthz", "")
		return err != nil
	})
	if err := p.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
}
