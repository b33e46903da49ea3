package store

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"lode/chain/wire"
)

// Memory is a store that forgets everything when it is closed, for tests and
// benchmarks. It keeps DB's contract but for the disk.
type Memory struct {
	mu       sync.Mutex // guards all below
	blocks   []wire.Block
	heights  map[string]int64
	accounts map[string][]byte
	pool     []wire.Transaction
	peers    []string
	meta     map[string]string
}

// NewMemory is an empty store.
func NewMemory() *Memory {
	return &Memory{heights: map[string]int64{}, accounts: map[string][]byte{}, meta: map[string]string{}}
}

// Head is DB.Head.
func (m *Memory) Head() (int64, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.blocks) == 0 {
		return -1, "", nil
	}
	return int64(len(m.blocks)) - 1, m.blocks[len(m.blocks)-1].Hash(), nil
}

// Block is DB.Block.
func (m *Memory) Block(height int64) (wire.Block, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if height < 0 || height >= int64(len(m.blocks)) {
		return wire.Block{}, fmt.Errorf("block %d: %w", height, fs.ErrNotExist)
	}
	return m.blocks[height], nil
}

// HeightOf is DB.HeightOf.
func (m *Memory) HeightOf(hash string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	height, ok := m.heights[hash]
	if !ok {
		return 0, fmt.Errorf("block %.64q: %w", hash, fs.ErrNotExist)
	}
	return height, nil
}

// Account is DB.Account.
func (m *Memory) Account(address string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.accounts[address]), nil
}

// Pool is DB.Pool.
func (m *Memory) Pool() ([]wire.Transaction, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.pool), nil
}

// AppendPool is DB.AppendPool.
func (m *Memory) AppendPool(t wire.Transaction) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pool = append(m.pool, t)
	return nil
}

// Peers is DB.Peers.
func (m *Memory) Peers() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.peers), nil
}

// SetPeers is DB.SetPeers.
func (m *Memory) SetPeers(peers []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.peers = slices.Sorted(slices.Values(peers))
	return nil
}

// Meta is DB.Meta.
func (m *Memory) Meta(name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.meta[name], nil
}

// SetMeta is DB.SetMeta.
func (m *Memory) SetMeta(name, value string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.meta[name] = value
	return nil
}

// Commit is DB.Commit.
func (m *Memory) Commit(base int64, blocks []wire.Block, accounts map[string][]byte, pool []wire.Transaction) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.blocks[base+1:] {
		delete(m.heights, b.Hash())
	}
	m.blocks = append(m.blocks[:base+1:base+1], blocks...)
	for i, b := range blocks {
		m.heights[b.Hash()] = base + 1 + int64(i)
	}
	for address, record := range accounts {
		if len(record) == 0 {
			delete(m.accounts, address)
			continue
		}
		m.accounts[address] = bytes.Clone(record)
	}
	m.pool = slices.Clone(pool)
	return nil
}

// Close does nothing.
func (m *Memory) Close() error { return nil }
