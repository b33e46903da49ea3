package kernel

// Limit is what a unit of the CPU could do if a kernel did nothing else. What a
// kernel reaches of it tells how good it is on whatever machine.
type Limit struct {
	Name string
	// Run does as much work as that many hashes would need of the unit, at least.
	Run func(hashes int) (done int)
}

// SHALimit is that of the SHA extensions: independent instructions for rounds, as
// many as one block has, without a message schedule. It is false where the
// machine has none, or none is known.
func SHALimit() (Limit, bool) { return shaLimit(detect()) }
