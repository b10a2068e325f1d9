package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// What Pebble says may hold keys, and keys may hold ids of vehicles. Package store sees to that, so nothing goes past it.
func TestOnlyPackageStoreHearsPebble(t *testing.T) {
	past := regexp.MustCompile(`pebble\.(Open|DB|Iterator|Snapshot|Reader|ParseManifest)\b`)
	err := filepath.WalkDir(".", func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasPrefix(path, filepath.Join("internal", "store")) ||
			path == "storetext_test.go" {
			return err
		}
		text, err := os.ReadFile(path)
		for i, line := range strings.Split(string(text), "\n") {
			code, _, _ := strings.Cut(line, "//")
			if past.MatchString(code) {
				t.Errorf("%s:%d: %s: use package store", path, i+1, strings.TrimSpace(line))
			}
		}
		return err
	})
	must(t, err)
}

// Pebble's messages come to the log without keys.
func TestStoreLogsNoKeys(t *testing.T) {
	const secret = "vehicle-4711"
	j := &journal{}
	b, err := Open(t.Context(), Options{Path: "buffer", FS: vfs.NewMem(), Log: j.log()})
	must(t, err)
	defer b.Close()
	l := logger{j.log(), b.failure}
	l.Errorf("lower bound violation: %s < %s", secret, []byte(secret))
	damage := fmt.Errorf("%w: 000004.sst holds %s", pebble.ErrCorruption, secret)
	listener := l.listener()
	listener.BackgroundError(damage)
	listener.DataCorruption(pebble.DataCorruptionInfo{Path: "buffer/000004.sst", Details: damage})
	l.Fatalf("prefix violation: %q: %v", secret, damage)
	if err := b.Stats().Halted; err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("halted with %v", err)
	}
	if len(j.with("level=ERROR", "000004.sst")) < 2 || strings.Contains(j.all(), secret) {
		t.Errorf("the log says\n%s", j.all())
	}
}

// Whatever is damaged, neither errors, logs, notes nor dead letters' notes hold a key.
func TestDamageNamesNoKeys(t *testing.T) {
	const secret = "vehicle-4711"
	for seed := range 2 * len(rotFiles) * len(rotKinds) {
		j := &journal{}
		r := newRot(t, seed)
		r.o.Log = j.log()
		b, err := Open(t.Context(), r.o)
		must(t, err)
		c := openConsumer(t, b, "h")
		e := crashEvent("held", 10)
		e.VehicleID = secret
		_, err = b.Append(t.Context(), e)
		must(t, err)
		settleN(t, c, 1, buffer.Outcome{Verb: buffer.Defer, Lane: secret})
		closeAll(t, c)
		must(t, b.Close())
		r.damage(rotFiles[seed%len(rotFiles)], rotKinds[seed/len(rotFiles)%len(rotKinds)])
		b, err = Open(t.Context(), r.o)
		must(t, err)
		r.drain(b)
		said := j.all()
		for _, d := range b.Stats().Damaged {
			said += d.Why
		}
		for d, err := range b.DeadLetters(t.Context(), "") {
			said += fmt.Sprint(err, d.Event.Unreadable)
		}
		must(t, b.Close())
		for _, line := range strings.Split(said, "\n") {
			if strings.Contains(line, secret) {
				t.Errorf("%s: %s", r.what, line)
			}
		}
	}
}
