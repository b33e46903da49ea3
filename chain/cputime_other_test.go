//go:build !unix

package chain_test

import "time"

// cpuTime is 0: this system isn't asked.
func cpuTime() time.Duration { return 0 }
