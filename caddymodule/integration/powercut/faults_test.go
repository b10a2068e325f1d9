package powercut_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

var plant = flag.Bool("faults", false, "have TestFaultsAreNoticed plant faults into the product, one at a time, and build and run TestPowerCut with each")

// planted is a fault: texts of the product's source, each of which stands there once, and
// what takes their place.
type planted struct {
	name  string
	edits []edit
}

type edit struct{ file, from, to string }

// TestFaultsAreNoticed shows that TestPowerCut can fail. The faults are planted with the
// -overlay of the go command; the source stays as it is.
func TestFaultsAreNoticed(t *testing.T) {
	if !*plant {
		t.Skip("-faults is not set")
	}
	n := *seeds
	if n == 0 {
		n = 150
	}
	r := report.New("power-cut-faults", fmt.Sprintf("go test ./caddymodule/integration/powercut -run TestFaultsAreNoticed -count=1 -timeout 1h -faults -seeds %d", n))
	r.Figure("histories with each fault", n, "")
	var rows [][]string
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			out := f.run(t, n)
			broken := strings.Count(out, "--- FAIL: TestPowerCut/histories/seed=")
			t.Logf("%d of %d histories fail", broken, n)
			if broken == 0 {
				t.Errorf("nothing is noticed:\n%s", out)
			}
			rows = append(rows, []string{f.name, strconv.Itoa(broken)})
		})
	}
	r.Table([]string{"fault", "histories that fail"}, rows)
	if err := r.Write(); err != nil {
		t.Error(err)
	}
}

// run plays histories with the fault planted, and returns what was printed.
func (f *planted) run(t *testing.T, n int) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	dir := t.TempDir()
	for i, e := range f.edits {
		path := filepath.Join(root, filepath.FromSlash(e.file))
		from := path
		if made, again := overlay.Replace[path]; again {
			from = made
		}
		source, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(source), e.from) != 1 {
			t.Fatalf("%s does not have this once any more, so the fault must be written anew:\n%s", e.file, e.from)
		}
		made := filepath.Join(dir, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(made, []byte(strings.Replace(string(source), e.from, e.to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[path] = made
	}
	raw, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "go", "test", "-overlay", file, ".", "-run", "^TestPowerCut$", "-count=1", "-timeout", "10m", "-seeds", strconv.Itoa(n), "-first", strconv.Itoa(*firstSeed))
	c.Env = append(os.Environ(), report.Folder+"=")
	out, _ := c.CombinedOutput()
	if strings.Contains(string(out), "[build failed]") {
		t.Fatalf("it does not build:\n%s", out)
	}
	return string(out)
}
