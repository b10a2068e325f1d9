package jsonl

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// No event of a batch is done when its lines could not be written or synced.
func TestFailedWriteIsNotDone(t *testing.T) {
	for name, fault := range map[string]faults{"write": {write: syscall.ENOSPC}, "sync": {sync: syscall.EIO}} {
		t.Run(name, func(t *testing.T) {
			now := &faults{}
			f := newFile(t, config{Path: filepath.Join(t.TempDir(), "events.jsonl")})
			f.openHandle = func(path string) (handle, error) {
				h, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
				return &faulty{File: h, fail: now}, err
			}
			if err := f.reopen(); err != nil {
				t.Fatal(err)
			}
			batch := []*sdk.Event{{ID: "1", Payload: []byte("{}")}, {ID: "2", Payload: []byte("{}")}}
			now.write, now.sync = fault.write, fault.sync
			for i, err := range write(f, batch) {
				if got := sdk.ResultOf(err).Status; got != sdk.StatusUnavailable {
					t.Errorf("event %d: status %v", i+1, got)
				}
			}
			now.write, now.sync = nil, nil
			for i, err := range write(f, batch) {
				if err != nil {
					t.Errorf("event %d, the disk being well again: %v", i+1, err)
				}
			}
		})
	}
}
