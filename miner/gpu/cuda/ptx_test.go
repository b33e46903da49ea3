package cuda

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"lode/miner/gpu/device"
)

func TestThereIsPTXForEachVariant(t *testing.T) {
	files, err := assembly.ReadDir("ptx")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, file := range files {
		got = append(got, file.Name())
	}
	for _, v := range device.Variants(1) {
		want = append(want, v.String()+".ptx")
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("there is\n%q instead of\n%q", got, want)
	}
}

func TestImages(t *testing.T) {
	for _, v := range device.Variants(1) {
		text, err := image(v)
		if err != nil {
			t.Fatal(err)
		}
		want := []int{8, 8, 8, 4, 4, 4, 4, 4, 4}
		if v.Kernel == device.Enter {
			want = want[1:]
		}
		if got := parameterBytes(text); !slices.Equal(got, want) {
			t.Errorf("%s: the parameters have %d bytes instead of %d", v, got, want)
		}
		if bytes.IndexByte(text, 0) != len(text)-1 {
			t.Errorf("%s doesn't end with its only zero byte", v)
		}
		for _, part := range []string{"// " + v.String() + ":", ".target sm_70\n", ".entry " + string(v.Kernel) + "("} {
			if strings.Count(string(text), part) != 1 {
				t.Errorf("%s: %q is not in it once", v, part)
			}
		}
	}
}
