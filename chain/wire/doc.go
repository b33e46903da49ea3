// Package wire owns the bytes that every node of the network must agree on:
// how numbers and strings are spelled, what a block's hash and its proof of
// work are computed over, and the JSON that nodes exchange.
//
// The form is that of the original node on CPython 3.7 to 3.11. Its values are
// Python's, so numbers keep int and float apart, and strings may hold lone
// surrogates; those stand in a Go string as their three-byte generalised UTF-8
// form (WTF-8).
package wire

//go:generate sh -c "go run ./reprgen < testdata/vectors.json > repr_table.go"
