package index

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"lode/chain/store"
)

// edit changes a file that no index has open, as another program would.
func edit(t testing.TB, path string, change func(tx *bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(change))
	must(t, db.Close())
}

// useless is a way to spoil a file.
type useless struct {
	name   string
	damage func(t *testing.T, path string)
	log    string // part of the reason; empty: there is no line
}

func uselessFiles() []useless {
	put := func(bucket, key, value string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			edit(t, path, func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(key), []byte(value)) })
		}
	}
	write := func(content string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte(content), 0o600)) }
	}
	return []useless{
		{"deleted", func(t *testing.T, path string) { must(t, os.Remove(path)) }, ""},
		{"empty", write(""), "the file is empty"},
		{"no database", write(strings.Repeat("words ", 5000)), "not a database"},
		{"cut", func(t *testing.T, path string) { must(t, os.Truncate(path, 16<<10)) }, "was cut"},
		{"another program's", func(t *testing.T, path string) {
			must(t, os.Remove(path))
			edit(t, path, func(tx *bolt.Tx) error {
				_, err := tx.CreateBucket([]byte("theirs"))
				return err
			})
		}, `not a database of this program: its`},
		{"without a first commit", func(t *testing.T, path string) {
			must(t, os.Remove(path))
			edit(t, path, func(*bolt.Tx) error { return nil })
		}, "not a database of this program: its"},
		{"the ledger", func(t *testing.T, path string) {
			must(t, os.Remove(path))
			db, err := store.Open(path)
			must(t, err)
			must(t, db.Close())
		}, "its application is"},
		{"another format", put(metaBucket, "format", "2"), `its format is \"2\", not \"1\"`},
		{"another difficulty", put(metaBucket, "difficulty", "6"), `its difficulty is \"6\", not \"5\"`},
		{"a block changed", put(heightsBucket, string(heightKey(1)), strings.Repeat("x", 50)), "items are missing"},
		{"an item more", put(addressesBucket, string(appendKey(nil, 7, 1)), "\x00"), "items are missing"},
		{"a short key", put(addressesBucket, "short", "\x00"), "the key"},
		{"an item less", func(t *testing.T, path string) {
			edit(t, path, func(tx *bolt.Tx) error {
				return tx.Bucket([]byte(transactionsBucket)).Delete(appendKey(nil, prefixOf(pay("a", "b", 1).ID()), 1))
			})
		}, "items are missing"},
	}
}

// TestUselessFiles are made again, with a line in the log that says why.
func TestUselessFiles(t *testing.T) {
	for _, test := range uselessFiles() {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				l := newLedger()
				l.extend(salted(3, "s")...)
				x := newIndexAt(filepath.Join(t.TempDir(), "index.db"), l, &log)
				running(t, x)()
				log.Reset()
				test.damage(t, x.path)
				stop := running(t, x)
				time.Sleep(remakeWait)
				synctest.Wait()
				assertAddress(t, x, l.all(), "m", 2)
				assertRebuilt(t, x, l)
				stop()
				lines := strings.Count(log.String(), "made again")
				if test.log == "" && lines > 0 || test.log != "" && (lines != 1 || !strings.Contains(log.String(), test.log)) {
					t.Errorf("log %s\nwant %s", log.String(), test.log)
				}
			})
		})
	}
}

// TestAnyByteChanged: whatever byte of a file is another one, the file is as good as
// before or thrown away.
func TestAnyByteChanged(t *testing.T) {
	l := newLedger()
	l.extend(salted(40, "s")...)
	x := newIndex(t, l)
	opened(t, x)
	steps(t, x, func() {})
	want := content(t, x)
	closed(t, x)
	sound, err := os.ReadFile(x.path)
	must(t, err)
	random := rand.New(rand.NewPCG(seed(t), 2))
	damaged := newIndexAt(filepath.Join(t.TempDir(), "damaged.db"), l, io.Discard)
	found := 0
	for range 500 {
		data := bytes.Clone(sound)
		data[random.IntN(len(data))] ^= 1 << random.IntN(8)
		must(t, os.WriteFile(damaged.path, data, 0o600))
		f, err := openFile(t.Context(), damaged.path, l.Difficulty())
		if err != nil {
			if found++; !isUseless(err) {
				t.Fatal(err)
			}
			continue
		}
		damaged.use(f)
		if got := content(t, damaged); !reflect.DeepEqual(got, want) {
			t.Fatal("another content")
		}
		closed(t, damaged)
	}
	if found == 0 {
		t.Error("no damage was found")
	}
}

// TestDamageWhileItIsOpen: a read finds a file that was cut, or what doesn't fit the
// ledger, says so, and lets the index be made again.
func TestDamageWhileItIsOpen(t *testing.T) {
	cutTo := func(size int64) func(*testing.T, *Index) {
		return func(t *testing.T, x *Index) { must(t, os.Truncate(x.path, size)) }
	}
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, x *Index)
		reason string
	}{
		{"a wrong item", func(t *testing.T, x *Index) {
			must(t, x.file.bolt.Update(func(tx *bolt.Tx) error {
				return tx.Bucket([]byte(addressesBucket)).Put(appendKey(nil, addressPrefix("b"), 2), []byte{2})
			}))
		}, "transaction 2 of block 2 isn't the one that was indexed"},
		{"cut to nothing", cutTo(0), "it was cut to 0 bytes while it was open"},
		{"cut to its meta pages", cutTo(2 * int64(os.Getpagesize())), store.ErrCorrupt.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { assertMadeAgain(t, test.damage, test.reason) })
		})
	}
}

