package jsonl

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.copyChan"))
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(content), "\n"), "\n")
}

func allDone(t *testing.T, results []sdk.Result) {
	t.Helper()
	for i, r := range results {
		if r.Status != sdk.StatusDone {
			t.Errorf("event %d: %+v", i, r)
		}
	}
}

func TestWritesLinesOverTheProtocol(t *testing.T) {
	for _, policy := range []string{syncAlways, syncInterval, syncNever} {
		t.Run(policy, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "events.jsonl")
			host := sdktest.Start(t, Plugin(), sdktest.Config{"path": path, "sync": policy, "sync_interval": "10ms"})
			first, second := sdktest.VehicleState("e1", "v1"), sdktest.VehicleError("e2", "v2")
			first.ReceivedAt = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
			first.Attempt, first.Position = 2, 41
			second.Replay, second.StaleSignals = true, []string{"charge-ischarging", "charge-voltage"}
			allDone(t, host.Handle(t.Context(), first, second))
			if err := host.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}

			got := lines(t, path)
			if len(got) != 2 {
				t.Fatalf("%d lines", len(got))
			}
			if !strings.Contains(got[0], `"payload":`+string(first.Payload)+"}\n") {
				t.Errorf("the payload is not there byte for byte: %s", got[0])
			}
			var line map[string]any
			if err := json.Unmarshal([]byte(got[0]), &line); err != nil {
				t.Fatal(err)
			}
			delete(line, "payload")
			want := map[string]any{
				"event_id": "e1", "event_type": "VEHICLE_STATE", "mode": "TEST", "source": "sdktest",
				"vehicle_id": "v1", "user_id": first.UserID, "webhook_id": first.WebhookID,
				"received_at": "2026-01-02T03:04:05.000000678Z", "attempt": 2.0, "position": 41.0, "signature": first.Signature,
			}
			if diff := cmp.Diff(want, line); diff != "" {
				t.Error(diff)
			}
			var replayed map[string]any
			if err := json.Unmarshal([]byte(got[1]), &replayed); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]any{"charge-ischarging", "charge-voltage"}, replayed["stale_signals"]); diff != "" || replayed["replay"] != true {
				t.Errorf("replay %v, stale signals %s", replayed["replay"], diff)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v", info.Mode())
			}
		})
	}
}

func TestConfigMistakes(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "events.jsonl")
	tests := map[string]struct {
		config sdktest.Config
		want   string
	}{
		"no path":      {sdktest.Config{}, `Missing "path"`},
		"empty path":   {sdktest.Config{"path": ""}, "path: Empty path"},
		"no folder":    {sdktest.Config{"path": filepath.Join(folder, "no", "x")}, "path: The file cannot be opened"},
		"a folder":     {sdktest.Config{"path": folder}, "path: The file cannot be opened"},
		"sync":         {sdktest.Config{"path": path, "sync": "sometimes"}, "sync: Unknown sync policy"},
		"interval":     {sdktest.Config{"path": path, "sync_interval": "1ms"}, "sync_interval: Too short"},
		"small files":  {sdktest.Config{"path": path, "max_size": "1KB"}, "max_size: Too small"},
		"not a size":   {sdktest.Config{"path": path, "max_size": "huge"}, `max_size: Wrong value for "max_size"`},
		"minus a file": {sdktest.Config{"path": path, "max_files": -1}, "max_files: Negative number"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := sdktest.Open(t, Plugin(), tt.config)
			var refused *sdktest.ConfigError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestARelativePathIsAWarning(t *testing.T) {
	t.Chdir(t.TempDir())
	host := sdktest.Start(t, Plugin(), sdktest.Config{"path": "events.jsonl"})
	if w := host.Warnings(); len(w) != 1 || w[0].Summary != "Relative path" {
		t.Errorf("warnings %v", w)
	}
}

func TestClosedFileIsNoOutage(t *testing.T) {
	f, err := openFile(config{Path: filepath.Join(t.TempDir(), "x"), Sync: syncAlways}, discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	errs := write(f, []*sdk.Event{{ID: "1"}})
	if got := sdk.ResultOf(errs[0]); got.Status != sdk.StatusRetry || !errors.Is(errs[0], errClosed) {
		t.Errorf("%+v", got)
	}
	if got := sdk.ResultOf(outcome(syscall.ENOSPC)); got.Status != sdk.StatusUnavailable {
		t.Errorf("%+v", got)
	}
}
