package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"testing"
)

// The floor must do what it is there for: every record that was acknowledged is in the
// file, whole, once.
func TestGroupLogHasWhatItAcknowledged(t *testing.T) {
	l, err := openGroupLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	for worker := range 16 {
		wg.Go(func() {
			for i := range 20 {
				body := fmt.Sprintf("worker %d record %d", worker, i)
				if err := l.append([]byte(body)); err != nil {
					t.Error(err)
				}
				mu.Lock()
				want[body] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	data, err := os.ReadFile(l.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	for len(data) > 0 {
		size, sum := binary.LittleEndian.Uint32(data), binary.LittleEndian.Uint32(data[4:])
		body := data[8 : 8+size]
		if crc32.Checksum(body, castagnoli) != sum {
			t.Errorf("%q has another checksum", body)
		}
		if !want[string(body)] {
			t.Errorf("%q came twice, or from nobody", body)
		}
		delete(want, string(body))
		data = data[8+size:]
	}
	if len(want) > 0 {
		t.Errorf("%d records are missing", len(want))
	}
	if n := l.syncs(); n == 0 || n > 320 {
		t.Errorf("%d syncs for 320 records", n)
	}
	if err := l.close(); err != nil {
		t.Error(err)
	}
}

func TestGroupLogBeginsANewFile(t *testing.T) {
	dir := t.TempDir()
	l, err := openGroupLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	l.size = logFile + 1
	if err := l.append(bytes.Repeat([]byte("x"), 100)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != "log2" {
		t.Errorf("files: %v", entries)
	}
	if err := l.close(); err != nil {
		t.Error(err)
	}
}

// A log that cannot write says so, to everybody and for good.
func TestGroupLogFailsForGood(t *testing.T) {
	l, err := openGroupLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.append([]byte("a")); err != nil {
		t.Fatal(err)
	}
	l.file.Close()
	for range 2 {
		if err := l.append([]byte("b")); err == nil {
			t.Error("a record was acknowledged that is not in the file")
		}
	}
	_ = l.close()
}
