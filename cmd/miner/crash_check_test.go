package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"lode/chain/wire"
)

// recover starts the node on what the kill left, looks for everything that was
// acknowledged, and prepares the next load.
func (c *crash) recover() {
	thorough := c.cycle%verifyEvery == verifyEvery-1
	if thorough {
		c.verify()
	}
	p := c.start()
	c.check(p)
	if thorough {
		c.checkChain(p)
	}
	c.prepare(p)
	p.kill()
}

// verify has the program check the whole database.
func (c *crash) verify() {
	c.t.Helper()
	p := launchCommand(c.t, "verify", c.dir, c.port, "--difficulty", fmt.Sprint(crashDifficulty))
	if code := p.wait(); code != 0 || !strings.Contains(p.output.String(), "blocks are valid") {
		c.t.Errorf("miner verify: exit code %d", code)
	}
	c.acts.verified++
}

// check compares a node, which nobody uses meanwhile, with the record.
func (c *crash) check(p *process) {
	c.t.Helper()
	chain := c.rival.chain
	if err := c.rival.read(p); err != nil {
		c.t.Fatal(err)
	}
	open := c.pool(p)
	balances := sums(chain.blocks)
	lost := c.record.lostBlocks(chain)
	lost = append(lost, c.record.lostPayments(counts(chain.blocks, open), balances)...)
	lost = append(lost, c.record.lostPeers(c.peers(p))...)
	shown := p.must(http.StatusCreated, "GET", "/wallet", "")
	files, strays := c.folder()
	lost = append(lost, c.record.lostWallets(files, shown["public_key"].(string), shown["private_key"].(string))...)
	c.acts.lost += len(lost)
	for _, what := range lost {
		c.t.Errorf("lost: %s", what)
	}
	if len(strays) > 0 {
		c.t.Errorf("a killed node left %q, and the next one didn't take it away", strays)
	}
	c.checkBalances(p, balances, open)
}

func (c *crash) pool(p *process) (open []wire.Transaction) {
	for _, item := range p.must(http.StatusOK, "GET", "/v1/transactions", "")["transactions"].([]any) {
		t, err := wire.TransactionOf(item)
		if err != nil {
			c.t.Fatal(err)
		}
		open = append(open, t)
	}
	return open
}

func (c *crash) peers(p *process) (peers []string) {
	for _, peer := range p.must(http.StatusOK, "GET", "/v1/peers", "")["peers"].([]any) {
		peers = append(peers, peer.(string))
	}
	return peers
}

// folder reads the wallet files, and names the files that should not be there.
func (c *crash) folder() (wallets, strays []string) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, entry := range entries {
		if !isPlanned(entry.Name(), c.port) {
			strays = append(strays, entry.Name())
		}
		if strings.HasPrefix(entry.Name(), "WalletKeys") {
			wallets = append(wallets, read(c.t, c.dir+"/"+entry.Name()))
		}
	}
	return wallets, strays
}

// checkBalances asks for those of all senders and of some recipients.
func (c *crash) checkBalances(p *process, balances map[string]float64, open []wire.Transaction) {
	c.t.Helper()
	spent := map[string]float64{}
	for _, t := range open {
		spent[t.Sender] += t.Amount.Float64()
	}
	addresses := []string{c.rival.keys.Address()}
	for address := range c.record.wallets {
		addresses = append(addresses, address)
	}
	for address := range balances { // in a random order
		if addresses = append(addresses, address); len(addresses) > 30 {
			break
		}
	}
	for _, address := range addresses[:min(3, len(addresses))] {
		if got := p.turnover(address); got != balances[address] {
			c.t.Errorf("the history of %.40s adds up to %g; the chain says %g", address, got, balances[address])
		}
	}
	for _, address := range addresses {
		balance := p.must(http.StatusOK, "GET", "/v1/balances/"+address, "")
		confirmed, available := balance["confirmed"].(wire.Number).Float64(), balance["available"].(wire.Number).Float64()
		if confirmed != balances[address] || available != balances[address]-spent[address] {
			c.t.Errorf("%.40s has %g, of which %g is free; the chain says %g, less %g",
				address, confirmed, available, balances[address], spent[address])
		}
	}
}

// turnover adds up what the index says that an address has received and sent, once
// the index has all blocks.
func (p *process) turnover(address string) (sum float64) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for next := ""; ; {
		page := p.must(http.StatusOK, "GET", "/v1/addresses/"+address+"?limit=500"+next, "")
		if page["indexed_height"] != page["height"] {
			if time.Now().After(deadline) {
				p.t.Fatalf("the index stands at %v", page["indexed_height"])
			}
			continue
		}
		for _, item := range page["transactions"].([]any) {
			t, err := wire.TransactionOf(item.(map[string]any)["transaction"])
			if err != nil {
				p.t.Fatal(err)
			}
			if t.Recipient == address {
				sum += t.Amount.Float64()
			}
			if t.Sender == address {
				sum -= t.Amount.Float64()
			}
		}
		cursor, more := page["next"].(string)
		if !more {
			return sum
		}
		next = "&before=" + cursor
	}
}

// checkChain compares the mirror with all of GET /chain.
func (c *crash) checkChain(p *process) {
	c.t.Helper()
	got := p.blocks()
	if !slices.EqualFunc(got, c.rival.chain.hashes, func(b wire.Block, hash string) bool { return b.Hash() == hash }) {
		c.t.Errorf("GET /chain has %d other blocks than /v1/blocks", len(got))
	}
}

// prepare mines until the next load's senders have their money below every
// height at which a branch may leave the chain. The branch that was on offer at
// the kill leaves it below, so that it is now or never.
func (c *crash) prepare(p *process) {
	c.t.Helper()
	if !c.record.peers[c.rival.address()] {
		p.must(http.StatusCreated, "POST", "/node", `{"node": "`+c.rival.address()+`"}`)
		c.record.endPeer(c.rival.address(), true)
	}
	p.must(http.StatusOK, "POST", "/resolve_conflicts", "")
	if err := c.rival.read(p); err != nil {
		c.t.Fatal(err)
	}
	c.rival.withdraw()
	for _, sender := range []string{c.rival.keys.Address(), c.record.wallet} {
		balance := p.must(http.StatusOK, "GET", "/v1/balances/"+sender, "")
		for available := balance["available"].(wire.Number).Float64(); available < budget; available += 10 {
			b := c.rival.next(c.rival.chain.blocks[c.rival.chain.height()], nil, sender)
			if taken, err := c.rival.send(p, b); err != nil || !taken {
				c.t.Fatalf("the node refused block %d: %v", b.Index, err)
			}
			c.rival.chain.push(b)
		}
	}
	c.rival.floor = c.rival.chain.height()
}
