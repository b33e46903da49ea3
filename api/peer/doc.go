// Package peer is the node's outgoing side: it tells the other nodes of the
// network about blocks and payments, and takes over the longest valid chain
// that one of them has.
//
// Each peer has its own bounded queue and goroutine, so that a peer that is
// slow, gone or hostile delays nobody else. Messages to one peer keep their
// order. All goroutines belong to [Network.Run] or to the caller of
// [Network.Resolve], and end with their context.
//
// Two protocols are spoken: the one of the original Python node, whose whole
// chain is read from GET /chain, and the one of this program, from which only
// missing blocks are read (GET /v1/blocks).
package peer
