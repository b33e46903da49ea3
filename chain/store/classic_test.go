package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lode/chain/wire"
)

// vectors is what the original wrote and read; see ../wire/testdata.
type vectors struct {
	Chain struct {
		SaveFile         string `json:"save_file"`
		SaveFileWithPeer string `json:"save_file_with_peer"`
		Hashes           []string
	}
	Quirks struct{ Starts []start }
}

// start is a start of the original with a certain text file.
type start struct {
	File   string
	Serves bool
	Blocks int
	Peers  []string
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	text, err := os.ReadFile("../wire/testdata/vectors.json")
	must(t, err)
	must(t, json.Unmarshal(text, &v))
	return v
}

func all(blocks []wire.Block) iter.Seq2[wire.Block, error] {
	return func(yield func(wire.Block, error) bool) {
		for _, b := range blocks {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// collect is all blocks of a text file.
func collect(content Classic) (blocks []wire.Block, err error) {
	for b, err := range content.Blocks {
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// readWhole is ReadClassic with all blocks.
func readWhole(path string) (Classic, []wire.Block, error) {
	content, err := ReadClassic(path)
	if err != nil {
		return Classic{}, nil, err
	}
	blocks, err := collect(content)
	return content, blocks, err
}

// TestClassicGolden reads the original's files and writes them back, byte for
// byte.
func TestClassicGolden(t *testing.T) {
	v := readVectors(t)
	path := filepath.Join(t.TempDir(), "basicBlockChain5000.txt")
	for name, text := range map[string]string{"save_file": v.Chain.SaveFile, "save_file_with_peer": v.Chain.SaveFileWithPeer} {
		must(t, os.WriteFile(path, []byte(text), 0o644))
		content, blocks, err := readWhole(path)
		must(t, err)
		for i, b := range blocks {
			if b.Hash() != v.Chain.Hashes[i] {
				t.Errorf("%s: block %d has the hash %s, want %s", name, i, b.Hash(), v.Chain.Hashes[i])
			}
		}
		must(t, os.Remove(path))
		must(t, WriteClassic(path, all(blocks), content.Pool, content.Peers))
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("%s: written back as\n%s\nwant\n%s", name, got, text)
		}
	}
}

// startFile is the text with which the original was started.
func startFile(t *testing.T, v vectors, name string) string {
	t.Helper()
	lines := strings.Split(v.Chain.SaveFile, "\n")
	lines[1] = "[]"
	join := func(lines ...string) string { return strings.Join(lines, "\n") }
	files := map[string]string{
		"empty":                   "",
		"one line":                lines[0],
		"two lines":               join(lines[0], lines[1]),
		"two lines and a newline": join(lines[0], lines[1], ""),
		"newline at the end":      join(lines[0], lines[1], "[]", ""),
		"CRLF":                    strings.Join([]string{lines[0], lines[1], "[]"}, "\r\n"),
		"not JSON":                join("no JSON", "[]", "[]"),
		"peers not JSON":          join(lines[0], lines[1], "x"),
		"chain empty":             join("[]", "[]", "[]"),
		"block lacks a field":     join(`[{"previous_hash": "", "index": 0, "proof": 100, "time_stamp": 0}]`, "[]", "[]"),
		"peers twice":             join(lines[0], lines[1], `["127.0.0.1:1", "127.0.0.1:1"]`),
		"broken links": join(`[{"previous_hash": "", "index": 0, "transactions": [], "proof": 100, "time_stamp": 0}, `+
			`{"previous_hash": "ff", "index": 1, "transactions": [], "proof": 1, "time_stamp": 1}]`, "[]", "[]"),
		"invalid UTF-8": join("\xff"+lines[0], "[]", "[]"),
	}
	text, ok := files[name]
	if !ok {
		t.Fatalf("no file for the start %q", name)
	}
	return text
}

// TestClassicStarts reads what the original was started with. Ours holds the
// same, but refuses a file that was cut, which the original overwrites.
func TestClassicStarts(t *testing.T) {
	v := readVectors(t)
	path := filepath.Join(t.TempDir(), "basicBlockChain5000.txt")
	cut := map[string]bool{"one line": true, "two lines": true, "two lines and a newline": true}
	for _, s := range v.Quirks.Starts {
		if s.File == "absent" {
			if _, err := ReadClassic(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("no file: error %v, want fs.ErrNotExist", err)
			}
			continue
		}
		must(t, os.WriteFile(path, []byte(startFile(t, v, s.File)), 0o644))
		content, blocks, err := readWhole(path)
		if !s.Serves || cut[s.File] {
			if !errors.Is(err, ErrClassic) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "line") {
				t.Errorf("%s: error %v, want ErrClassic with path and line", s.File, err)
			}
			continue
		}
		want := s.Blocks
		if s.File == "empty" {
			want = 0 // the original adds genesis; here the ledger has it already
		}
		count, countErr := content.Count()
		if err != nil || countErr != nil || len(blocks) != want || count != int64(want) || content.Read.Load() != content.Bytes || len(content.Pool) != 0 || !reflect.DeepEqual(append([]string{}, content.Peers...), s.Peers) {
			t.Errorf("%s: %d blocks, pool %v, peers %q, error %v, want %d blocks, peers %q",
				s.File, len(blocks), content.Pool, content.Peers, err, want, s.Peers)
		}
	}
}

func TestClassicErrorsNameTheBlock(t *testing.T) {
	v := readVectors(t)
	path := filepath.Join(t.TempDir(), "basicBlockChain5000.txt")
	must(t, os.WriteFile(path, []byte(strings.Replace(v.Chain.SaveFile, `"index": 3`, `"index": "3"`, 1)), 0o644))
	content, err := ReadClassic(path)
	must(t, err) // which doesn't look into the blocks
	if _, err := collect(content); !errors.Is(err, ErrClassic) || !strings.Contains(err.Error(), path+": ") || !strings.Contains(err.Error(), "line 1: block 3 ") {
		t.Errorf("error %v, want ErrClassic that names the file, line 1 and block 3", err)
	}
}

func TestWriteClassicKeepsTheOldFileOnAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "basicBlockChain5000.txt")
	must(t, os.WriteFile(path, []byte("old"), 0o644))
	broken := errors.New("unreadable block")
	err := WriteClassic(path, func(yield func(wire.Block, error) bool) {
		_ = yield(wire.Genesis(), nil) && yield(wire.Block{}, broken)
	}, nil, nil)
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if err := WriteClassic(path, all(nil), nil, nil); err == nil {
		t.Error("a file without blocks was written")
	}
	if text, _ := os.ReadFile(path); string(text) != "old" {
		t.Errorf("the old file holds %q now", text)
	}
}

// TestOddOpenTransactions reads a pool as the original can write it: what is no
// transaction is left out, with its place and reason.
func TestOddOpenTransactions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "basicBlockChain5000.txt")
	odd := `{"sender": "s", "recipient": 5, "signature": "ff", "amount": 1}`
	good := `{"sender": "s", "recipient": "r", "signature": "ff", "amount": 1}`
	must(t, os.WriteFile(path, []byte("[]\n["+odd+", "+good+", "+strings.Replace(good, ": 1", ": true", 1)+"]\n[]"), 0o644))
	content, err := ReadClassic(path)
	must(t, err)
	want := []wire.Transaction{{Sender: "s", Recipient: "r", Signature: "ff", Amount: wire.Int(1)}}
	if !reflect.DeepEqual(content.Pool, want) {
		t.Errorf("pool %v, want %v", content.Pool, want)
	}
	if len(content.Refused) != 2 || content.Refused[0].Error() != "transaction 0: field recipient: must be a string, is a number" ||
		content.Refused[1].Error() != "transaction 2: field amount: must be a number, is true or false" {
		t.Errorf("refused %q", content.Refused)
	}
}

