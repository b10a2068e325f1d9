package dedupe

import (
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

const hour = time.Hour

func at(d time.Duration) int64 { return int64(100*hour + d) }

func openStore(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open("", &pebble.Options{FS: vfs.NewMem(), Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}

// add adds an entry as the committer does.
func add(t *testing.T, d *Index, db *store.DB, n int, now int64, window time.Duration) {
	t.Helper()
	k := numberedKey(n)
	bucket := d.Bucket(now, now-int64(window))
	s := format.Seen{Position: uint64(n), StoredAt: now, Digest: 7}
	value := make([]byte, format.SeenSize)
	s.Put(value)
	if err := db.Set(format.AppendDedupeKey(nil, bucket, k), value, pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	d.Add(bucket, k, s, uint64(n))
}

func found(t *testing.T, d *Index, db *store.DB, now int64, window time.Duration) (positions []uint64) {
	t.Helper()
	for n := range 10 {
		s, ok, err := d.Find(db, numberedKey(n), now-int64(window))
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			positions = append(positions, s.Position)
		}
	}
	return positions
}

// An entry is found for as long as the window, whatever bucket it is in, and after the index is loaded again.
func TestIndexFindsWithinTheWindow(t *testing.T) {
	db := openStore(t)
	d, err := Load(db, 0)
	if err != nil {
		t.Fatal(err)
	}
	const window = 24 * hour
	add(t, d, db, 1, at(0), window)
	add(t, d, db, 2, at(20*hour), window)
	add(t, d, db, 3, at(30*hour), window) // the second bucket
	add(t, d, db, 4, at(50*hour), window)
	again, err := Load(db, 4)
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*Index{"at once": d, "loaded again": again} {
		for now, want := range map[time.Duration][]uint64{
			0:         {1, 2, 3, 4},
			24 * hour: {1, 2, 3, 4},
			25 * hour: {2, 3, 4},
			45 * hour: {3, 4},
			70 * hour: {4},
			75 * hour: nil,
		} {
			if got := found(t, d, db, at(now), window); !slices.Equal(got, want) {
				t.Errorf("%s, after %s: got %d, want %d", name, now, got, want)
			}
		}
	}
}

func TestIndexExpiresWholeBuckets(t *testing.T) {
	db := openStore(t)
	d, err := Load(db, 0)
	if err != nil {
		t.Fatal(err)
	}
	const window = 24 * hour
	add(t, d, db, 1, at(0), window)
	add(t, d, db, 2, at(30*hour), window)
	if _, gone := d.Expire(at(50*hour - window)); gone {
		t.Error("a bucket went whose last entries are within the window")
	}
	keep, gone := d.Expire(at(55*hour - window))
	if !gone || d.Buckets() != 1 {
		t.Fatalf("%d buckets are left, want 1", d.Buckets())
	}
	if want := uint32(at(30*hour) / int64(time.Second)); keep != want {
		t.Errorf("bucket %d is kept, want %d", keep, want)
	}
}

// The committer knows the entries of the last groups without a look at the store.
func TestIndexRemembersTheLastGroups(t *testing.T) {
	db := openStore(t)
	d, err := Load(db, 10)
	if err != nil {
		t.Fatal(err)
	}
	if d.Covers(9) || !d.Covers(10) {
		t.Error("want the groups after the tenth covered, and no earlier ones")
	}
	for n := range 2*RecentSize + 1 {
		d.Add(1, numberedKey(n), format.Seen{Position: uint64(n)}, uint64(11+n))
	}
	if _, ok := d.JustAdded(numberedKey(0)); ok || d.Covers(10) {
		t.Error("the first group is still remembered")
	}
	if s, ok := d.JustAdded(numberedKey(2 * RecentSize)); !ok || s.Position != 2*RecentSize {
		t.Errorf("the last entry is not remembered: %+v, %v", s, ok)
	}
}
