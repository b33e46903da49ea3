package bench

import (
	"errors"
	"strings"
	"testing"
)

// invented is a report of a machine with a limit, on which a kernel was not measured
// beside crypto/sha256.
func invented() Report {
	fraction := func(f float64) *float64 { return &f }
	return Report{
		Machine: Machine{"A CPU", []string{"SHA", "AVX2"}, []int{0, 2, 3}, 6, 0},
		Limit:   &Limit{"32 steps a hash", 101e6},
		Results: []Result{
			{"quick", 0, 66, "one word", 74_400_000, fraction(0.7366), 3, "5f1e2a90b7"},
			{"quick", 12, 66, "one word", 744_000_000, fraction(0.6139), 3, "5f1e2a90b7"},
			{"slow", 1, 115, "table", 3_000_000, fraction(0.0297), 3, "0c7d"},
			{wholeCrypto, 0, 66, wholeLayout, 6_200_000, fraction(0.0614), 0, ""},
		},
	}
}

func TestTable(t *testing.T) {
	const want = `A CPU (SHA AVX2), CPUs allowed: 3, GOMAXPROCS 6
limit of one core: 101.00 MH/s (32 steps a hash)

KERNEL         WORKERS  PREFIX  LAYOUT           MH/S  OF LIMIT  X CRYPTO  PROOFS  CHECKSUM
quick                -      66  one word        74.40     0.737      12.0       3  5f1e2a90
quick               12      66  one word       744.00     0.614      10.0       3  5f1e2a90
slow                 1     115  table            3.00     0.030         -       3      0c7d
crypto/sha256        -      66  whole message    6.20     0.061       1.0       0          
`
	var text strings.Builder
	if err := invented().WriteTable(&text); err != nil || text.String() != want {
		t.Errorf("%v:\n%s\nwant\n%s", err, &text, want)
	}
}

func TestTableWithoutLimit(t *testing.T) {
	r := invented()
	r.Limit = nil
	r.Results = r.Results[:1]
	r.Results[0].FractionOfLimit = nil
	const want = `A CPU (SHA AVX2), CPUs allowed: 3, GOMAXPROCS 6
no limit of this CPU is known

KERNEL  WORKERS  PREFIX  LAYOUT     MH/S  OF LIMIT  X CRYPTO  PROOFS  CHECKSUM
quick         -      66  one word  74.40         -         -       3  5f1e2a90
`
	var text strings.Builder
	if err := r.WriteTable(&text); err != nil || text.String() != want {
		t.Errorf("%v:\n%s\nwant\n%s", err, &text, want)
	}
}

func TestJSON(t *testing.T) {
	r := invented()
	r.Results = r.Results[:2]
	r.Results[1].FractionOfLimit = nil
	const want = `{"machine":{"cpu":"A CPU","features":["SHA","AVX2"],"cpus_allowed":[0,2,3],"gomaxprocs":6},` +
		`"limit":{"name":"32 steps a hash","hashes_per_second":101000000},"results":[` +
		`{"kernel":"quick","workers":0,"prefix_bytes":66,"layout":"one word","hashes_per_second":74400000,"fraction_of_limit":0.7366,"proofs_verified":3,"proofs_sha256":"5f1e2a90b7"},` +
		`{"kernel":"quick","workers":12,"prefix_bytes":66,"layout":"one word","hashes_per_second":744000000,"fraction_of_limit":null,"proofs_verified":3,"proofs_sha256":"5f1e2a90b7"}]}` + "\n"
	var text strings.Builder
	if err := r.WriteJSON(&text); err != nil || text.String() != want {
		t.Errorf("%v:\n%s\nwant\n%s", err, &text, want)
	}
	text.Reset()
	empty := Report{Machine: Machine{Features: []string{}, CPUsAllowed: []int{}}, Results: []Result{}}
	const wantEmpty = `{"machine":{"cpu":"","features":[],"cpus_allowed":[],"gomaxprocs":0},"limit":null,"results":[]}` + "\n"
	if err := empty.WriteJSON(&text); err != nil || text.String() != wantEmpty {
		t.Errorf("%v:\n%s\nwant\n%s", err, &text, wantEmpty)
	}
}

// fullDisk takes nothing.
type fullDisk struct{}

var errFull = errors.New("full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWritingFails(t *testing.T) {
	for _, write := range []error{invented().WriteTable(fullDisk{}), invented().WriteJSON(fullDisk{})} {
		if !errors.Is(write, errFull) {
			t.Error(write)
		}
	}
}

// TestQuotaIsReported where there is one: rates are not those of the CPUs then.
func TestQuotaIsReported(t *testing.T) {
	r := Report{Machine: Machine{CPU: "A CPU", Quota: 1.5}}
	var table, object strings.Builder
	if err := errors.Join(r.WriteTable(&table), r.WriteJSON(&object)); err != nil {
		t.Fatal(err)
	}
	if want := "A CPU (), CPUs allowed: 0, GOMAXPROCS 0, quota of 1.50 CPUs\n"; !strings.HasPrefix(table.String(), want) {
		t.Errorf("%q, want %q", table.String(), want)
	}
	if want := `"gomaxprocs":0,"quota":1.5}`; !strings.Contains(object.String(), want) {
		t.Errorf("%s lacks %s", object.String(), want)
	}
}
