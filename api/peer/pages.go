package peer

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"lode/chain"
	"lode/chain/wire"
)

// pageLength is how many blocks are asked for at once.
const pageLength = 500

// page is an answer to GET /v1/blocks.
type page struct {
	height int64 // of the peer's tip
	blocks []wire.Block
}

// fetchMissing reads only the blocks above the last common one.
func (d *download) fetchMissing(ctx context.Context) (*branch, error) {
	tip := d.cfg.Ledger.Tip()
	next, err := d.page(ctx, tip.Height+1, pageLength)
	if err != nil || next.height <= tip.Height || len(next.blocks) == 0 {
		return nil, err
	}
	base := tip
	if next.blocks[0].PreviousHash != tip.Hash {
		next.blocks = nil
		if base, err = d.forkPoint(ctx, tip.Height); err != nil {
			return nil, err
		}
	}
	b := d.newBranch(base)
	return b, d.follow(ctx, b, next)
}

// follow appends the blocks of next and of the pages after it. The peer's chain
// may be replaced between two pages, which is no lie.
func (d *download) follow(ctx context.Context, b *branch, next page) error {
	for {
		if len(next.blocks) > 0 && next.blocks[0].PreviousHash != b.tip.Hash {
			return fmt.Errorf("block %d: %w", b.tip.Height+1, errMoved)
		}
		for _, block := range next.blocks {
			if err := b.append(block); err != nil {
				return err
			}
			d.transfer.progressed(b.length(), next.height-b.base.Height)
		}
		if b.tip.Height >= next.height {
			return nil
		}
		var err error
		if next, err = d.page(ctx, b.tip.Height+1, pageLength); err != nil {
			return err
		}
		if len(next.blocks) == 0 && b.tip.Height < next.height {
			return fmt.Errorf("%w: no block %d, though the tip is %d", errInvalid, b.tip.Height+1, next.height)
		}
	}
}

// forkPoint finds the last common block below height, where the chains differ:
// backwards in steps of 1, 2, 4, ... and then by halving the last step.
func (d *download) forkPoint(ctx context.Context, height int64) (chain.Tip, error) {
	same, differs := int64(-1), height
	for step := int64(1); same < 0; step *= 2 {
		if differs == 0 {
			return chain.Tip{}, errGenesis
		}
		probe := max(differs-step, 0)
		if err := d.compare(ctx, probe, &same, &differs); err != nil {
			return chain.Tip{}, err
		}
	}
	for differs-same > 1 {
		if err := d.compare(ctx, same+(differs-same)/2, &same, &differs); err != nil {
			return chain.Tip{}, err
		}
	}
	hash, err := d.ourHash(same)
	return chain.Tip{Height: same, Hash: hash}, err
}

// compare moves same or differs to height.
func (d *download) compare(ctx context.Context, height int64, same, differs *int64) error {
	ours, err := d.ourHash(height)
	if err != nil {
		return err
	}
	theirs, err := d.theirHash(ctx, height)
	if err != nil {
		return err
	}
	if ours == theirs {
		*same = height
	} else {
		*differs = height
	}
	return nil
}

func (d *download) theirHash(ctx context.Context, height int64) (hash string, err error) {
	err = d.object(ctx, fmt.Sprintf("/v1/blocks/%d", height), func(object map[string]any) error {
		var ok bool
		if hash, ok = object["hash"].(string); !ok {
			return fmt.Errorf("%w: no hash in the answer", errInvalid)
		}
		return nil
	})
	return hash, err
}

// page asks for blocks, for fewer when they are too long together.
func (d *download) page(ctx context.Context, from int64, limit int) (p page, err error) {
	path := fmt.Sprintf("/v1/blocks?from=%d&limit=%d", from, limit)
	err = d.object(ctx, path, func(object map[string]any) (err error) {
		p, err = pageOf(object)
		return err
	})
	if errors.Is(err, errTooLong) && limit > 1 {
		return d.page(ctx, from, max(limit/8, 1))
	}
	return p, err
}

func pageOf(object map[string]any) (page, error) {
	height, isNumber := object["height"].(wire.Number)
	tip, fits := height.Int64()
	items, isList := object["blocks"].([]any)
	if !isNumber || !fits || !isList {
		return page{}, fmt.Errorf("%w: no height or no blocks in the answer", errInvalid)
	}
	p := page{height: tip}
	for i, item := range items {
		block, err := wire.BlockOf(item)
		if err != nil {
			return page{}, fmt.Errorf("block %d of the page: %w", i, err)
		}
		p.blocks = append(p.blocks, block)
	}
	return p, nil
}

// object reads a JSON object and has it used.
func (d *download) object(ctx context.Context, path string, use func(map[string]any) error) error {
	limit := int64(d.cfg.MaxBlockBytes) + maxAnswerBytes
	return d.client.get(ctx, d.address, path, limit, func(a answer) error {
		if a.status != http.StatusOK {
			return a.problem()
		}
		v, err := wire.DecodeBounded(a.text)
		if err != nil {
			return err
		}
		object, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%w: the answer is no JSON object", errInvalid)
		}
		return use(object)
	})
}
