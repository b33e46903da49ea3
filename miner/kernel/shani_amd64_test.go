//go:build !purego

package kernel

import (
	"testing"
	"unsafe"
)

// TestShaNILayout compares the table with the offsets that the generator knows.
func TestShaNILayout(t *testing.T) {
	var table shaNIWordTable
	for name, test := range map[string][2]uintptr{
		"scratch":  {unsafe.Offsetof(table.scratch), 0},
		"results":  {unsafe.Offsetof(table.results), 256},
		"firsts":   {unsafe.Offsetof(table.firsts), 320},
		"abef":     {unsafe.Offsetof(table.abef), 576},
		"cdgh":     {unsafe.Offsetof(table.cdgh), 592},
		"added":    {unsafe.Offsetof(table.added), 608},
		"limit":    {unsafe.Offsetof(table.limit), 624},
		"rounds":   {unsafe.Offsetof(table.rounds), 640},
		"k":        {unsafe.Offsetof(table.k), 896},
		"sums":     {unsafe.Offsetof(table.sums), 1088},
		"schedule": {unsafe.Offsetof(table.schedule), 1280},
		"added2":   {unsafe.Offsetof(table.added2), 1536},
		"saved":    {unsafe.Offsetof(table.saved), 1552},
		"second":   {unsafe.Offsetof(table.second), 1616},
		"row":      {unsafe.Sizeof(shaNIRow{}), 32},
	} {
		if test[0] != test[1] {
			t.Errorf("%s: offset or size %d, want %d", name, test[0], test[1])
		}
	}
}
