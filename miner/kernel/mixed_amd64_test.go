//go:build !purego

package kernel

import (
	"testing"
	"unsafe"
)

// TestMixedLayout compares the table with the offsets that the generator knows.
func TestMixedLayout(t *testing.T) {
	var table mixedTable
	for name, test := range map[string][2]uintptr{
		"abef":   {unsafe.Offsetof(table.abef), 0},
		"cdgh":   {unsafe.Offsetof(table.cdgh), 16},
		"added":  {unsafe.Offsetof(table.added), 32},
		"limit":  {unsafe.Offsetof(table.limit), 48},
		"rounds": {unsafe.Offsetof(table.rounds), 64},
		"sums":   {unsafe.Offsetof(table.sums), 320},
		"k":      {unsafe.Offsetof(table.k), 576},
		"pairs":  {unsafe.Offsetof(table.pairs), 832},
		"buffer": {unsafe.Sizeof(table.pairs[0]), 33 * 64},
	} {
		if test[0] != test[1] {
			t.Errorf("%s: offset or size %d, want %d", name, test[0], test[1])
		}
	}
}
