package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// The network of TestConvergenceUnderPartitions.
const (
	convergeDifficulty = 3
	convergeBlocks     = 50
	convergeRounds     = 20 // at most
)

// convergence is the network.
type convergence struct {
	t       *testing.T
	random  *rand.Rand
	members []member
	ours    []*process
	theirs  []*classic
	ways    [][]*proxy // from, to

	mu       sync.Mutex // guards what follows
	payments int
	ourPaid  []string // recipients of what our nodes acknowledged
}

// TestConvergenceUnderPartitions has two nodes of this program and two that
// speak the original's protocol mine and pay while the ways between them are cut
// at random, one or both directions, and connections drop within messages. Each
// time the ways are open again all come to one chain; nothing that our nodes
// acknowledged is lost. CONVERGE_SEED repeats the choices of another run.
func TestConvergenceUnderPartitions(t *testing.T) {
	seed := setting(t, "CONVERGE_SEED", time.Now().UnixNano())
	t.Logf("CONVERGE_SEED=%d", seed)
	c := newConvergence(t, rand.New(rand.NewPCG(uint64(seed), 0)))
	c.begin()
	rounds, height := 0, 0
	for ; rounds < convergeRounds && height < convergeBlocks; rounds++ {
		c.partition()
		c.act()
		height = c.heal()
	}
	if height < convergeBlocks {
		t.Errorf("%d blocks after %d rounds", height, rounds)
	}
	c.check()
	dropped := 0
	for _, theirs := range c.theirs {
		dropped += theirs.dropped
	}
	t.Logf("%d rounds, %d blocks, %d payments, of which our nodes acknowledged %d; the original lost %d open ones",
		rounds, height, c.payments, len(c.ourPaid), dropped)
}

func newConvergence(t *testing.T, random *rand.Rand) *convergence {
	c := &convergence{t: t, random: random}
	for i := range 2 {
		p := start(t, t.TempDir(), fixedPort(t, random), "--difficulty", fmt.Sprint(convergeDifficulty),
			"--workers", "1", "--kernel", "generic", "--create-wallet", "--auto-resolve")
		c.ours = append(c.ours, p)
		c.theirs = append(c.theirs, newClassic(t, convergeDifficulty, i))
	}
	for i := range 2 {
		c.members = append(c.members, ourMember{c.ours[i]}, theirMember{c.theirs[i]})
	}
	for i, from := range c.members {
		c.ways = append(c.ways, nil)
		var peers []string
		for j, to := range c.members {
			c.ways[i] = append(c.ways[i], nil)
			if i != j {
				c.ways[i][j] = newProxy(t, to.host(), rand.New(rand.NewPCG(random.Uint64(), 0)))
				peers = append(peers, c.ways[i][j].address())
			}
		}
		c.must(from.meet(peers))
	}
	return c
}

func (c *convergence) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// firstBlocks is how many blocks each member mines while all are connected, so
// that no fork takes the money of which it pays.
const firstBlocks = 2

func (c *convergence) begin() {
	for range firstBlocks {
		for _, m := range c.members {
			c.must(m.mine())
		}
	}
	c.heal()
}

// partition changes the way between any two of them.
func (c *convergence) partition() {
	for i := range c.members {
		for j := range i {
			switch there, back := c.ways[i][j], c.ways[j][i]; c.random.IntN(6) {
			case 0, 1:
				there.set(cut)
				back.set(cut)
			case 2:
				there.set(cut)
			case 3:
				back.set(cut)
			case 4:
				there.set(fault(2 + c.random.IntN(2)))
				back.set(fault(2 + c.random.IntN(2)))
			}
		}
	}
}

// act has all members do something at the same time.
func (c *convergence) act() {
	var acting sync.WaitGroup
	for i, m := range c.members {
		random := rand.New(rand.NewPCG(c.random.Uint64(), 0))
		acting.Go(func() {
			for range 2 + random.IntN(3) {
				if err := c.once(i, m, random); err != nil {
					c.t.Errorf("member %d: %v", i, err)
				}
			}
		})
	}
	acting.Wait()
}

