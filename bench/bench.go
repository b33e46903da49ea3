// Package bench measures the whole path: the search, the ledger, POST /mine
// and cancellation.
package bench

import (
	"testing"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
)

// Case is one benchmark. Names follow benchstat's key=value form.
type Case struct {
	Name string
	Run  func(*testing.B)
}

// Cases are all benchmarks of the suite.
func Cases() []Case {
	return []Case{
		{"ledger=add/store=memory", addToMemory},
		{"ledger=add/store=bbolt", addToDisk},
	}
}

// difficulty makes every proof valid, so that only the ledger is measured.
const difficulty = 0

func addToMemory(b *testing.B) { add(b, store.NewMemory()) }

func addToDisk(b *testing.B) {
	db, err := store.Open(b.TempDir() + "/chain.db")
	if err != nil {
		b.Fatal(err)
	}
	add(b, db)
}

// add measures chain.Add of a block that pays only its miner.
func add(b *testing.B, s chain.Store) {
	c, err := chain.Open(chain.Config{Store: s, Difficulty: difficulty})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	})
	for b.Loop() {
		template, err := c.Template("miner")
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Add(b.Context(), template.Block(wire.Int(0), wire.Int(0))); err != nil {
			b.Fatal(err)
		}
	}
}
