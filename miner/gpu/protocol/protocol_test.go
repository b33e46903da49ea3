package protocol

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"lode/miner/kernel"
)

var h100 = Device{
	ID: "cuda:0", Backend: "cuda", Name: "NVIDIA H100", Vendor: "NVIDIA", Driver: "550.54", Kind: GPU,
	MemoryBytes: 85_899_345_920, Units: 132, PCI: "0000:17:00.0",
}

const h100Line = `{"id":"cuda:0","backend":"cuda","name":"NVIDIA H100","vendor":"NVIDIA","driver":"550.54","kind":"gpu",` +
	`"memory_bytes":85899345920,"units":132,"pci":"0000:17:00.0","problem":""}`

// abc is a Work behind a prefix of one whole block and "abc".
var abc = kernel.NewWork([]byte(strings.Repeat("0", 64)+"abc"), kernel.Digits{Head: "1", High: 4, Middle: "000", Low: 3}, 6)

type golden struct {
	message Message
	line    string
}

var goldenAnswers = []golden{
	{Hello{1, h100}, `{"type":"hello","version":1,"device":` + h100Line + `}`},
	{State{"building word 12"}, `{"type":"state","doing":"building word 12"}`},
	{Ready{1.2e9, 2, "passed"}, `{"type":"ready","rate":1200000000,"lanes":2,"self_test":"passed"}`},
	{Ready{0.5, 1, "failed: <3>"}, `{"type":"ready","rate":0.5,"lanes":1,"self_test":"failed: <3>"}`},
	{Done{7, -1, 80_000_000, 5_012_345}, `{"type":"done","scan":7,"hit":-1,"hashes":80000000,"nanoseconds":5012345}`},
	{Cancelled{7, 12}, `{"type":"cancelled","scan":7,"hashes":12}`},
	{Progress{7, 12}, `{"type":"progress","scan":7,"hashes":12}`},
	{Failed{7, "out of memory"}, `{"type":"error","scan":7,"message":"out of memory"}`},
	{Fatal{"no device cuda:9", FatalNoDevice}, `{"type":"fatal","message":"no device cuda:9","kind":"no-device"}`},
}

var goldenRequests = []golden{
	{NewWork(3, abc), `{"type":"work","work":3,"midstate":"16c81d26fdb2174ad75f6e8af562d3efb33c1ce71e4bcf5101e4cafd36f002e0","tail":"616263",` +
		`"bytes":67,"difficulty":6,"head":"1","high":4,"middle":"000","low":3}`},
	{Scan{7, 3, 0, 80_000_000}, `{"type":"scan","scan":7,"work":3,"first":0,"count":80000000}`},
	{Scan{math.MaxUint64, 3, 9_999_999_999_999_999_999, 1}, `{"type":"scan","scan":18446744073709551615,"work":3,"first":9999999999999999999,"count":1}`},
	{Cancel{7}, `{"type":"cancel","scan":7}`},
}

func TestGoldenLines(t *testing.T) {
	for _, direction := range []struct {
		decode func([]byte) (Message, error)
		lines  []golden
	}{{DecodeAnswer, goldenAnswers}, {DecodeRequest, goldenRequests}} {
		for _, g := range direction.lines {
			if line, err := Encode(g.message); string(line) != g.line+"\n" || err != nil {
				t.Errorf("%+v is %s, error %v; want %s", g.message, line, err, g.line)
			}
			if m, err := direction.decode([]byte(g.line)); !reflect.DeepEqual(m, g.message) || err != nil {
				t.Errorf("%s is %+v, error %v", g.line, m, err)
			}
		}
	}
}

// TestDirections hands each end its own lines.
func TestDirections(t *testing.T) {
	for _, g := range goldenAnswers {
		if m, err := DecodeRequest([]byte(g.line)); m != nil || !errors.Is(err, ErrType) {
			t.Errorf("request %s: %v, error %v", g.line, m, err)
		}
	}
	for _, g := range goldenRequests {
		if m, err := DecodeAnswer([]byte(g.line)); m != nil || !errors.Is(err, ErrType) {
			t.Errorf("answer %s: %v, error %v", g.line, m, err)
		}
	}
}