// once mines or pays a little to another member's next recipient.
func (c *convergence) once(i int, m member, random *rand.Rand) error {
	if random.IntN(2) == 0 {
		return m.mine()
	}
	c.mu.Lock()
	c.payments++
	recipient := fmt.Sprintf("it's payment %d of %d", c.payments, i)
	c.mu.Unlock()
	acknowledged, err := m.pay(recipient, []string{"0.25", "0.5", "0.125"}[random.IntN(3)])
	if _, isOurs := m.(ourMember); isOurs && acknowledged {
		c.mu.Lock()
		c.ourPaid = append(c.ourPaid, recipient)
		c.mu.Unlock()
	}
	return err
}

// heal opens all ways and returns the height at which all members agree. One of
// the longest chains goes on, which the others hear of.
func (c *convergence) heal() int {
	for i := range c.members {
		for j := range c.members {
			if i != j {
				c.ways[i][j].set(open)
			}
		}
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		c.must(c.members[c.longest()].mine())
		// Our nodes resolve by themselves, after a pause if they just have.
		for until := time.Now().Add(3 * time.Second); time.Now().Before(until); {
			if height, agree := c.agree(); agree {
				return int(height)
			}
		}
	}
	c.t.Fatalf("the network didn't come to one chain within %v", patience)
	return 0
}

// longest is a member with one of the longest chains.
func (c *convergence) longest() (longest int) {
	highest := int64(-1)
	for i, m := range c.members {
		m.settle()
		if height, _ := m.tip(); height > highest {
			longest, highest = i, height
		}
	}
	return longest
}

// agree tells whether all have the same last block, and its height.
func (c *convergence) agree() (height int64, agree bool) {
	tip := ""
	for _, m := range c.members {
		m.settle()
		at, hash := m.tip()
		if tip != "" && hash != tip {
			return 0, false
		}
		height, tip = at, hash
	}
	return height, true
}

// check compares all chains and balances, and looks for our payments.
func (c *convergence) check() {
	c.t.Helper()
	chain := c.members[0].chain()
	for i, m := range c.members[1:] {
		if dumps(m.chain()) != dumps(chain) {
			c.t.Errorf("member %d has another chain", i+1)
		}
	}
	for address, want := range balances(chain) {
		for _, p := range c.ours {
			path := "/v1/balances/" + strings.ReplaceAll(address, " ", "%20")
			code, text := p.request("GET", path, "")
			if got := parse(c.t, text).(object)["confirmed"]; code != http.StatusOK || float(got) != want {
				c.t.Errorf("%.40s has %v, and the chain says %g", address, got, want)
			}
		}
	}
	c.checkPayments(chain)
}

// checkPayments finds each acknowledged payment of ours in the chain or still
// open. It is there once, but for copies that come late: signatures carry no
// nonce, so that nodes of both kinds take those for further payments.
func (c *convergence) checkPayments(chain []any) {
	c.t.Helper()
	there := map[string]int{}
	for _, b := range chain {
		for _, t := range b.(object)["transactions"].([]any) {
			there[t.(object)["recipient"].(string)]++
		}
	}
	copies := 0
	for _, theirs := range c.theirs {
		copies += theirs.repeated
	}
	for _, p := range c.ours {
		_, text := p.request("GET", "/transactions", "")
		for _, t := range parse(c.t, text).(object)["Open transactions :"].([]any) {
			recipient := t.(object)["recipient"].(string)
			there[recipient] = max(there[recipient], 1) // the other node may hold it too
		}
		copies += p.repeated()
	}
	for _, recipient := range c.ourPaid {
		if there[recipient] == 0 {
			c.t.Errorf("%q is lost", recipient)
		}
		copies -= max(there[recipient]-1, 0)
	}
	if copies < 0 {
		c.t.Errorf("%d payments were made again, though nobody was sent a copy", -copies)
	}
}
