// Command variants prints the kernels that a GPU may be asked to build: a line for each,
// with its name and what a compiler has to define for it.
package main

import (
	"fmt"

	"lode/miner/gpu/device"
)

func main() {
	for _, variant := range device.Variants(1) {
		fmt.Print(variant)
		for _, define := range variant.Defines() {
			fmt.Printf(" -D%s=%s", define[0], define[1])
		}
		fmt.Println()
	}
}