func TestRefusedAnswers(t *testing.T) {
	for line, want := range map[string]error{
		``:                      ErrLine,
		`{}`:                    ErrType,
		`[]`:                    ErrValue,
		`hello`:                 ErrLine,
		`{"type":"hullo"}`:      ErrType,
		`{"type":"\u001b[31m"}`: ErrType,
		`{"type":7}`:            ErrValue,
		`{"type":"cancelled"}`:  ErrLine,
		`{"type":"hello"}`:      ErrVersion,
		`{"type":"hello","version":2,"anything":{}}`:                                        ErrVersion,
		`{"type":"hello","version":1,"device":{}}`:                                          ErrValue,
		`{"type":"state","doing":""}`:                                                       ErrValue,
		`{"type":"state","doing":null}`:                                                     ErrValue,
		`{"type":"state","doing":"a","more":1}`:                                             ErrLine,
		`{"type":"state","Doing":"a"}`:                                                      ErrLine,
		`{"type":"state","doing":"a","doing":"a"}`:                                          ErrLine,
		`{"type":"state","doing":"a"} `:                                                     ErrLine,
		`{"type":"state","doing":"a"}{}`:                                                    ErrLine,
		`{"type":"state","doing":"a\u001b[31m"}`:                                            ErrLine,
		`{"type":"state","doing":"a` + "\xff" + `"}`:                                        ErrLine,
		`{"type":"state","doing":"` + strings.Repeat("a", maxText+1) + `"}`:                 ErrLine,
		`{"type":"state","doing":"` + strings.Repeat("a", MaxLine) + `"}`:                   ErrTooLong,
		`{"type":"ready","rate":0,"lanes":2,"self_test":"passed"}`:                          ErrValue,
		`{"type":"ready","rate":-1,"lanes":2,"self_test":"passed"}`:                         ErrValue,
		`{"type":"ready","rate":1e400,"lanes":2,"self_test":"passed"}`:                      ErrValue,
		`{"type":"ready","rate":1,"lanes":0,"self_test":"passed"}`:                          ErrValue,
		`{"type":"ready","rate":1,"lanes":65,"self_test":"passed"}`:                         ErrValue,
		`{"type":"ready","rate":1,"lanes":2,"self_test":"maybe"}`:                           ErrValue,
		`{"type":"done","scan":7,"hashes":1,"nanoseconds":1}`:                               ErrLine,
		`{"type":"done","scan":7,"hit":-2,"hashes":1,"nanoseconds":1}`:                      ErrValue,
		`{"type":"done","scan":7,"hit":9223372036854775808,"hashes":1,"nanoseconds":1}`:     ErrValue,
		`{"type":"done","scan":7,"hit":1.5,"hashes":1,"nanoseconds":1}`:                     ErrValue,
		`{"type":"done","scan":7,"hit":1,"hashes":1,"nanoseconds":-1}`:                      ErrValue,
		`{"type":"done","scan":-7,"hit":1,"hashes":1,"nanoseconds":1}`:                      ErrValue,
		`{"type":"fatal","message":"","kind":""}`:                                           ErrValue,
		`{"type":"hello","version":1,"device":` + changed(h100Line, `"gpu"`, `"fpga"`):      ErrLine,
		`{"type":"hello","version":1,"device":` + changed(h100Line, `"gpu"`, `"x"`) + `}`:   ErrValue,
		`{"type":"hello","version":1,"device":` + changed(h100Line, `132`, `-1`) + `}`:      ErrValue,
		`{"type":"hello","version":1,"device":` + changed(h100Line, `cuda:0`, `a:0`) + `}`:  ErrValue,
		`{"type":"hello","version":1,"device":` + changed(h100Line, `cuda:0`, `cuda`) + `}`: ErrValue,
	} {
		if m, err := DecodeAnswer([]byte(line)); !errors.Is(err, want) || m != nil {
			t.Errorf("%.200s: %v, error %v; want %v", line, m, err, want)
		} else if len(err.Error()) > 600 || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%.200s: the error %q", line, err)
		}
	}
}

