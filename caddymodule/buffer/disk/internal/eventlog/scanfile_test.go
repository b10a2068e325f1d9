package eventlog

import (
	"fmt"
	"slices"
	"testing"
)

// scan describes what is found in the files: positions with a record, without one (a dot) and lost, and the batches.
func scan(t *testing.T, fs *opened) (found []string) {
	t.Helper()
	err := ScanFiles(fs.fs, "log", func(s Scanned) error {
		if s.Lost {
			found = append(found, fmt.Sprintf("lost %d-%d elsewhere=%t", s.First, s.Next-1, s.Elsewhere))
			return nil
		}
		if s.Number == 0 {
			found = append(found, fmt.Sprintf("begins %d", s.First))
			return nil
		}
		line := fmt.Sprintf("group %d at %d:", s.Number, s.First)
		for p := s.First; p < s.Next; p++ {
			switch raw := s.Record(int(p - s.First)); {
			case raw == nil:
				line += " lost"
			case len(raw) == 0:
				line += " ."
			case check(raw, p) != nil:
				line += " bad"
			default:
				line += fmt.Sprint(" ", p)
			}
		}
		found = append(found, line+" "+string(s.Batch))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A group that is damaged costs what is damaged of it, and what no group has is said to be lost.
func TestScanFiles(t *testing.T) {
	const header = groupHeaderSize
	size := len(record(1, 100))
	for _, tt := range []struct {
		name  string
		spoil func(b []byte) []byte
		want  []string
	}{
		{"nothing", func(b []byte) []byte { return b }, []string{
			"begins 1", "group 1 at 1: 1 2 3 batch 1", "group 2 at 4: 4 . 6 batch 2", "group 3 at 7: 7 8 9 batch 3",
			"group 4 at 10: . 11 12 batch 4"}},
		{"the segment's header", func(b []byte) []byte { b[9] ^= 1; return b }, []string{
			"begins 1", "group 1 at 1: 1 2 3 batch 1", "group 2 at 4: 4 . 6 batch 2", "group 3 at 7: 7 8 9 batch 3",
			"group 4 at 10: . 11 12 batch 4"}},
		{"a record", func(b []byte) []byte { b[segmentHeaderSize+header+size+20] ^= 1; return b }, []string{
			"begins 1", "group 1 at 1: 1 bad 3 batch 1", "group 2 at 4: 4 . 6 batch 2", "group 3 at 7: 7 8 9 batch 3",
			"group 4 at 10: . 11 12 batch 4"}},
		{"lengths", func(b []byte) []byte { b[segmentHeaderSize+header+3*size] ^= 1; return b }, []string{
			"begins 1", "group 1 at 1: lost lost lost batch 1", "group 2 at 4: 4 . 6 batch 2", "group 3 at 7: 7 8 9 batch 3",
			"group 4 at 10: . 11 12 batch 4"}},
		{"a batch", func(b []byte) []byte { b[segmentHeaderSize+header+3*size+12] ^= 1; return b }, []string{
			"begins 1", "group 1 at 1: 1 2 3 ", "group 2 at 4: 4 . 6 batch 2", "group 3 at 7: 7 8 9 batch 3",
			"group 4 at 10: . 11 12 batch 4"}},
		{"the first group's header", func(b []byte) []byte { b[segmentHeaderSize+9] ^= 1; return b }, []string{
			"begins 1", "lost 1-3 elsewhere=false", "group 2 at 4: 4 . 6 batch 2", "group 3 at 7: 7 8 9 batch 3",
			"group 4 at 10: . 11 12 batch 4"}},
		{"all but the segment's header", func(b []byte) []byte { return b[:segmentHeaderSize] }, []string{
			"begins 1", "lost 1-6 elsewhere=false", "group 3 at 7: 7 8 9 batch 3", "group 4 at 10: . 11 12 batch 4"}},
		{"the end", func(b []byte) []byte { return b[:len(b)-50] }, []string{
			"begins 1", "group 1 at 1: 1 2 3 batch 1", "group 2 at 4: lost lost lost ", "group 3 at 7: 7 8 9 batch 3",
			"group 4 at 10: . 11 12 batch 4"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, fs := newLog(t, 1<<20)
			l.add(3)
			l.add(3)
			end := l.end()
			if err := l.Rotate(); err != nil {
				t.Fatal(err)
			}
			l.add(3)
			l.add(3)
			content(t, fs, "000001.events", tt.spoil(content(t, fs, "000001.events", nil)[:end]))
			if got := scan(t, l); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%q\nwant\n%q", got, tt.want)
			}
		})
	}
}

// What a file that is not there has had is said to be elsewhere.
func TestScanFilesWithoutOne(t *testing.T) {
	l, fs := newLog(t, 1)
	for range 3 {
		l.add(2)
	}
	if err := fs.Remove("log/000002.events"); err != nil {
		t.Fatal(err)
	}
	want := []string{"begins 1", "group 1 at 1: 1 2 batch 1", "lost 3-4 elsewhere=true", "group 3 at 5: . 6 batch 3"}
	if got := scan(t, l); !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}
