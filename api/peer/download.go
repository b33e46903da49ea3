package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"lode/chain"
	"lode/chain/wire"
)

// errGenesis means that not even block 0 is the same.
var errGenesis = errors.New("the peer's chain begins with another block 0")

// Result is what came of asking a peer for its chain.
type Result string

// The results of a download.
const (
	ResultAdopted Result = "adopted" // all of it, or what came before it broke off
	ResultNothing Result = "nothing" // the peer's chain is not longer than ours
	ResultFailed  Result = "failed"
)

// Results are all that there are.
func Results() []Result { return []Result{ResultAdopted, ResultNothing, ResultFailed} }

// Download is a peer that was asked for its chain.
type Download struct {
	Result Result
	Blocks int64 // that came and that our chain didn't have
	Took   time.Duration
}

func resultOf(adopted bool, err error) Result {
	switch {
	case adopted:
		return ResultAdopted
	case err != nil:
		return ResultFailed
	}
	return ResultNothing
}

// download reads from one peer what its chain has and ours has not.
type download struct {
	cfg     Config
	client  *client
	spool   *spool
	address string

	transfer *transfer // what is told of it
}

// fetch returns the peer's branch, nil when its chain is not longer. With an
// error the branch holds what came before; the caller closes it either way.
func (d *download) fetch(ctx context.Context) (*branch, error) {
	known, err := d.isLode(ctx)
	if err != nil {
		return nil, err
	}
	if known {
		return d.fetchMissing(ctx)
	}
	return d.fetchChain(ctx)
}

// isLode asks whether the peer runs this program. Whatever else answers is
// taken for an original node.
func (d *download) isLode(ctx context.Context) (is bool, err error) {
	err = d.client.get(ctx, d.address, "/v1/status", maxAnswerBytes, func(a answer) error {
		v, err := wire.Decode(a.text)
		status, isObject := v.(map[string]any)
		is = a.ok() && err == nil && isObject && status["software"] == wire.Software
		return nil
	})
	if errors.Is(err, errTooLong) {
		return false, nil
	}
	return is, err
}

// fetchChain reads an original node's whole chain and keeps the part from the
// first block on that is not ours.
func (d *download) fetchChain(ctx context.Context) (*branch, error) {
	s, err := d.client.open(ctx, d.address, "/chain", d.cfg.MaxDownloadBytes)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if s.status != http.StatusOK {
		return nil, fmt.Errorf("GET /chain: %w", answer{status: s.status}.problem())
	}
	d.transfer.progressed(0, s.length)
	b, err := d.readChain(s)
	if err != nil {
		err = fmt.Errorf("GET /chain: %w", err)
	}
	return b, err
}

func (d *download) readChain(s *stream) (*branch, error) {
	blocks := wire.NewBlockReader(s, d.cfg.MaxBlockBytes)
	var b *branch
	common := "" // hash of the last common block
	for height := int64(0); ; height++ {
		block, err := blocks.Next()
		s.decoded()
		d.transfer.progressed(s.read(), s.length)
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
		if b == nil {
			ours, err := d.ourHash(height)
			if err != nil {
				return nil, err
			}
			if ours != "" && block.Hash() == ours {
				common = ours
				continue
			}
			if height == 0 {
				return nil, errGenesis
			}
			b = d.newBranch(chain.Tip{Height: height - 1, Hash: common})
		}
		if err := b.append(block); err != nil {
			return b, err
		}
	}
}

// ourHash is the hash of our block, "" above the tip.
func (d *download) ourHash(height int64) (string, error) {
	if height > d.cfg.Ledger.Tip().Height {
		return "", nil
	}
	hash, err := d.cfg.Ledger.HashAt(height)
	if err != nil {
		return "", fmt.Errorf("%w: looking for the common block: %w", errLocal, err)
	}
	return hash, nil
}
