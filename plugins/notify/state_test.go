package notify

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// keys counts what is remembered.
func (r *rig) keys() (n int) {
	r.t.Helper()
	err := r.handler.state.db.View(func(tx *bolt.Tx) error {
		n = tx.Bucket(bucketKeys).Stats().KeyN
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// What nothing was heard of for long is forgotten.
func TestOldEntriesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *config) { c.Keep = 24 * time.Hour })
		r.handle(failed("1", "old", 0))
		r.places[1].failWith(errDown)
		r.want(failed("2", "lost", 0), sdk.StatusUnavailable, "AUTHENTICATION_FAILED, vehicle old", "AUTHENTICATION_FAILED, vehicle lost")
		time.Sleep(23 * time.Hour)
		r.places[1].failWith(nil)
		r.handle(failed("3", "new", 0))
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if n := r.keys(); n != 1 {
			t.Errorf("%d keys", n)
		}
		n := 0
		_ = r.handler.state.db.View(func(tx *bolt.Tx) error {
			n = tx.Bucket(bucketPending).Stats().KeyN
			return nil
		})
		if n != 0 {
			t.Errorf("%d messages", n)
		}
	})
}

// However many vehicles there are, the number of entries is bounded, and the oldest ones go.
func TestEntriesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *config) { c.Rate = &rateBlock{Max: 1, Per: 24 * time.Hour} })
		r.mostKeys = 100
		r.restart()
		for i := range 50 {
			var batch []*sdk.Event
			for j := range 10 {
				v := fmt.Sprintf("car-%d-%d", i, j)
				batch = append(batch, failed("e"+v, v, 0))
			}
			r.handle(batch...)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if n := r.keys(); n < 80 || n > 120 {
			t.Errorf("%d keys", n)
		}
		r.want(failed("x", "car-49-9", 0), sdk.StatusDone, "AUTHENTICATION_FAILED, vehicle car-0-0")
	})
}

// Groups that find no room are counted together: none is lost.
func TestGroupsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *config) { c.Rate = &rateBlock{Max: 1, Per: time.Minute} })
		var batch []*sdk.Event
		for i := range mostGroups + 11 {
			batch = append(batch, vehicleError(fmt.Sprint(i), "car", 0, fmt.Sprintf("ERROR T/C%d", i)))
		}
		r.handle(batch...)
		time.Sleep(time.Minute)
		synctest.Wait()
		r.places[0].mu.Lock()
		defer r.places[0].mu.Unlock()
		got := r.places[0].got[1]
		if got.Title != "1010 notices in one" || !strings.Contains(got.Text, "10 vehicles have error of other codes or sources") ||
			!strings.Contains(got.Text, "And 976 more codes or sources, with 976 vehicles in all") {
			t.Errorf("%s\n%s", got.Title, got.Text)
		}
	})
}

// While another process has the file open nothing is told and no attempt is counted; then all goes on.
func TestStateFileInUse(t *testing.T) {
	r := newRig(t, nil)
	second := &rig{t: t, config: r.config, places: []*place{{}}}
	second.start()
	defer func() { second.stop() }()
	ctx, cancel := contextWithin(t, 300*time.Millisecond)
	defer cancel()
	err := second.handler.handle(ctx, []*sdk.Event{failed("1", "car", 0)})[0]
	if sdk.ResultOf(err).Status != sdk.StatusUnavailable || !strings.Contains(err.Error(), "in use by another process") {
		t.Error(err)
	}
	r.stop()
	second.want(failed("1", "car", 0), sdk.StatusDone, said)
}

// A file that is no state file, or is damaged, is refused with what to do.
func TestDamagedStateFile(t *testing.T) {
	r := newRig(t, nil)
	r.stop()
	if err := os.WriteFile(r.config.State, []byte(strings.Repeat("damage", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := newHandler(r.config, "people", slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Error(err)
	}
}

// The file is for its owner only, and holds no user's id.
func TestStateFileKeepsPersonalData(t *testing.T) {
	r := newRig(t, func(c *config) { c.Rate = &rateBlock{Max: 1, Per: time.Hour} })
	r.handle(failed("1", "car", 0), failed("2", "van", 0))
	r.stop()
	info, err := os.Stat(r.config.State)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	content, err := os.ReadFile(r.config.State)
	if err != nil || strings.Contains(string(content), "secret-user") {
		t.Error("it holds a user's id", err)
	}
}
