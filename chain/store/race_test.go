//go:build race

package store

// oneIn is which part of a long series of faults a test goes through: everything takes
// some times as long under the race detector, and nothing in them runs side by side
// but the check at each start, which is always the same.
const oneIn = 10