func assertMadeAgain(t *testing.T, damage func(t *testing.T, x *Index), reason string) {
	t.Helper()
	var log bytes.Buffer
	l := newLedger()
	l.extend(salted(3, "s")...)
	x := newIndexAt(filepath.Join(t.TempDir(), "index.db"), l, &log)
	stop := running(t, x)
	damage(t, x)
	if _, err := x.Address("b", fromTheNewest, 9); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
	time.Sleep(remakeWait)
	synctest.Wait()
	assertAddress(t, x, l.all(), "b", 9)
	assertRebuilt(t, x, l)
	stop()
	if !strings.Contains(log.String(), "made again") || !strings.Contains(log.String(), reason) {
		t.Errorf("log %s", log.String())
	}
}

// TestCommitsAreObserved, one for all blocks that came together.
func TestCommitsAreObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		commits := 0
		x := New(Config{
			Path: filepath.Join(t.TempDir(), "index.db"), Ledger: l, Logger: slog.New(slog.DiscardHandler),
			Committed: func(time.Duration) { commits++ },
		})
		if got := x.Items(); got != (Items{}) {
			t.Errorf("%+v before there is a file", got)
		}
		stop := running(t, x)
		if commits != 1 {
			t.Errorf("%d commits of the first block, want 1", commits)
		}
		l.extend(salted(3, "s")...)
		time.Sleep(coalescing)
		synctest.Wait()
		assertRebuilt(t, x, l)
		stop()
		if commits != 2 {
			t.Errorf("%d commits, want 2", commits)
		}
	})
}

// TestBadValues: each is store.ErrCorrupt.
func TestBadValues(t *testing.T) {
	for _, value := range []string{"\x80", "\x01\x80", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\xff\xff\xff\xff\x0f"} {
		if list, err := positions([]byte(value)); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("positions %x: %v, %v", value, list, err)
		}
	}
	hash := strings.Repeat("h", 32)
	for _, value := range []string{"", hash[:31], hash, hash + "\x80", hash + "\x01", hash + "\x00short", hash + "\x02" + hash[:8], hash + "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"} {
		if r, err := decodeRecord([]byte(value)); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("record %x: %v, %v", value, r, err)
		}
	}
}

// FuzzRecord reads what a file may hold of a block.
func FuzzRecord(f *testing.F) {
	for _, seed := range []string{"", strings.Repeat("h", 32) + "\x00", strings.Repeat("h", 32) + "\x01addressesaddress"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := decodeRecord(value)
		if err != nil {
			return
		}
		again, err := decodeRecord(r.encode())
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%v, %v, want %v", again, err, r)
		}
		if list, err := positions(value); err == nil && !reflect.DeepEqual(list, ascending(list)) {
			t.Errorf("positions %v", list)
		}
	})
}

// ascending is a list of which no number is below the one before.
func ascending(list []int) (result []int) {
	last := 0
	for _, n := range list {
		last = max(last, n)
		result = append(result, last)
	}
	return result
}

// TestPowerCut: until the meta page of a commit is on disk any of its other pages may
// be, or half of one; the file shows the state before. Pages that a state uses are not
// written over while it may be the last one, as long as commits are synced.
func TestPowerCut(t *testing.T) {
	random := rand.New(rand.NewPCG(seed(t), 3))
	w := walker{random}
	l := newLedger()
	x := newIndex(t, l)
	cut := newIndexAt(filepath.Join(t.TempDir(), "cut.db"), l, io.Discard)
	opened(t, x)
	defer func() { closed(t, x) }()
	if x.file.bolt.NoSync || x.file.bolt.NoGrowSync {
		t.Fatal("commits aren't synced")
	}
	const sector, metas = 512, 2
	page := x.file.bolt.Info().PageSize
	for range 40 {
		w.walk(l)
		x.limits = limits{blocks: 1 + w.IntN(6), bytes: 1 << 20, keys: 1 + w.IntN(20)}
		want := content(t, x)
		before, err := os.ReadFile(x.path)
		must(t, err)
		_, err = x.step(t.Context(), x.file)
		must(t, err)
		after, err := os.ReadFile(x.path)
		must(t, err)
		torn := append(before, make([]byte, len(after)-len(before))...) // a file grows first
		for at := metas * page; at < len(torn); at += sector {
			if random.IntN(2) == 0 {
				copy(torn[at:at+sector], after[at:])
			}
		}
		must(t, os.WriteFile(cut.path, torn, 0o600))
		opened(t, cut)
		if got := content(t, cut); !reflect.DeepEqual(got, want) {
			t.Fatalf("after a power cut there are %d items, and before the commit %d, or others", len(got), len(want))
		}
		steps(t, cut, func() {})
		assertRebuilt(t, cut, l)
		closed(t, cut)
	}
}
