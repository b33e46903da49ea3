// Package lode is a proof-of-work mining node for the network of the lecture
// "Building your own blockchain from scratch". The program is cmd/miner; the
// packages are described in docs/architecture.md.
package lode
