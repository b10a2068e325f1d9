package command

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/bundle"
)

// unpacked is a bundle's files, in their order and by their names without the folder.
func unpacked(t *testing.T, packed []byte) (names []string, text map[string]string) {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text = map[string]string{}
	for archive := tar.NewReader(zip); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names, text
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		folder, name := path.Split(h.Name)
		if top, rest, _ := strings.Cut(strings.TrimSuffix(folder, "/"), "/"); rest != "" {
			name = rest + "/" + name
			folder = top
		}
		if !regexp.MustCompile(`^smartcar-diagnose-\d{8}T\d{6}Z-[\w.-]+/?$`).MatchString(folder) {
			t.Errorf("%s is in the folder %q", name, folder)
		}
		names = append(names, name)
		text[name] = string(content)
	}
}

// answeringCaddy answers as a Caddy, with a secret wherever one may be.
func answeringCaddy(t *testing.T) string {
	t.Helper()
	answers := map[string]string{
		"/config/": `{"apps":{"smartcar":{"attention":{"token":"s3cr3t-token"},"handlers":["/etc/caddy/h.hcl"]}}}`,
		"/smartcar/diagnose": `{"files":[{"name":"build.txt","text":"built\n"},{"name":"status.json","text":"{\"healthy\":true,\"at\":\"2026-03-01T12:00:00Z\",` +
			`\"receiving\":{\"healthy\":true,\"state\":\"open\"}}"},{"name":"log.jsonl","text":"a line with s3cr3t-token in it\n"},` +
			`{"name":"handlers/1-h.hcl","text":"handler"}],"missing":[{"part":"disk.json","why":"it took too long with s3cr3t-token"}]}`,
		"/metrics": "# HELP caddy_smartcar_x X.\n# TYPE caddy_smartcar_x gauge\ncaddy_smartcar_x 1\n# HELP caddy_http_requests_total R.\n" +
			"caddy_http_requests_total{host=\"s3cr3t\"} 1\ngo_goroutines 7\n",
		"/debug/pprof/goroutine": "goroutine profile: total 1\n1 @ 0x1 0x2\n# labels: {\"user\":\"s3cr3t\"}\n#\t0x1\tos.Read+0x1\t/home/s3cr3t/go/src/os/file.go:12\n",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		if !ok {
			t.Errorf("asked for %s", r.URL)
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// The files of a bundle are those that the golden file names, in this order. Nothing that was a secret is in one.
func TestDiagnose(t *testing.T) {
	var out, says bytes.Buffer
	f := diagnoseFlags{adminFlags: adminFlags{address: answeringCaddy(t), timeout: time.Minute}}
	if err := runDiagnose(t.Context(), &out, &says, f); err != nil {
		t.Fatal(err)
	}
	names, text := unpacked(t, out.Bytes())
	golden(t, "diagnose-files", strings.Join(names, "\n")+"\n")
	for name, content := range text {
		if strings.Contains(content, "s3cr3t") {
			t.Errorf("%s holds a secret:\n%s", name, content)
		}
		if name != readmeFile && !strings.Contains(text[readmeFile], strings.TrimRight(strings.Split(name, "1-")[0], "/")) {
			t.Errorf("README.txt does not say what %s is", name)
		}
	}
	for name, want := range map[string]string{
		statusTextFile: "Receiving", errorsFile: "disk.json: it took too long", metricsFile: "go_goroutines 7", goroutinesFile: "\tfile.go:12",
		configFile: "/etc/caddy/h.hcl", "log.jsonl": "a line with (masked) in it",
	} {
		if !strings.Contains(text[name], want) {
			t.Errorf("%q is not in %s:\n%s", want, name, text[name])
		}
	}
	if got := says.String(); !strings.Contains(got, "Missing: disk.json") || !strings.Contains(got, "Read it before you send it") || strings.Contains(got, "s3cr3t") {
		t.Errorf("it says %s", got)
	}
}

// Without a Caddy that answers there is what the config names, and what is missing is said.
func TestDiagnoseWithoutCaddy(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	if err := os.Mkdir(filepath.Join(dir, "buffer"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("buffer/LOCK", "s3cr3t")
	handlers := write("h.hcl", "handler \"crm\" {\n  env = { A = \"s3cr3t\" }\n}\n")
	config := write("c.json", `{"admin":{"listen":"unix/`+dir+`/none.sock"},"apps":{"smartcar":{"buffer":{"type":"disk","path":"`+dir+`/buffer"},`+
		`"handlers":["`+handlers+`"],"x":"s3cr3t"}}}`)
	var out, says bytes.Buffer
	f := diagnoseFlags{adminFlags: adminFlags{config: config, timeout: time.Minute}}
	if err := runDiagnose(t.Context(), &out, &says, f); err != nil {
		t.Fatal(err)
	}
	names, text := unpacked(t, out.Bytes())
	want := []string{readmeFile, errorsFile, "build.txt", givenFile, "handlers/1-h.hcl", "disk.json", "files.txt", "machine.json"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	for name, content := range text {
		if strings.Contains(content, "s3cr3t") {
			t.Errorf("%s holds a secret:\n%s", name, content)
		}
	}
	for name, want := range map[string]string{
		errorsFile: "no answer from Caddy's admin endpoint", "files.txt": "LOCK", "handlers/1-h.hcl": `handler "crm"`, givenFile: `"type": "disk"`,
	} {
		if !strings.Contains(text[name], want) {
			t.Errorf("%q is not in %s:\n%s", want, name, text[name])
		}
	}
	if !strings.Contains(says.String(), "of this command, not of the running Caddy") {
		t.Errorf("it says %s", says.String())
	}
}

// What is wrong in a config is said here, and not in the bundle: it may quote a secret.
func TestDiagnoseOfAWrongConfig(t *testing.T) {
	config := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(config, []byte("localhost {\n\ts3cr3t\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, says bytes.Buffer
	f := diagnoseFlags{adminFlags: adminFlags{config: config, timeout: time.Minute}}
	if err := runDiagnose(t.Context(), &out, &says, f); err != nil {
		t.Fatal(err)
	}
	_, text := unpacked(t, out.Bytes())
	for name, content := range text {
		if strings.Contains(content, "s3cr3t") {
			t.Errorf("%s holds what the config has:\n%s", name, content)
		}
	}
	if !strings.Contains(text[errorsFile], givenFile+": ") || !strings.Contains(says.String(), "unrecognized directive: s3cr3t") {
		t.Errorf("errors.txt: %s\nit says %s", text[errorsFile], says.String())
	}
}

func TestDiagnoseOutput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bundle.tar.gz")
	var out, says bytes.Buffer
	f := diagnoseFlags{adminFlags: adminFlags{address: answeringCaddy(t), timeout: time.Minute}, output: file}
	if err := runDiagnose(t.Context(), &out, &says, f); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || out.Len() > 0 || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v, %d bytes on stdout", info.Mode(), err, out.Len())
	}
	packed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	unpacked(t, packed)
	if err := runDiagnose(t.Context(), &out, &says, f); !isMisuse(err) {
		t.Errorf("a file that is there: %v", err)
	}
	f.output = filepath.Join(t.TempDir(), "gone", "bundle.tar.gz")
	if err := runDiagnose(t.Context(), &out, &says, f); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a folder that is not there: %v", err)
	}
	f.output, f.timeout = "", 0
	if err := runDiagnose(t.Context(), &out, &says, f); !isMisuse(err) {
		t.Errorf("no time: %v", err)
	}
}

// What was large is bounded, and what matters most is there.
func TestDiagnoseIsBounded(t *testing.T) {
	var files []bundle.File
	for _, name := range []string{metricsFile, goroutinesFile, configFile, "log.jsonl", "handlers/1-h.hcl", "handlers/2-h.hcl", "files.txt", "status.json"} {
		files = append(files, bundle.File{Name: name, Text: strings.Repeat("x", 2<<20)})
	}
	kept, missing := new(gatherer).finish(noon, files, nil)
	size := 0
	for _, f := range kept {
		size += len(f.Text)
	}
	if size > bundle.MostWhole+64<<10 || len(missing) != len(files) {
		t.Errorf("%d bytes, and %d said to be cut", size, len(missing))
	}
	if kept[2].Name != "status.json" || len(kept[2].Text) != bundle.MostFile {
		t.Errorf("first is %s with %d bytes", kept[2].Name, len(kept[2].Text))
	}
}
