package bench

import (
	"strings"
	"testing"
)

// inventedDevices are a GPU whose clock is known, and a CPU with a driver.
func inventedDevices() []DeviceReport {
	return []DeviceReport{
		{
			"gpu0 NVIDIA H100", "cuda", "550.54", "gpu", 132, "sha-ni", 12, []DeviceResult{
				{66, "one word", 18_100_000_000, 18_000_000_000, 0.9945, 744_000_000, 18_700_000_000, 0.9976, 0.0051, 0.00987, &Bound{1980, 1980, 21_400_000_000, 0.8458}, 3, "5f1e2a90b7"},
				{52, "table", 22_000_000_000, 21_900_000_000, 0.9955, 1_010_000_000, 22_800_000_000, 0.9952, 0.0055, 0.01234, nil, 3, "5f1e2a90b7"},
			},
		},
		{"gpu1 pthread", "opencl", "", "cpu", 2, "avx2", 1, []DeviceResult{
			{66, "long proofs, table, late digits", 130_500_000, 126_000_000, 0.9655, 40_000_000, 110_000_000, 0.6627, 0.004, 0.02, nil, 3, "5f1e2a90b7"},
		}},
	}
}

func TestDeviceTables(t *testing.T) {
	r := invented()
	r.Results, r.Devices = nil, inventedDevices()
	const want = `A CPU (SHA AVX2), CPUs allowed: 3, GOMAXPROCS 6
limit of one core: 101.00 MH/s (32 steps a hash)

KERNEL  WORKERS  PREFIX  LAYOUT  MH/S  OF LIMIT  X CRYPTO  PROOFS  CHECKSUM

gpu0 NVIDIA H100 (cuda, driver 550.54, gpu, 132 units), beside 12 workers of sha-ni

PREFIX  LAYOUT        MH/S  OF BOUND  IN ENGINE  OF MH/S  WORKERS  TOGETHER  OF SUM  CANCEL MS   P99  PROOFS  CHECKSUM
    66  one word  18100.00     0.846   18000.00    0.995   744.00  18700.00   0.998        5.1   9.9       3  5f1e2a90
    52  table     22000.00         -   21900.00    0.996  1010.00  22800.00   0.995        5.5  12.3       3  5f1e2a90

gpu1 pthread (opencl, driver unknown, cpu, 2 units), beside 1 worker of avx2
it computes on the CPUs that the workers are on, so that both together can't do the sum

PREFIX  LAYOUT                             MH/S  OF BOUND  IN ENGINE  OF MH/S  WORKERS  TOGETHER  OF SUM  CANCEL MS   P99  PROOFS  CHECKSUM
    66  long proofs, table, late digits  130.50         -     126.00    0.966    40.00    110.00   0.663        4.0  20.0       3  5f1e2a90
`
	var text strings.Builder
	if err := r.WriteTable(&text); err != nil || text.String() != want {
		t.Errorf("%v:\n%s\nwant\n%s", err, &text, want)
	}
}

func TestDeviceJSON(t *testing.T) {
	r := Report{Machine: Machine{Features: []string{}, CPUsAllowed: []int{}}, Results: []Result{}, Devices: inventedDevices()[:1]}
	const want = `{"machine":{"cpu":"","features":[],"cpus_allowed":[],"gomaxprocs":0},"limit":null,"results":[],"devices":[` +
		`{"name":"gpu0 NVIDIA H100","backend":"cuda","driver":"550.54","kind":"gpu","units":132,"kernel":"sha-ni","workers":12,"results":[` +
		`{"prefix_bytes":66,"layout":"one word","hashes_per_second":18100000000,"engine_hashes_per_second":18000000000,"engine_fraction":0.9945,` +
		`"workers_hashes_per_second":744000000,"together_hashes_per_second":18700000000,"together_fraction":0.9976,` +
		`"cancel_p50_seconds":0.0051,"cancel_p99_seconds":0.00987,` +
		`"bound":{"clock_mhz":1980,"max_clock_mhz":1980,"hashes_per_second":21400000000,"fraction":0.8458},"proofs_verified":3,"proofs_sha256":"5f1e2a90b7"},` +
		`{"prefix_bytes":52,"layout":"table","hashes_per_second":22000000000,"engine_hashes_per_second":21900000000,"engine_fraction":0.9955,` +
		`"workers_hashes_per_second":1010000000,"together_hashes_per_second":22800000000,"together_fraction":0.9952,` +
		`"cancel_p50_seconds":0.0055,"cancel_p99_seconds":0.01234,"proofs_verified":3,"proofs_sha256":"5f1e2a90b7"}]}]}` + "\n"
	var text strings.Builder
	if err := r.WriteJSON(&text); err != nil || text.String() != want {
		t.Errorf("%v:\n%s\nwant\n%s", err, &text, want)
	}
}
