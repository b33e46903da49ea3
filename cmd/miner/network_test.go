package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lode/chain/wire"
)

// TestNodesConverge lets nodes mine apart, each a chain of its own, and then
// know each other.
func TestNodesConverge(t *testing.T) {
	for _, count := range []int{2, 5} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			nodes := startMany(t, count)
			for i, n := range nodes {
				for range 3 + i {
					n.mine()
				}
			}
			longest := nodes[count-1]
			height, tip := longest.tip()
			introduce(nodes)
			for _, n := range nodes {
				n.must(http.StatusOK, "POST", "/resolve_conflicts", "")
			}
			for i, n := range nodes {
				if h, hash := n.tip(); h != height || hash != tip {
					t.Errorf("node %d stands at %d %s, the longest chain at %d %s", i, h, hash, height, tip)
				}
			}
			// Nodes of this program ask each other only for the blocks that they lack.
			if _, text := longest.request("GET", "/metrics", ""); strings.Contains(text, `route="/chain"`) {
				t.Error("a node was asked for its whole chain")
			}
			payThenMineElsewhere(t, nodes)
		})
	}
}

// payThenMineElsewhere does what people's scripts do: a payment at one node is
// in the block that another one mines right after, and every node has it.
func payThenMineElsewhere(t *testing.T, nodes []*process) {
	t.Helper()
	payer, other := nodes[len(nodes)-1], nodes[0]
	payer.must(http.StatusCreated, "POST", "/transaction", `{"recipient": "somebody", "amount": 4}`)
	tip := other.mine()
	for i, n := range nodes {
		if _, hash := n.tip(); hash != tip {
			t.Errorf("node %d has the tip %s, not %s", i, hash, tip)
		}
		balance := n.must(http.StatusOK, "GET", "/v1/balances/somebody", "")
		if balance["confirmed"] != wire.Int(4) {
			t.Errorf("node %d: the payee has %v", i, balance)
		}
	}
}

// TestMinersConverge lets nodes that mine without end meet, each with a chain
// of its own, and find to one by themselves: nobody is asked to resolve.
func TestMinersConverge(t *testing.T) {
	nodes := startMany(t, 3, "--difficulty", "5", "--mine")
	for _, n := range nodes {
		if !n.output.waitFor(`msg="new tip"`) {
			t.Fatal("no block was mined")
		}
	}
	introduce(nodes)
	eventually(t, func() bool { return agree(nodes) })
}

// agree tells whether all nodes have the same block 1.
func agree(nodes []*process) bool {
	first := blockHash(nodes[0], 1)
	return !slices.ContainsFunc(nodes, func(n *process) bool { return blockHash(n, 1) != first })
}

// blockHash is the hash of the block at a height.
func blockHash(p *process, height int) string {
	p.t.Helper()
	return p.must(http.StatusOK, "GET", fmt.Sprintf("/v1/blocks/%d", height), "")["hash"].(string)
}

func startMany(t *testing.T, count int, args ...string) []*process {
	t.Helper()
	args = append([]string{"--difficulty", "3", "--workers", "1", "--create-wallet"}, args...)
	nodes := make([]*process, count)
	for i := range nodes {
		nodes[i] = start(t, t.TempDir(), freePort(t), args...)
	}
	return nodes
}

// introduce makes every node a peer of every other one.
func introduce(nodes []*process) {
	for _, n := range nodes {
		for _, other := range nodes {
			if n != other {
				n.must(http.StatusCreated, "POST", "/node", `{"node": "`+other.address()+`"}`)
			}
		}
	}
}

// TestConflict raises the conflict flag in both ways that the original knows: a
// peer refuses our block, and a peer's block is too far ahead. Then POST /mine
// is refused until somebody resolves.
func TestConflict(t *testing.T) {
	nodes := startMany(t, 2)
	ours, theirs := nodes[0], nodes[1]
	ours.mine()
	theirs.mine()
	theirs.mine()
	ours.must(http.StatusCreated, "POST", "/node", `{"node": "`+theirs.address()+`"}`)
	ours.mine()                                       // which they refuse: they have another block 2
	mustResolve(t, ours, "Local chain not replaced.") // theirs isn't longer

	theirs.mine()
	theirs.must(http.StatusCreated, "POST", "/node", `{"node": "`+ours.address()+`"}`)
	theirs.mine() // block 4, which is too far ahead for us
	mustResolve(t, ours, "Local blockchain replaced by peer chain.")

	tip := ours.mine()
	if height, hash := theirs.tip(); height != 5 || hash != tip {
		t.Errorf("the peer stands at %d %s after our block 5 %s", height, hash, tip)
	}
}

// mustResolve checks that a node mines only after its conflict is resolved.
func mustResolve(t *testing.T, p *process, message string) {
	t.Helper()
	refused := p.must(http.StatusConflict, "POST", "/mine", "")
	if refused["message"] != "Resolve conflicts first. Block not added" {
		t.Errorf("POST /mine: %v", refused)
	}
	if resolved := p.must(http.StatusOK, "POST", "/resolve_conflicts", ""); resolved["message"] != message {
		t.Errorf("POST /resolve_conflicts: %v, want %q", resolved, message)
	}
}

// TestLongProofs: a block whose proof has more than a hundred digits is accepted by
// a peer, served, told on to another one that comes later, and read again after a
// restart.
func TestLongProofs(t *testing.T) {
	first := startMany(t, 1, "--search", "long")[0]
	others := startMany(t, 2)
	introduce([]*process{first, others[0]})
	want := first.mine()
	block := others[0].must(http.StatusOK, "GET", "/v1/blocks/1", "")["block"].(map[string]any)
	if proof := block["proof"].(wire.Number).String(); len(proof) < 100 || len(proof) > 128 || strings.Trim(proof, "0123456789") != "" {
		t.Errorf("proof %q", proof)
	}
	others[1].must(http.StatusCreated, "POST", "/node", `{"node": "`+others[0].address()+`"}`)
	others[1].must(http.StatusOK, "POST", "/resolve_conflicts", "")
	first.interrupt()
	first = start(t, first.dir, first.port, "--difficulty", "3")
	for i, node := range []*process{first, others[0], others[1]} {
		if height, hash := node.tip(); height != 1 || hash != want {
			t.Errorf("node %d stands at %d %s, want 1 %s", i, height, hash, want)
		}
	}
}
