package device

import (
	"context"
	"sync"
)

// Programs are the kernels of a device, each built and tested when it is first
// needed.
type Programs struct {
	device Device
	force  bool
	doing  func(what string) // told before something that takes long
	failed func(error)       // told of a self-test that failed and is forced

	mu    sync.Mutex // guards the field below
	built map[Variant]*entry
}

// entry is a kernel; its lock is held while it is built and tested, so that others
// who need it wait.
type entry struct {
	mu      sync.Mutex
	program Program
	err     error
	done    bool
}

func NewPrograms(d Device, force bool, doing func(string), failed func(error)) *Programs {
	return &Programs{device: d, force: force, doing: doing, failed: failed, built: map[Variant]*entry{}}
}

// get is the kernel, tested by that scanner. Errors are ErrBuild and ErrSelfTest.
func (p *Programs) get(ctx context.Context, v Variant, s *Scanner) (Program, error) {
	e := p.entry(v)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.done {
		return e.program, e.err
	}
	if e.program == nil {
		p.doing("building " + v.String())
		if e.program, e.err = p.device.Build(v); e.err != nil {
			e.done = true
			return nil, e.err
		}
	}
	if v.Kernel == Enter { // tested with each of the others
		e.done = true
		return e.program, nil
	}
	p.doing("testing " + v.String())
	err := s.selfTest(ctx, v, e.program)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil && p.force {
		p.failed(err)
		err = nil
	}
	e.err, e.done = err, true
	return e.program, e.err
}

func (p *Programs) entry(v Variant) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.built[v]
	if e == nil {
		e = &entry{}
		p.built[v] = e
	}
	return e
}
