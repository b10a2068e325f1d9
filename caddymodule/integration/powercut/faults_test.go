package powercut_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/mutation"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

var plant = flag.Bool("faults", false, "have TestFaultsAreNoticed plant faults into the product, one at a time, and build and run TestPowerCut with each")

// readFaults reads the faults that TestPowerCut must notice, and checks that they fit the code.
func readFaults(t *testing.T) []mutation.Fault {
	t.Helper()
	all, err := mutation.Read("faults")
	if err != nil {
		t.Fatal(err)
	}
	if err := mutation.Check(root, all); err != nil {
		t.Fatal(err)
	}
	return all
}

const root = "../../.."

// Whoever changes a line in which a fault can be planted hears of it at once.
func TestFaultsFitTheProduct(t *testing.T) {
	if n := len(readFaults(t)); n < 9 {
		t.Errorf("only %d faults", n)
	}
}

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
	for _, f := range readFaults(t) {
		t.Run(f.Name, func(t *testing.T) {
			out := runWith(t, f, n)
			broken := strings.Count(out, "--- FAIL: TestPowerCut/histories/seed=")
			t.Logf("%d of %d histories fail", broken, n)
			if broken == 0 {
				t.Errorf("nothing is noticed:\n%s", out)
			}
			rows = append(rows, []string{f.Harm, strconv.Itoa(broken)})
		})
	}
	r.Table([]string{"fault", "histories that fail"}, rows)
	if err := r.Write(); err != nil {
		t.Error(err)
	}
}

// runWith plays histories with the fault planted, and returns what was printed.
func runWith(t *testing.T, f mutation.Fault, n int) string {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := f.Overlay(top, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, ".", "-run", "^TestPowerCut$", "-count=1", "-timeout", "10m", "-seeds", strconv.Itoa(n), "-first", strconv.Itoa(*firstSeed))
	c.Env = append(os.Environ(), report.Folder+"=")
	out, _ := c.CombinedOutput()
	if strings.Contains(string(out), "[build failed]") {
		t.Fatalf("it does not build:\n%s", out)
	}
	return string(out)
}
