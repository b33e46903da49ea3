package main

import (
	"errors"
	"fmt"
	"net/http"

	"lode/chain/wire"
)

// mirror is the node's chain as it was read last. It belongs to the rival while
// a load runs, else to the test's own goroutine.
type mirror struct {
	blocks []wire.Block
	hashes []string
}

func newMirror() *mirror {
	return &mirror{blocks: []wire.Block{wire.Genesis()}, hashes: []string{wire.GenesisHash}}
}

func (m *mirror) height() int64 { return int64(len(m.blocks)) - 1 }

func (m *mirror) cut(height int64) {
	m.blocks, m.hashes = m.blocks[:height+1], m.hashes[:height+1]
}

func (m *mirror) push(b wire.Block) {
	m.blocks, m.hashes = append(m.blocks, b), append(m.hashes, b.Hash())
}

// holds tells whether a block is in the chain.
func (m *mirror) holds(height int64, hash string) bool {
	return height <= m.height() && m.hashes[height] == hash
}

// sync reads the blocks that have become others since the last time, and returns
// them.
func (m *mirror) sync(p *process) (fresh []wire.Block, err error) {
	from := m.height()
	for step := int64(1); ; {
		blocks, height, err := readBlocks(p, from)
		if err != nil {
			return nil, err
		}
		if len(blocks) == 0 || blocks[0].Hash() != m.hashes[from] {
			if from == 0 {
				return nil, errors.New("the node's block 0 is another one")
			}
			from = max(from-step, 0)
			step *= 2
			continue
		}
		m.cut(from)
		for _, b := range blocks[1:] {
			m.push(b)
		}
		fresh = append(fresh, blocks[1:]...)
		if m.height() >= height {
			return fresh, nil
		}
		from = m.height()
	}
}

// readBlocks is one page of GET /v1/blocks, and the height of the tip.
func readBlocks(p *process, from int64) (blocks []wire.Block, height int64, err error) {
	code, text, err := p.try("GET", fmt.Sprintf("/v1/blocks?from=%d&limit=1000", from), "")
	if err != nil {
		return nil, 0, err
	}
	v, err := wire.Decode([]byte(text))
	if err != nil || code != http.StatusOK {
		return nil, 0, fmt.Errorf("GET /v1/blocks: %d %.200s: %w", code, text, err)
	}
	page := v.(map[string]any)
	height, _ = page["height"].(wire.Number).Int64()
	for _, item := range page["blocks"].([]any) {
		b, err := wire.BlockOf(item)
		if err != nil {
			return nil, 0, err
		}
		blocks = append(blocks, b)
	}
	return blocks, height, nil
}

// sums are balances, counted from zero. All amounts are multiples of 1/4, so
// that they are exact.
func sums(blocks []wire.Block) map[string]float64 {
	balances := map[string]float64{}
	for _, b := range blocks {
		for _, t := range b.Transactions {
			balances[t.Recipient] += t.Amount.Float64()
			if t.Sender != wire.RewardSender {
				balances[t.Sender] -= t.Amount.Float64()
			}
		}
	}
	return balances
}

// counts is how often each recipient is paid in blocks and in open payments.
func counts(blocks []wire.Block, open []wire.Transaction) map[string]int {
	count := map[string]int{}
	for _, b := range blocks {
		for _, t := range b.Payments() {
			count[t.Recipient]++
		}
	}
	for _, t := range open {
		count[t.Recipient]++
	}
	return count
}
