package opencl

import (
	"testing"

	"lode/miner/gpu/device"
)

// What GPUs are given has other macros than what a CPU's vectors are.
func TestKernelsForGPUsBuild(t *testing.T) {
	d := openFirst(t)
	for _, v := range []device.Variant{
		{Kernel: device.Enter, Lanes: 1}, {Kernel: device.ScanWord, Word: 12, Lanes: 1}, {Kernel: device.ScanTable, Word: 13, Lanes: 1},
	} {
		if _, err := d.Build(v); err != nil {
			t.Error(err)
		}
	}
}
