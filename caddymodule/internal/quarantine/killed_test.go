package quarantine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

// runAsVictim is the folder of a process that is killed in the middle of a release.
const runAsVictim = "QUARANTINE_VICTIM"

// haltingFolder says what it is about to remove, and waits until it may.
type haltingFolder struct{ folder }

func (f haltingFolder) remove(name string) error {
	fmt.Println(name)
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		return err
	}
	return f.folder.remove(name)
}

// victim releases all there is into the buffer beside it.
func victim(dir string) {
	b, err := disk.Open(context.Background(), disk.Options{Path: filepath.Join(dir, "buffer"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	s := New(dir, slog.New(slog.DiscardHandler))
	s.files = haltingFolder{s.files}
	s.Set(Settings{On: true}, right)
	s.Opened(b)
	if _, err := s.Release(context.Background(), Pick{}, b, false); err != nil {
		panic(err)
	}
	fmt.Println("done")
	select {}
}

// After kills in the middle of releases each event is stored once, and none is missing.
func TestKilledReleasing(t *testing.T) {
	const events = 60
	r := newRig(t, Settings{})
	r.buffer.now = time.Now()
	for range events {
		r.keep(smartcars, 1000)
	}
	if err := os.Mkdir(filepath.Join(r.dir, "buffer"), 0o700); err != nil {
		t.Fatal(err)
	}
	kills, done := 0, false
	for ; !done && kills < 2*events; kills++ {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), runAsVictim+"="+r.dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		goOn := func() {
			if _, err := in.Write([]byte{1}); err != nil {
				t.Fatal(err)
			}
		}
		var said string
		for n := range 3 + kills%13 {
			if n > 0 {
				goOn()
			}
			if _, err := fmt.Fscanln(out, &said); err != nil {
				t.Fatalf("the process has ended: %v", err)
			}
			if done = said == "done"; done {
				break
			}
		}
		// It is killed between storing and removing, or a moment after that.
		if !done && kills%2 == 1 {
			goOn()
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	if !done || kills < 4 {
		t.Fatalf("%d kills, done: %v (%s)", kills, done, said(r))
	}
	b, err := disk.Open(t.Context(), disk.Options{Path: filepath.Join(r.dir, "buffer"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if last := b.Stats().Last; last != events {
		t.Errorf("after %d kills %d events are stored, want %d", kills, last, events)
	}
	if n, _ := r.files(); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func said(r *rig) string {
	names, _ := filepath.Glob(filepath.Join(r.dir, Folder, "*"))
	return strings.Join(names, " ")
}
