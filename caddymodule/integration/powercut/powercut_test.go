package powercut_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

var (
	seeds     = flag.Int("seeds", 0, "how many random histories TestPowerCut plays; 0: 50, or 20 with -short")
	firstSeed = flag.Int("first", 0, "the first of them")
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == runAsPlugin {
		sdk.Serve(writer())
	}
	debug.SetGCPercent(400) // histories are short, and all that they leave is garbage
	// go-plugin leaves the end of its stdio pipes to the garbage collector.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.copyChan"))
}

// TestPowerCut plays random histories with power cuts; see the package's documentation.
func TestPowerCut(t *testing.T) {
	n := *seeds
	switch {
	case n > 0:
	case testing.Short():
		n = 20
	default:
		n = 50
	}
	r := report.New("power-cut", fmt.Sprintf("go test ./caddymodule/integration/powercut -run TestPowerCut -count=1 -timeout 2h -seeds %d", n))
	files := loadFiles(t)
	var mu sync.Mutex
	sum := newFigures()
	t.Run("histories", func(t *testing.T) {
		for seed := *firstSeed; seed < *firstSeed+n; seed++ {
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
				t.Parallel()
				defer func() {
					if t.Failed() {
						t.Logf("alone: go test ./caddymodule/integration/powercut -run TestPowerCut -count=1 -first %d -seeds 1", seed)
					}
				}()
				synctest.Test(t, func(t *testing.T) {
					h := newHistory(t, uint64(seed), files)
					defer func() {
						mu.Lock()
						defer mu.Unlock()
						sum.add(&h.ledger.figures)
					}()
					h.play()
				})
			})
		}
	})
	sum.report(t, r)
}

// loadFiles reads the handlers files between which reloads change.
func loadFiles(t *testing.T) (files [][]handlersfile.Definition) {
	t.Helper()
	paths, err := filepath.Glob("testdata/handlers/*.hcl")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no handlers files: %v", err)
	}
	for _, path := range paths {
		f, diags := handlersfile.Load([]string{path}, handlersfile.Options{
			Bundled: func(name string) (sdk.Schema, bool) { return sdk.Schema{}, name == "witness" },
		})
		if diags.HasErrors() {
			t.Fatalf("loading %s: %v", path, diags)
		}
		files = append(files, f.Handlers)
	}
	return files
}
