package bench

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"lode/chain/wire"
)

// rawTime is how long signatures are verified for one figure.
const rawTime = 200 * time.Millisecond

// rawRates are how many signatures crypto/rsa verifies per second, with the key and the
// digest at hand: in one goroutine, and in as many as there are cores.
func rawRates(ctx context.Context, key signer) (one, all float64, err error) {
	if one, err = rawRate(ctx, key, 1); err != nil {
		return 0, 0, err
	}
	all, err = rawRate(ctx, key, runtime.GOMAXPROCS(0))
	return one, all, err
}

func rawRate(ctx context.Context, key signer, cores int) (sum float64, err error) {
	t, err := key.pay("recipient", wire.Int(1))
	if err != nil {
		return 0, err
	}
	signature, err := hex.DecodeString(t.Signature)
	if err != nil {
		return 0, err
	}
	digest := payDigest(t.Sender, t.Recipient, t.Amount)
	rates := make([]float64, cores)
	group, ctx := errgroup.WithContext(ctx)
	for i := range rates {
		group.Go(func() (err error) {
			var wrong error
			rates[i], err = timed(ctx, rawTime, func() int {
				wrong = errors.Join(wrong, rsa.VerifyPKCS1v15(&key.private.PublicKey, crypto.SHA256, digest, signature))
				return 1
			})
			return errors.Join(err, wrong)
		})
	}
	err = group.Wait()
	for _, rate := range rates {
		sum += rate
	}
	return sum, err
}

// ofRaw is which part a rate is of what all cores could do at one core's raw rate.
func ofRaw(rate, oneCore float64) float64 { return rate / (oneCore * float64(runtime.GOMAXPROCS(0))) }
