package cuda

import (
	"embed"
	"fmt"
	"regexp"

	"lode/miner/gpu/device"
)

// assembly is what .ci/ptx makes of package device's source.
//
//go:embed ptx
var assembly embed.FS

// image is a variant's PTX as the driver takes it, with a zero byte at its end. Errors
// are device.ErrBuild.
func image(v device.Variant) ([]byte, error) {
	text, err := assembly.ReadFile("ptx/" + v.String() + ".ptx")
	if err != nil {
		return nil, fmt.Errorf("%w: there is no PTX for %s", device.ErrBuild, v)
	}
	return append(text, 0), nil
}

// parameter matches the declaration of one: only a kernel's own have a comma or, the
// last one, nothing behind them.
var parameter = regexp.MustCompile(`(?m)^\.param \.u(32|64) \w+,?$`)

// parameterBytes are the sizes of a kernel's parameters. The driver reads as many as
// there are, whatever it is given.
func parameterBytes(image []byte) (sizes []int) {
	for _, found := range parameter.FindAllSubmatch(image, -1) {
		if string(found[1]) == "64" {
			sizes = append(sizes, 8)
		} else {
			sizes = append(sizes, 4)
		}
	}
	return sizes
}