// TestLineEnds looks for the ends of lines where pieces of the file meet.
func TestLineEnds(t *testing.T) {
	const piece = linesPiece
	for _, test := range []struct {
		name    string
		newline []int64
		size    int64
		want    [3]int64
	}{
		{"no line", nil, 0, [3]int64{0, 0, 0}},
		{"one line", nil, 3 * piece, [3]int64{3 * piece, 3 * piece, 3 * piece}},
		{"at the end of a piece", []int64{piece - 1, 2*piece - 1}, 2 * piece, [3]int64{piece, 2 * piece, 2 * piece}},
		{"at the beginning of a piece", []int64{piece, 3 * piece}, 3*piece + 5, [3]int64{piece + 1, 3*piece + 1, 3*piece + 5}},
		{"all in one piece", []int64{2 * piece, 2*piece + 1, 2*piece + 9}, 4 * piece, [3]int64{2*piece + 1, 2*piece + 2, 2*piece + 10}},
		{"more than three", []int64{5, 6, 3 * piece, 3*piece + 7, 4 * piece}, 5 * piece, [3]int64{6, 7, 3*piece + 1}},
	} {
		text := bytes.Repeat([]byte{'x'}, int(test.size))
		for _, at := range test.newline {
			text[at] = '\n'
		}
		got, err := lineEnds(bytes.NewReader(text), test.size)
		if err != nil || got != test.want {
			t.Errorf("%s: %v, %v, want %v", test.name, got, err, test.want)
		}
	}
	if _, err := lineEnds(failingReader{}, 5*piece); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("error %v, want the reader's", err)
	}
}

type failingReader struct{}

func (failingReader) ReadAt([]byte, int64) (int, error) { return 0, fs.ErrClosed }