func TestRefusedRequests(t *testing.T) {
	work := goldenRequests[0].line
	for line, want := range map[string]error{
		changed(work, `"616263"`, `"6162"`):                                        ErrValue,
		changed(work, `"616263"`, `"61626"`):                                       ErrValue,
		changed(work, `"616263"`, `"61626g"`):                                      ErrValue,
		changed(work, `"616263"`, `"61626A"`):                                      ErrLine,
		changed(work, `"16c8`, `"`):                                                ErrValue,
		changed(work, `"16c8`, `"16c816c8`):                                        ErrValue,
		changed(work, `"bytes":67`, `"bytes":66`):                                  ErrValue,
		changed(work, `"bytes":67`, `"bytes":131`):                                 nil,
		changed(work, `67`, `2305843009213693891`):                                 ErrValue,
		changed(work, `"difficulty":6`, `"difficulty":65`):                         ErrValue,
		changed(work, `"difficulty":6`, `"difficulty":-1`):                         ErrValue,
		changed(work, `"head":"1"`, `"head":"x"`):                                  ErrValue,
		changed(work, `"middle":"000"`, `"middle":"0-0"`):                          ErrValue,
		changed(work, `"low":3`, `"low":0`):                                        ErrValue,
		changed(work, `"low":3`, `"low":15`):                                       nil,
		changed(work, `"low":3`, `"low":16`):                                       ErrValue,
		changed(work, `"low":3`, `"low":9223372036854775807`):                      ErrValue,
		changed(work, `"high":4`, `"high":-1`):                                     ErrValue,
		changed(work, `"high":4`, `"high":9223372036854775807`):                    ErrValue,
		changed(work, `"000"`, `"`+strings.Repeat("0", 121)+`"`):                   ErrValue,
		changed(work, `"000"`, `"`+strings.Repeat("0", 120)+`"`):                   nil,
		changed(work, `,"middle":"000"`, ``):                                       ErrLine,
		`{"type":"scan","scan":7,"work":3,"first":0,"count":0}`:                    ErrValue,
		`{"type":"scan","scan":7,"work":3,"first":0,"count":-1}`:                   ErrValue,
		`{"type":"scan","scan":7,"work":3,"first":0,"count":9223372036854775807}`:  nil,
		`{"type":"scan","scan":7,"work":3,"first":0,"count":9223372036854775808}`:  ErrValue,
		`{"type":"scan","scan":7,"work":3,"first":9999999999999999999,"count":2}`:  ErrValue,
		`{"type":"scan","scan":7,"work":3,"first":18446744073709551615,"count":2}`: ErrValue,
		`{"type":"scan","scan":7,"work":3,"count":1}`:                              ErrLine,
		`{"type":"cancel","scan":7,"first":0}`:                                     ErrLine,
	} {
		if _, err := DecodeRequest([]byte(line)); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", line, err, want)
		}
	}
}

// changed replaces what must be there.
func changed(line, from, to string) string {
	if strings.Count(line, from) != 1 {
		panic("not once in " + line + ": " + from)
	}
	return strings.Replace(line, from, to, 1)
}

// TestRefusedToEncode are mistakes of this end's own.
func TestRefusedToEncode(t *testing.T) {
	for _, m := range []Message{Ready{math.NaN(), 2, "passed"}, Ready{math.Inf(1), 2, "passed"}, Scan{}, Work{}, State{}, Hello{1, Device{}}} {
		if line, err := Encode(m); !errors.Is(err, ErrValue) || line != nil {
			t.Errorf("%+v: %s, error %v", m, line, err)
		}
	}
	if _, err := Encode(Hello{2, h100}); !errors.Is(err, ErrVersion) {
		t.Errorf("another version: %v", err)
	}
}

