package miner

import "time"

// Pause stops all searching, that of later calls of Search too, until Resume.
// Workers leave after the range that they are on, which takes 0.1 ms; scans of
// devices are cut short. A search that is under way keeps its place.
func (e *Engine) Pause() {
	e.searching.Lock()
	defer e.searching.Unlock()
	if !e.isPaused {
		e.isPaused, e.pausedAt = true, time.Now()
	}
	if e.current != nil {
		e.current.pause()
	}
}

// Resume lets searching go on where it was.
func (e *Engine) Resume() {
	e.searching.Lock()
	defer e.searching.Unlock()
	if e.isPaused {
		e.isPaused = false
		e.pausedFor += time.Since(e.pausedAt)
	}
	if e.current != nil {
		e.current.isPaused.Store(false)
		e.assign(e.current)
	}
}

// Paused tells whether searching is paused.
func (e *Engine) Paused() bool {
	e.searching.Lock()
	defer e.searching.Unlock()
	return e.isPaused
}

// PausedFor is how long searching has been paused in all, up to now.
func (e *Engine) PausedFor() time.Duration {
	e.searching.Lock()
	defer e.searching.Unlock()
	if e.isPaused {
		return e.pausedFor + time.Since(e.pausedAt)
	}
	return e.pausedFor
}

// begin makes a job the one that Pause stops, and hands it out.
func (e *Engine) begin(j *job) {
	e.searching.Lock()
	defer e.searching.Unlock()
	e.current = j
	j.isPaused.Store(e.isPaused)
	e.assign(j)
}

// end is called when the search for a job's proof has ended.
func (e *Engine) end() {
	e.searching.Lock()
	defer e.searching.Unlock()
	e.current = nil
}

// pause lets nobody claim anything, and takes the blocks away that devices are on:
// whoever comes first after the pause gets them, those devices too.
func (j *job) pause() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.isPaused.Store(true)
	for lane, b := range j.blocks {
		if b == nil {
			continue
		}
		hasGivenBack := j.gaveBack[lane]
		j.blocks[lane] = nil
		j.put(lane, b.span)
		j.gaveBack[lane] = hasGivenBack
		b.cancel()
	}
}
