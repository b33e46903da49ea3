package wire

// Software is what nodes of this program call themselves to other nodes: by
// it they know that a peer has routes that the original lacks.
const Software = "lode"
