//go:build (amd64 || arm64) && !purego

package kernel

import _ "unsafe" // for linkname

// leaveGo and enterGo are before and behind detached assembly. They are the
// runtime's own functions for system calls, kept with their signatures for such
// packages as gVisor's (golang/go#67401). Both calls must stand in one function, and
// between them only a call of assembly whose operands are ready, and awaitCPU: no Go code
// may grow the stack there, allocate or write a pointer.

//go:linkname leaveGo runtime.entersyscall
func leaveGo()

//go:linkname enterGo runtime.exitsyscall
func enterGo()
