package miner

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lode/chain/wire"
)

// span is the ranges from to to-1.
type span struct{ from, to uint64 }

// block is a span that a device is on.
type block struct {
	span
	began  time.Time
	cancel context.CancelFunc // ends the device's scan
}

// A block is one launch of a device at least. Each costs a round trip to the device's
// program, so a longer one is better, but the end of a search waits for those that are
// under way: blocks of more launches are a small part of what a search should take.
const (
	mostLaunches = 8
	blockPart    = 1. / 32
)

// blockSize is how many candidates a device gets that does so many in a launch.
func (j *job) blockSize(launch float64) uint64 {
	return uint64(min(max(launch, ExpectedCandidates(j.spec.Difficulty)*blockPart), mostLaunches*launch))
}

// claimBlock takes about that many candidates for a lane, of the ranges that others
// gave back or else the next ones; false if none can matter. What a lane gave back it
// doesn't get again: the result would wait as long again. What ends the scan of the
// block is called as soon as the block can't matter any more.
func (j *job) claimBlock(lane int, hashes uint64, cancel context.CancelFunc) (b *block, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.isPaused.Load() {
		return nil, false
	}
	var s span
	if !j.gaveBack[lane] {
		s, ok = j.take(func(from uint64) uint64 { return j.space.blockEnd(from, hashes) })
	}
	if !ok {
		s, ok = j.claimNext(hashes)
	}
	if !ok {
		return nil, false
	}
	b = &block{s, time.Now(), cancel}
	j.blocks[lane] = b
	return b, true
}

// claimNext takes the next ranges. The caller holds the lock, so nobody looks for the
// holder of a range before it is set down.
func (j *job) claimNext(hashes uint64) (s span, ok bool) {
	for {
		s.from = j.next.Load()
		if !j.matters(s.from) {
			return span{}, false
		}
		s.to = j.space.blockEnd(s.from, hashes)
		if j.next.CompareAndSwap(s.from, s.to) {
			return s, true
		}
	}
}

// reclaim takes a range for a worker, of those that were given back. Where no device
// fails, it costs one look.
func (j *job) reclaim(worker int) (number uint64, ok bool) {
	if !j.isReturned.Load() {
		return 0, false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s, ok := j.take(func(from uint64) uint64 { return from + 1 })
	if ok {
		j.holds[worker].Store(s.from)
	}
	return s.from, ok
}

// take takes the first ranges that were given back, up to an end that depends on
// where they begin; false if none matters. The caller holds the lock.
func (j *job) take(end func(from uint64) uint64) (s span, ok bool) {
	if len(j.returned) == 0 || !j.matters(j.returned[0].from) {
		return span{}, false
	}
	first := &j.returned[0]
	s = span{first.from, min(first.to, end(first.from))}
	if first.from = s.to; first.from == first.to {
		j.returned = j.returned[1:]
	}
	j.isReturned.Store(len(j.returned) > 0)
	return s, true
}

// finishBlock notes that a device has tried a whole block in vain.
func (j *job) finishBlock(lane int, b *block) { j.leaveBlock(lane, b, func() {}) }

// hitBlock notes the first proof of a block, which lies in that range.
func (j *job) hitBlock(lane int, b *block, number uint64, proof wire.Number) {
	j.leaveBlock(lane, b, func() { j.improve(number, proof) })
}

// giveBack leaves a block to whoever asks next.
func (j *job) giveBack(lane int, b *block) { j.leaveBlock(lane, b, func() { j.put(lane, b.span) }) }

// leaveBlock takes a lane off its block. If that has been taken away already, the
// answer is late and counts for nothing.
func (j *job) leaveBlock(lane int, b *block, then func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.blocks[lane] == b {
		j.blocks[lane] = nil
		then()
	}
}

// put adds ranges of a lane that others must do, if they matter, and calls for
// workers, which may have left. The caller holds the lock.
func (j *job) put(lane int, s span) {
	if !j.matters(s.from) {
		return
	}
	j.gaveBack[lane] = true
	at, _ := slices.BinarySearchFunc(j.returned, s, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	if at > 0 && j.returned[at-1].to == s.from { // one entry, however often a device fails
		j.returned[at-1].to = s.to
	} else {
		j.returned = slices.Insert(j.returned, at, s)
	}
	j.isReturned.Store(true)
	select {
	case j.givenBack <- struct{}{}:
	default: // somebody is called already
	}
}

// revoke takes away the blocks that lanes have been on for that long and that the
// result waits for. It returns the lanes.
func (j *job) revoke(patience time.Duration) (lanes []int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for lane, b := range j.blocks {
		if b != nil && j.matters(b.from) && time.Since(b.began) >= patience {
			j.blocks[lane] = nil
			j.put(lane, b.span)
			b.cancel()
			lanes = append(lanes, lane)
		}
	}
	return lanes
}

// cancelBlocks ends the scans of all blocks from a range on. The caller holds the
// lock.
func (j *job) cancelBlocks(from uint64) {
	for _, b := range j.blocks {
		if b != nil && b.from >= from {
			b.cancel()
		}
	}
}
