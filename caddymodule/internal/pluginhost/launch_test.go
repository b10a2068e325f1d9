package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

func TestStartErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	role := func(args ...string) func(*Spec) {
		return func(s *Spec) { s.Args = append([]string{"as"}, args...) }
	}
	command := func(path string) func(*Spec) {
		return func(s *Spec) { s.Command = path }
	}
	for _, tt := range []struct {
		name   string
		change func(*Spec)
		timing func(*timing)
		want   []string
	}{
		{"missing file", command(filepath.Join(dir, "nope")), nil, []string{"there is no file", "nope", "build the plugin"}},
		{"relative path", command("bin/handler"), nil, []string{"not an absolute path"}},
		{"directory", command(dir), nil, []string{"is a directory"}},
		{"no exec permission", command(file("plain", "x", 0o644)), nil, []string{"not executable", "chmod +x"}},
		{"not a program", command(file("text", "just text", 0o755)), nil, []string{"is not a program for " + runtime.GOOS, "#!"}},
		{"missing interpreter", command(file("script", "#!/no/such/python\n", 0o755)), nil, []string{"interpreter", "not there"}},
		{"working directory", func(s *Spec) { s.Dir = filepath.Join(dir, "gone") }, nil, []string{"working directory"}},
		{"wrong sha256", func(s *Spec) { s.SHA256 = strings.Repeat("ab", 32) }, nil, []string{"has sha256", "abab", "put the right file back"}},
		{"odd sha256", func(s *Spec) { s.SHA256 = "abc" }, nil, []string{"not 64 hex digits"}},
		{"prints garbage", role("garbage"), nil, []string{`printed "Hello, I am a web server" first`, "is it one?"}},
		{"prints binary garbage for ever", role("fullgarbage"), nil, []string{"printed", "first"}},
		{"prints nothing", role("silent"), func(tm *timing) { tm.handshake = 100 * time.Millisecond }, []string{"no handshake", "within 100ms"}},
		{"exits at once", role("exit"), nil, []string{"printed no handshake", "ended: exit status 3", "cannot open /etc/shadow"}},
		{"panics at once", role("panic"), nil, []string{"exit status 2", "panic: no database", "goroutine 1"}},
		{"net/rpc", role("netrpc"), nil, []string{"handshake", `unsupported plugin protocol "netrpc"`}},
		{"other protocol version", role("version"), nil, []string{`speaks version "7"`, "this host speaks 1", "build the plugin"}},
		{"address of another machine", role("remote"), nil, []string{"192.0.2.1", "not a loopback address"}},
		{"no TLS", role("plaintext"), nil, []string{"Describe did not reach it", "certificate of its handshake line"}},
		{"no handler service", role("fake", "no-service"), nil, []string{"does not know the call Describe"}},
		{"hangs in Describe", role("fake", "hang-describe"), func(tm *timing) { tm.describe = 100 * time.Millisecond }, []string{"did not answer Describe within 100ms"}},
		{"endless schema", role("fake", "bloat"), nil, []string{"Describe failed", "larger than max"}},
		{"refuses its config", role("fake", "refuse"), nil, []string{"refuses its config: tls.0.key: Bad URL: It has no host."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := fakeSpec(t, nil)
			tt.change(&spec)
			p := newPlugin(t, spec, func(tm *timing) {
				if tt.timing != nil {
					tt.timing(tm)
				}
			})
			err := p.Start(testContext(t))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(tt.want, `starting plugin of handler "h1": `) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			s := p.State()
			if s.Up || s.PID != 0 || `starting plugin of handler "h1": `+s.LastError != err.Error() {
				t.Errorf("State = %+v", s)
			}
			if p.dir == nil {
				return
			}
			if left, _ := filepath.Glob(filepath.Join(p.dir.path, "plugin-dir*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestStartWithRightSum(t *testing.T) {
	spec := fakeSpec(t, nil)
	spec.SHA256 = strings.Repeat("00", 32)
	err := checkExecutable(spec.Command, spec.SHA256)
	var sum string
	if _, scanErr := fmt.Sscanf(err.Error(), spec.Command+" has sha256 %64s", &sum); scanErr != nil {
		t.Fatal(err)
	}
	spec.SHA256 = strings.ToUpper(sum)
	p := newPlugin(t, spec)
	mustStart(t, p)
}

func TestConfigErrorsKeepTheirKind(t *testing.T) {
	want := errors.New("handlers.hcl:7: no such attribute")
	for _, tt := range []struct {
		name   string
		change func(*Spec)
	}{
		{"from Configure", func(s *Spec) { s.Configure = func(sdk.Schema) ([]byte, error) { return nil, want } }},
		{"from Explain", func(s *Spec) {
			s.Args = append(s.Args, "refuse")
			s.Explain = func(d []sdk.Diagnostic) error {
				if len(d) != 1 || d[0].Summary != "Bad URL" || d[0].Path[2] != "key" {
					t.Errorf("diagnostics = %+v", d)
				}
				return want
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := fakeSpec(t, nil)
			tt.change(&spec)
			p := newPlugin(t, spec)
			if err := p.Start(testContext(t)); !errors.Is(err, want) {
				t.Errorf("Start: %v, want %v", err, want)
			}
		})
	}
}

// An Explain that finds nothing to say must not let a refused config pass.
func TestErrorsCountEvenUnexplained(t *testing.T) {
	spec := fakeSpec(t, nil, "refuse")
	spec.Explain = func([]sdk.Diagnostic) error { return nil }
	p := newPlugin(t, spec)
	if err := p.Start(testContext(t)); err == nil || !strings.Contains(err.Error(), "Bad URL") {
		t.Errorf("Start: %v", err)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	for _, tt := range []struct {
		name, role, quirk string
	}{
		{"in the handshake", "silent", ""},
		{"in Describe", "fake", "hang-describe"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			look := newLookout(t)
			args := []string{"tattle=" + look.path}
			if tt.quirk != "" {
				args = append(args, tt.quirk)
			}
			p := newPlugin(t, roleSpec(t, nil, tt.role, args...), func(tm *timing) { tm.handshake = 2 * patience })
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- p.Start(ctx) }()
			conn := look.seen(t)
			cancel()
			awaitEnd(t, conn)
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Start: %v, want context.Canceled", err)
			}
		})
	}
}
