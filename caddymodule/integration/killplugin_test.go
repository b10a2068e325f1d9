package integration

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// What the handler of the kill test may have in flight.
const (
	killConcurrency = 4
	killBatch       = 8
)

// What the handler did with an event.
const (
	didFinish = "done"
	didReject = "rejected" // the event must become a dead letter
	didFail   = "failed"   // the event must come again
)

// recorded is a line of the handler's own record, and durable before the host is told.
type recorded struct {
	// Run is one process of the plugin, "life-pid": the number of the Caddy that started
	// it, and its process id.
	Run string
	// Did is empty in the line that each process begins with.
	Did      string `json:",omitempty"`
	ID       string `json:",omitempty"`
	Vehicle  string `json:",omitempty"`
	Position uint64 `json:",omitempty"`
	Sum      string `json:",omitempty"` // bodySum of what came
	// At is when it was recorded, in nanoseconds since 1970.
	At int64 `json:",omitempty"`
}

type recordConfig struct {
	Path string `config:"path" doc:"Where events are recorded."`
	Life string `config:"life" doc:"The number of the Caddy that starts the plugin."`
}

// recorder is the plugin "record".
type recorder struct {
	run string

	mu   sync.Mutex
	file *os.File
}

func openRecord(_ context.Context, c recordConfig) (sdk.BatchHandler, error) {
	f, err := os.OpenFile(c.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	r := &recorder{run: runName(c.Life, os.Getpid()), file: f}
	return r.handle, r.write(recorded{Run: r.run})
}

func runName(life string, pid int) string { return fmt.Sprintf("%s-%d", life, pid) }

// handle records the events before it answers, as a handler with a database of its own
// would: what is answered is durable, and what was killed before the answer may be there.
func (r *recorder) handle(_ context.Context, events []*sdk.Event) []error {
	errs, lines := make([]error, len(events)), make([]recorded, len(events))
	for i, e := range events {
		lines[i] = recorded{Run: r.run, Did: fate(e), ID: e.ID, Vehicle: e.VehicleID, Position: e.Position, Sum: bodySum(e.Payload, e.Signature), At: time.Now().UnixNano()}
		switch lines[i].Did {
		case didReject:
			errs[i] = sdk.Reject("chosen", nil)
		case didFail:
			errs[i] = errors.New("chosen to fail once")
		}
	}
	if err := r.write(lines...); err != nil {
		return sdk.FailAll(len(events), sdk.Unavailable(err))
	}
	return errs
}

// fate decides by the event's id, so that it is the same after every restart. Some events
// are rejected, and some fail at first, so that dead letters and retries are under way
// when something is killed.
func fate(e *sdk.Event) string {
	switch sum := crc32.ChecksumIEEE([]byte(e.ID)); {
	case sum%64 == 0:
		return didReject
	case sum%16 == 1 && e.Attempt == 1:
		return didFail
	}
	return didFinish
}

// write begins with the end of a line: an earlier process may have been killed in the
// midst of one.
func (r *recorder) write(lines ...recorded) error {
	text := []byte("\n")
	for _, l := range lines {
		line, err := json.Marshal(l)
		if err != nil {
			return err
		}
		text = append(append(text, line...), '\n')
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.file.Write(text); err != nil {
		return err
	}
	return r.file.Sync()
}

// bodySum stands for the bytes of an event and the signature that came with them.
func bodySum(body []byte, signature string) string {
	h := sha256.New()
	h.Write(body)
	h.Write([]byte{0})
	h.Write([]byte(signature))
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// readRecord reads what all processes of the plugin wrote, in order, and counts the lines
// that a killed one left unfinished.
func readRecord(t *testing.T, path string) (lines []recorded, torn int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text := bufio.NewScanner(f)
	for text.Scan() {
		line := bytes.TrimSpace(text.Bytes())
		if len(line) == 0 {
			continue
		}
		var l recorded
		if json.Unmarshal(line, &l) != nil {
			torn++
			continue
		}
		lines = append(lines, l)
	}
	if err := text.Err(); err != nil {
		t.Fatal(err)
	}
	return lines, torn
}
