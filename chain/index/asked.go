package index

import (
	"errors"

	"lode/chain"
	"lode/chain/wire"
)

// asked is a ledger whose errors tell that they are its own: its file is of the same
// kind, so it fails in the same ways, and an index that is made again mends nothing
// of that.
type asked struct{ Ledger }

// ledgerError is what a ledger failed with.
type ledgerError struct{ error }

func (e ledgerError) Unwrap() error { return e.error }

func (a asked) HashAt(height int64) (string, error) {
	hash, err := a.Ledger.HashAt(height)
	return hash, ledgers(err)
}

func (a asked) Block(height int64) (wire.Block, error) {
	b, err := a.Ledger.Block(height)
	return b, ledgers(err)
}

// ledgers marks an error, but for one that only says how long the chain is.
func ledgers(err error) error {
	if err == nil || errors.Is(err, chain.ErrNotFound) {
		return err
	}
	return ledgerError{err}
}