// TestTextsAreCleaned sends what compilers and drivers may say.
func TestTextsAreCleaned(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb\tc\x00\x1b[31m":     "a b c  [31m",
		"K\xf6nig \u202e":         "K\ufffdnig  ",
		strings.Repeat("ä", 1000): strings.Repeat("ä", 1000),
		strings.Repeat("ä", 1001): strings.Repeat("ä", 998) + "…",
		`"\<>&`:                   `"\<>&`,
	} {
		line, err := Encode(Failed{7, text})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := DecodeAnswer(bytes.TrimSuffix(line, []byte("\n"))); m != (Failed{7, want}) || err != nil {
			t.Errorf("%.100q: %+v, error %v", text, m, err)
		}
	}
	long := strings.Repeat(`"`, maxText+1)
	device := Device{"cuda:" + long, "cuda", long, long, long, GPU, 1, 1, long, long}
	if line, err := Encode(Hello{1, device}); err != nil || len(line) > MaxLine {
		t.Errorf("the longest hello has %d bytes, error %v", len(line), err)
	}
}

// TestWorkIsResumed scans what was announced, and compares with the Work itself.
func TestWorkIsResumed(t *testing.T) {
	for length := range 130 {
		for _, digits := range []kernel.Digits{kernel.Plain(4), {Head: "1", High: 1, Middle: strings.Repeat("0", 60), Low: 3}} {
			w := kernel.NewWork([]byte(strings.Repeat("prefix", 22)[:length]), digits, 2)
			line, err := Encode(NewWork(1, w))
			if err != nil {
				t.Fatal(err)
			}
			m, err := DecodeRequest(line[:len(line)-1])
			if err != nil {
				t.Fatal(err)
			}
			want := kernel.Generic().NewScanner(w).Scan(0, 1000)
			if got := kernel.Generic().NewScanner(m.(Work).Resume()).Scan(0, 1000); got != want {
				t.Errorf("%d bytes, digits %+v: hit %d, want %d", length, digits, got, want)
			}
		}
	}
}

func TestWithin(t *testing.T) {
	for scan, want := range map[Scan]error{
		{First: 0, Count: 10_000_000}: nil, {First: 9_999_999, Count: 1}: nil, {First: 10_000_000, Count: 1}: ErrValue,
		{First: 1, Count: 10_000_000}: ErrValue, {First: math.MaxUint64, Count: 2}: ErrValue,
	} {
		if err := scan.Within(abc); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", scan, err, want)
		}
	}
}

func TestReader(t *testing.T) {
	longest := strings.Repeat("a", MaxLine-1)
	r := NewReader(strings.NewReader("one\n\n" + longest + "\nrest"))
	for _, want := range []string{"one", "", longest} {
		if line, err := r.Line(); string(line) != want || err != nil {
			t.Errorf("%.20q, error %v; want %.20q", line, err, want)
		}
	}
	if line, err := r.Line(); line != nil || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, error %v", line, err)
	}
	if _, err := NewReader(strings.NewReader("")).Line(); !errors.Is(err, io.EOF) {
		t.Errorf("nothing: error %v", err)
	}
	if line, err := NewReader(strings.NewReader(longest + "a\n")).Line(); line != nil || !errors.Is(err, ErrTooLong) {
		t.Errorf("%d bytes, error %v", len(line), err)
	}
}

var list = Listing{Version, []Device{h100}, []Attempt{{"opencl", "library libOpenCL.so.1", "loaded"}}}

const listLine = `{"version":1,"devices":[` + h100Line + `],"attempts":[{"backend":"opencl","what":"library libOpenCL.so.1","result":"loaded"}]}`

func TestListing(t *testing.T) {
	if text, err := list.Encode(); string(text) != listLine+"\n" || err != nil {
		t.Errorf("%s, error %v; want %s", text, err, listLine)
	}
	if l, err := DecodeListing([]byte(listLine + "\n")); !reflect.DeepEqual(l, list) || err != nil {
		t.Errorf("%+v, error %v", l, err)
	}
	if text, err := (Listing{}).Encode(); string(text) != `{"version":1,"devices":[],"attempts":[]}`+"\n" || err != nil {
		t.Errorf("nothing: %s, error %v", text, err)
	}
	if _, err := (Listing{Devices: []Device{h100, h100}}).Encode(); !errors.Is(err, ErrValue) {
		t.Errorf("one device twice: %v", err)
	}
	if _, err := (Listing{Attempts: make([]Attempt, MaxListing/37)}).Encode(); !errors.Is(err, ErrValue) {
		t.Errorf("too many attempts: %v", err)
	}
}

func TestRefusedListings(t *testing.T) {
	for text, want := range map[string]error{
		``:                           ErrLine,
		`Segmentation fault`:         ErrLine,
		`{}`:                         ErrVersion,
		`{"version":2,"gpus":[]}`:    ErrVersion,
		`{"version":1}`:              ErrLine,
		`{"version":1,"devices":{}}`: ErrValue,
		changed(listLine, `"attempts"`, `"more":1,"attempts"`): ErrLine,
		changed(listLine, `"cuda:0"`, `"cuda"`):                ErrValue,
		listLine + "\n" + listLine:                             ErrLine,
	} {
		if _, err := DecodeListing([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", text, err, want)
		}
	}
}
