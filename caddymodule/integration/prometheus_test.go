package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// monitoringExample is the folder whose files these tests hold.
const monitoringExample = "../../examples/monitoring/"

// lookFor finds a program, or skips the test.
func lookFor(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		proof.Missing(t, program, err)
	}
	return path
}

// prometheusServer is a real Prometheus that runs the example's configuration.
type prometheusServer struct{ url string }

// startPrometheus runs the example against a target, but looks at it each second, and no alert waits for longer.
func startPrometheus(t *testing.T, target string) *prometheusServer {
	t.Helper()
	program := lookFor(t, "prometheus")
	dir := t.TempDir()
	config := readExample(t, "prometheus.yml", "localhost:2019", target, "_interval: 15s", "_interval: 1s")
	rules := readExample(t, "alerts.yml", "for: 1m", "for: 1s")
	for name, content := range map[string]string{"prometheus.yml": config, "alerts.yml": rules} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	cmd := exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		log.Close()
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("Prometheus said:\n%s", said)
		}
	})
	p := &prometheusServer{url: "http://" + address}
	waitFor(t, "Prometheus is ready", time.Minute, func() bool {
		r, err := http.Get(p.url + "/-/ready")
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	return p
}

// readExample returns a file of the example with some of its text replaced, all of which must be there.
func readExample(t *testing.T, name string, oldNew ...string) string {
	t.Helper()
	data, err := os.ReadFile(monitoringExample + name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			t.Fatalf("%s has no %q", name, oldNew[i])
		}
		text = strings.ReplaceAll(text, oldNew[i], oldNew[i+1])
	}
	return text
}

// sample is one value of a query's result.
type sample struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

// query returns what an expression yields now.
func (p *prometheusServer) query(t *testing.T, expr string) []sample {
	t.Helper()
	var answer struct {
		Status, Error string
		Data          struct{ Result []sample }
	}
	r, err := http.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Status != "success" {
		t.Fatalf("%s\n%s", expr, answer.Error)
	}
	return answer.Data.Result
}

// fires reports whether an alert fires.
func (p *prometheusServer) fires(t *testing.T, alert string) bool {
	t.Helper()
	return len(p.query(t, fmt.Sprintf(`ALERTS{alertname=%q, alertstate="firing"}`, alert))) > 0
}
