package wallet

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"lode/chain/wallet/multibuffer"
)

// Together is how many payments it is best to verify at a time, or a multiple of it. Digests
// have twice as many lanes as signatures.
const Together = 2 * multibuffer.Lanes

// Payment is what a signature covers, and the signature.
type Payment struct{ Sender, Recipient, Amount, Signature string }

// lane is what a payment is verified by, alone or beside others.
type lane struct {
	index     int // of the payment
	key       preparedKey
	sum       [sha256.Size]byte
	signature string // in hex
}

func (l lane) limbs() int { return l.key.lane.Limbs() }

func (l lane) verify() error { return l.key.verify(l.sum, l.signature) }

// VerifyAll verifies payments as Verify does, several at a time where the CPU can and
// their keys have one size. It returns the index of the first wrong one with its error,
// or how many there are and nil.
func (v *Verifier) VerifyAll(payments []Payment) (failed int, err error) {
	failed = len(payments)
	found := func(i int, problem error) {
		if problem != nil && i < failed {
			failed, err = i, problem
		}
	}
	d := v.digesters.Get().(*digester)
	defer v.digesters.Put(d)
	sums := d.digests(payments)
	lanes := make([]lane, 0, len(payments))
	for i, p := range payments {
		key, problem := v.key(p.Sender)
		if problem != nil {
			found(i, problem)
			continue
		}
		l := lane{i, key, sums[i], p.Signature}
		if l.limbs() == 0 {
			found(i, l.verify())
			continue
		}
		lanes = append(lanes, l)
	}
	slices.SortStableFunc(lanes, func(a, b lane) int { return a.limbs() - b.limbs() })
	for len(lanes) > 0 {
		count := sameSize(lanes)
		errs := v.verifyLanes(lanes[:count])
		for i, l := range lanes[:count] {
			found(l.index, errs[i])
		}
		lanes = lanes[count:]
	}
	return failed, err
}

// sameSize is how many of the first lanes can be verified at a time.
func sameSize(lanes []lane) int {
	count := 1
	for count < min(len(lanes), multibuffer.Lanes) && lanes[count].limbs() == lanes[0].limbs() {
		count++
	}
	return count
}

// verifyLanes verifies signatures of keys of one size; the errors are by lane. What the
// vectors refuse is verified once more without them, so that a fault of theirs refuses
// nothing. To take what is wrong, they would have to come to the one right encoding of
// the digest by mistake.
func (v *Verifier) verifyLanes(lanes []lane) (errs [multibuffer.Lanes]error) {
	var taken [multibuffer.Lanes]bool
	if len(lanes) > 1 { // a single one is faster without
		v.take(lanes, &taken)
	}
	for i, l := range lanes {
		if !taken[i] {
			errs[i] = l.verify()
		}
	}
	return errs
}

// take tells which signatures are right, by lane.
func (v *Verifier) take(lanes []lane, taken *[multibuffer.Lanes]bool) {
	batch := v.batches.Get().(*multibuffer.Batch)
	defer v.batches.Put(batch)
	batch.Reset(lanes[0].limbs())
	var buffer [2 * MaxBits / 8]byte  // a signature in hex
	var places [multibuffer.Lanes]int // in lanes, by the batch's
	for i, l := range lanes {
		if len(l.signature) != 2*l.key.modulus.Size() {
			continue
		}
		signature := buffer[:copy(buffer[:], l.signature)]
		size, err := hex.Decode(signature, signature)
		if err == nil && batch.Add(l.key.lane, signature[:size]) {
			places[batch.Taken()-1] = i
		}
	}
	batch.Raise()
	for i, place := range places[:batch.Taken()] {
		l := lanes[place]
		taken[place] = batch.Equals(i, encode(buffer[:l.key.modulus.Size()], l.sum))
	}
}
