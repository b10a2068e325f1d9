package replay

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Jobs are stored and shown in this form: a change of a name loses jobs at an upgrade.
func TestStoredForm(t *testing.T) {
	at := time.Date(2026, 3, 14, 15, 4, 5, 0, time.UTC)
	job := Job{
		Version: 1, ID: "260314150405-k3f9", Handler: "h", Kind: KindEvents, Rate: 2.5, State: StateFailed, Error: "e",
		Filter: Filter{
			EventIDs: []string{"e1"}, DeadLetters: []buffer.DeadLetterID{"l1"}, Source: "s", Vehicle: "v", Type: "T", Mode: "LIVE",
			Webhook: "w", Handler: "h", Reason: buffer.ReasonPoison, Since: at, Until: at,
		},
		CreatedAt: at, UpdatedAt: at, First: 1, Last: 2, Cursor: 3, Total: 4, Fed: 5, Open: 6, Unwanted: 7, Damaged: 8,
	}
	const want = `{"version":1,"id":"260314150405-k3f9","handler":"h","kind":"events",` +
		`"filter":{"event_ids":["e1"],"dead_letters":["l1"],"source":"s","vehicle":"v","type":"T","mode":"LIVE","webhook":"w",` +
		`"handler":"h","reason":"poison","since":"2026-03-14T15:04:05Z","until":"2026-03-14T15:04:05Z"},` +
		`"rate":2.5,"state":"failed","error":"e","created_at":"2026-03-14T15:04:05Z","updated_at":"2026-03-14T15:04:05Z",` +
		`"first":1,"last":2,"cursor":3,"total":4,"fed":5,"open":6,"unwanted":7,"damaged":8}`
	memo, err := job.memo()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(memo.Value)); diff != "" || memo.Key != "replay/"+job.ID {
		t.Errorf("key %q, form (-want +got):\n%s", memo.Key, diff)
	}
	back, err := decode(memo.Value)
	if diff := cmp.Diff(job, back); diff != "" || err != nil {
		t.Errorf("%v, read back (-want +got):\n%s", err, diff)
	}
}

func TestJobsThatCannotBeRead(t *testing.T) {
	for _, tt := range []struct{ raw, want string }{
		{`{"version":2,"id":"x"}`, "version 2"},
		{`{}`, "version 0"},
		{`nonsense`, "reading a stored replay"},
	} {
		if _, err := decode([]byte(tt.raw)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.raw, err)
		}
	}
}

func TestIDs(t *testing.T) {
	early := newID(time.Date(2026, 3, 14, 15, 4, 5, 0, time.UTC))
	late := newID(time.Date(2026, 3, 14, 16, 4, 6, 0, time.FixedZone("", 3600)))
	if !regexp.MustCompile(`^260314150405-[a-z2-7]{4}$`).MatchString(early) || late <= early {
		t.Errorf("ids %q and %q", early, late)
	}
}
