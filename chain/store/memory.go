package store

import (
	"bytes"
	"iter"
	"slices"
	"sync"

	"lode/chain/wire"
)

// Memory is a store that forgets everything when it is closed, for tests and
// benchmarks. It keeps DB's contract but for the disk.
type Memory struct {
	mu       sync.Mutex // guards all below
	blocks   []wire.Block
	hashes   []digest // of the blocks
	heights  map[string]int64
	accounts map[string][]byte
	payments map[wire.Transaction]int // how often it stands in the blocks
	pool     []wire.Transaction
	peers    []string
	meta     map[string]string
}

// NewMemory is an empty store.
func NewMemory() *Memory {
	return &Memory{heights: map[string]int64{}, accounts: map[string][]byte{},
		payments: map[wire.Transaction]int{}, meta: map[string]string{}}
}

// Head is DB.Head.
func (m *Memory) Head() (int64, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.blocks) == 0 {
		return -1, "", nil
	}
	last := len(m.blocks) - 1
	return int64(last), m.hashes[last].String(), nil
}

// Block is DB.Block.
func (m *Memory) Block(height int64) (wire.Block, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if height < 0 || height >= int64(len(m.blocks)) {
		return wire.Block{}, absent(height)
	}
	return m.blocks[height], nil
}

// HashAt is DB.HashAt.
func (m *Memory) HashAt(height int64) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if height < 0 || height >= int64(len(m.hashes)) {
		return "", absent(height)
	}
	return m.hashes[height].String(), nil
}

// HeightOf is DB.HeightOf.
func (m *Memory) HeightOf(hash string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	height, ok := m.heights[hash]
	if !ok {
		return 0, absentHash(hash)
	}
	return height, nil
}

// Account is DB.Account.
func (m *Memory) Account(address string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.accounts[address]), nil
}

// HasPayment is DB.HasPayment.
func (m *Memory) HasPayment(t wire.Transaction) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.payments[t] > 0, nil
}

// Accounts is DB.Accounts.
func (m *Memory) Accounts() (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.accounts), nil
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
	m.peers = sortedSet(peers)
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
	return m.Replace(base, sealAll(blocks), accounts, pool, atOnce)
}

// Replace is DB.Replace. The blocks must not come from this store.
func (m *Memory) Replace(base int64, blocks iter.Seq2[wire.Sealed, error], accounts map[string][]byte, pool []wire.Transaction,
	publish func(change func() error) error) error {
	return publish(func() error { return m.replace(base, blocks, accounts, pool) })
}

func (m *Memory) replace(base int64, blocks iter.Seq2[wire.Sealed, error], accounts map[string][]byte, pool []wire.Transaction) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.replaceBlocks(base, blocks); err != nil {
		return err
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

func (m *Memory) replaceBlocks(base int64, blocks iter.Seq2[wire.Sealed, error]) error {
	if err := checkBase(base, int64(len(m.blocks))-1); err != nil {
		return err
	}
	var parent digest
	if base >= 0 {
		parent = m.hashes[base]
	}
	var added []wire.Block
	var hashes []digest
	err := follow(base, parent, blocks, func(_ int64, b wire.Sealed) error {
		added, hashes = append(added, b.Block), append(hashes, b.Sum)
		return nil
	})
	if err != nil {
		return err
	}
	for _, hash := range m.hashes[base+1:] {
		delete(m.heights, hash.String())
	}
	m.countPayments(m.blocks[base+1:], -1)
	m.countPayments(added, 1)
	for i, hash := range hashes {
		m.heights[hash.String()] = base + 1 + int64(i)
	}
	m.blocks = append(m.blocks[:base+1], added...)
	m.hashes = append(m.hashes[:base+1], hashes...)
	return nil
}

func (m *Memory) countPayments(blocks []wire.Block, by int) {
	for _, b := range blocks {
		for _, t := range b.Payments() {
			if m.payments[t] += by; m.payments[t] == 0 {
				delete(m.payments, t)
			}
		}
	}
}

// Close does nothing.
func (m *Memory) Close() error { return nil }
