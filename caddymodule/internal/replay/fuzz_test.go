package replay

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecode: a stored job is refused, or is written as one that reads the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"version":1,"id":"260314150405-k3f9","handler":"h","kind":"events","rate":2.5,"filter":{"since":"2026-03-14T15:04:05Z","dead_letters":["l"]}}`,
		`{"version":2}`, `{"version":1,"filter":{"event_ids":[]}}`, `{"version":1,"rate":1e400}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		job, err := decode(raw)
		if err != nil {
			return
		}
		if !json.Valid(raw) {
			t.Fatal("read from what is no JSON")
		}
		stored, err := job.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(stored)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := again.encode()
		if diff := cmp.Diff(string(stored), string(twice)); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}
