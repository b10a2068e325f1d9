package vehicles

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"
)

// runAsVictim is the folder of a process that is killed.
const runAsVictim = "VEHICLES_VICTIM"

// victim stores events until it is killed, and prints how many.
func victim(dir string) {
	r := &rig{t: fatal{}, dir: dir}
	b := openBuffer(r.t, dir)
	w := New(dir, slog.New(slog.DiscardHandler))
	w.Opened(b)
	for i := 0; ; i++ {
		e := r.event("production", fmt.Sprintf("car-%d", i), state, nil, time.Now())
		e.ID = fmt.Sprint(i, "-", time.Now().UnixNano())
		receipt, err := b.Append(context.Background(), e)
		if err != nil {
			panic(err)
		}
		w.Stored(receipt.Position, e)
		if i%50 == 0 && w.turn.lock(w.life) == nil {
			if w.table.store != nil {
				_ = w.write()
				_ = w.table.store.flush()
			}
			w.turn.unlock()
		}
		fmt.Println(i + 1)
	}
}

// fatal ends the process of a victim.
type fatal struct{ testing.TB }

func (fatal) Helper()           {}
func (fatal) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// After a SIGKILL nothing that was stored is missing.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	known := 0
	for round := range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), runAsVictim+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stored, want := 0, 120+70*round
		for stored < want {
			if _, err := fmt.Fscanln(out, &stored); err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		known = max(known, stored)

		r := &rig{t: t, dir: dir}
		r.clock.Store(int64(time.Since(noon)))
		r.open()
		r.settle()
		if n := len(r.list(Query{Limit: 10_000})); n < known {
			t.Errorf("round %d: %d vehicles, %d were stored", round, n, known)
		}
		r.close()
	}
}
