//go:build (amd64 || arm64) && !linux && !purego

package kernel

// awaitCPU does nothing: other systems have no system calls that may be made without the Go
// runtime.
//
//go:nosplit
func (d *detachable) awaitCPU() {}
