package protocol

import (
	"bytes"
	"fmt"
	"slices"
)

// MaxListing is the most bytes that a Listing has in JSON.
const MaxListing = 1 << 20

// Listing is what `miner-gpu list` prints: all devices, and all that was tried.
type Listing struct {
	Version  int       `json:"version"`
	Devices  []Device  `json:"devices"`
	Attempts []Attempt `json:"attempts"`
}

// Encode writes a Listing as one line of JSON; its version is set. Errors are ErrValue.
func (l Listing) Encode() ([]byte, error) {
	l = l.cleaned()
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("encoding the list of devices: %w", err)
	}
	text, err := marshal(l)
	if err == nil && len(text) >= MaxListing {
		err = fmt.Errorf("%w: a list of %d bytes", ErrValue, len(text))
	}
	if err != nil {
		return nil, fmt.Errorf("encoding the list of devices: %w", err)
	}
	return append(text, '\n'), nil
}

// DecodeListing reads what Encode writes. Errors are ErrLine, ErrVersion and ErrValue.
func DecodeListing(text []byte) (Listing, error) {
	var l Listing
	text = bytes.TrimSuffix(text, []byte("\n"))
	if err := checkVersion(text); err != nil {
		return Listing{}, err
	}
	if err := unmarshal(text, &l); err != nil {
		return Listing{}, err
	}
	again, err := l.Encode()
	if err != nil {
		return Listing{}, err
	}
	if err := sameText(text, again[:len(again)-1]); err != nil {
		return Listing{}, err
	}
	return l, nil
}

// cleaned has lists that are not nil: they are [] in JSON.
func (l Listing) cleaned() Listing {
	devices, attempts := l.Devices, l.Attempts
	l = Listing{Version, make([]Device, 0, len(devices)), make([]Attempt, 0, len(attempts))}
	for _, d := range devices {
		l.Devices = append(l.Devices, d.cleaned())
	}
	for _, a := range attempts {
		l.Attempts = append(l.Attempts, Attempt{clean(a.Backend), clean(a.What), clean(a.Result)})
	}
	return l
}

func (l Listing) check() error {
	var seen []string
	for _, d := range l.Devices {
		if err := d.check(); err != nil {
			return err
		}
		if slices.Contains(seen, d.ID) {
			return fmt.Errorf("%w: two devices %s", ErrValue, d.ID)
		}
		seen = append(seen, d.ID)
	}
	return nil
}
