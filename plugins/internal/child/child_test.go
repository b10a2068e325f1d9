//go:build unix

package child

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

const patience = 20 * time.Second

// TestMain lets the test binary be a program, with "as" and a role as arguments.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "as" {
		roles[os.Args[2]](os.Args[3:])
		return
	}
	goleak.VerifyTestMain(m)
}

var roles = map[string]func(args []string){
	"sleep": func([]string) { time.Sleep(time.Hour) },
	// parent starts a grandchild that holds its pipes, and does what its argument says.
	"parent": func(args []string) {
		grandchild := exec.Command(os.Args[0], "as", "sleep")
		grandchild.Stdin, grandchild.Stdout, grandchild.Stderr = os.Stdin, os.Stdout, os.Stderr
		if err := grandchild.Start(); err != nil {
			panic(err)
		}
		fmt.Println("up")
		if args[0] == "stay" {
			time.Sleep(time.Hour)
		}
	},
	// starter starts a program of its own and waits to be killed.
	"starter": func(args []string) {
		_, err := Start(Spec{Program: os.Args[0], Args: []string{"as", "tell"}, Env: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr,
			ShareGroup: args[0] == "share"})
		if err != nil {
			panic(err)
		}
		time.Sleep(time.Hour)
	},
	// tell says its process id, and stays.
	"tell": func([]string) {
		fmt.Println(os.Getpid())
		time.Sleep(time.Hour)
	},
}

func as(role ...string) Spec {
	return Spec{Program: os.Args[0], Args: append([]string{"as"}, role...), Env: append(os.Environ(), "GORACE=atexit_sleep_ms=0"),
		Stdout: io.Discard, Stderr: io.Discard}
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s: not within %v", what, patience)
	}
}

// A grandchild that holds the pipes open hides no exit, and ends with the program.
func TestAGrandchildHidesNoExit(t *testing.T) {
	for _, how := range []string{"exit", "stay"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel() // a system may take seconds to put an orphan away
			up := make(chan struct{})
			spec := as("parent", how)
			spec.Stdout = &Lines{Max: 100, Each: func([]byte, int) { close(up) }}
			p, err := Start(spec)
			if err != nil {
				t.Fatal(err)
			}
			await(t, "the grandchild", up)
			if how == "stay" {
				p.Kill()
			}
			await(t, "the exit", p.Exited())
			await(t, "its output", p.Done())
			if want := map[string]string{"exit": "exit status 0", "stay": "signal: killed"}[how]; p.End() != want {
				t.Errorf("%s, want %s", p.End(), want)
			}
			// The group is empty once the system has put the grandchild away.
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for syscall.Kill(-p.PID(), 0) == nil {
				select {
				case <-tick.C:
				case <-time.After(patience):
					t.Fatal("the grandchild lives")
				}
			}
			p.Kill() // too late, and no error
		})
	}
}

func TestAStartThatFails(t *testing.T) {
	spec := as("sleep")
	spec.Program = filepath.Join(t.TempDir(), "none")
	if p, err := Start(spec); err == nil || p != nil {
		t.Errorf("%v, %v", p, err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"run": 0o700, "plain": 0o600} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	for name, tt := range map[string]struct{ program, dir, want, err string }{
		"in the PATH":         {"run", "", filepath.Join(dir, "run"), ""},
		"absolute":            {filepath.Join(dir, "run"), "/", filepath.Join(dir, "run"), ""},
		"from the folder":     {"./run", dir, filepath.Join(dir, "run"), ""},
		"not in the PATH":     {"walk", "", "", "no program walk in the PATH"},
		"not executable":      {"./plain", dir, "", "chmod +x"},
		"a folder":            {dir, "", "", "not a file that can be run"},
		"not there":           {"./walk", dir, "", "there is no file"},
		"nothing":             {"", "", "", "no program is named"},
		"a file as its place": {"./plain/x", dir, "", "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Find(tt.program, tt.dir)
			if tt.err == "" && (err != nil || got != tt.want) || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
}

func TestCheckFiles(t *testing.T) {
	for config, want := range map[string]string{
		`{"command":["sh"]}`:                         "",
		`{"command":["sh"],"dir":"/"}`:               "",
		`{"command":["/no/such/thing"],"dir":null}`:  "command.0",
		`{"command":["sh"],"dir":"/no/such/folder"}`: "dir",
		`{"command":[]}`:                             "",
		`null`:                                       "",
	} {
		var got string
		for _, d := range CheckFiles([]byte(config)) {
			got = strings.Join(d.Path, ".")
		}
		if got != want {
			t.Errorf("%s: %q, want %q", config, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	for name, tt := range map[string]struct {
		writes []string
		want   []string
	}{
		"whole":       {[]string{"a\nb\n"}, []string{"a", "b"}},
		"in pieces":   {[]string{"a", "b", "\n", "c"}, []string{"ab", "c"}},
		"Windows":     {[]string{"a\r\n"}, []string{"a"}},
		"empty":       {[]string{"\n\n"}, []string{"", ""}},
		"too long":    {[]string{"12345678", "90\nx\n"}, []string{"12345678+2", "x"}},
		"without end": {[]string{strings.Repeat("x", 100)}, []string{"xxxxxxxx+92"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			l := &Lines{Max: 8, Each: func(line []byte, dropped int) {
				text := string(line)
				if dropped > 0 {
					text += fmt.Sprintf("+%d", dropped)
				}
				got = append(got, text)
			}}
			for _, w := range tt.writes {
				if n, err := l.Write([]byte(w)); n != len(w) || err != nil {
					t.Errorf("%d, %v", n, err)
				}
			}
			l.Flush()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTail(t *testing.T) {
	var tail Tail
	for i := range tailLines + 5 {
		tail.Add(fmt.Appendf(nil, " line %d\x1b[2J ", i))
		tail.Add([]byte("  "))
	}
	if got := tail.Last(2, "|"); got != "line 23\uFFFD[2J|line 24\uFFFD[2J" {
		t.Errorf("%q", got)
	}
	if got := strings.Count(tail.Last(100, "\n"), "\n") + 1; got != tailLines {
		t.Errorf("%d lines", got)
	}
	tail.Add(bytes.Repeat([]byte("x"), 1000))
	if got := tail.Last(1, ""); got != strings.Repeat("x", tailBytes)+"…" {
		t.Errorf("%q", got)
	}
}

// The last words of a program say what went wrong, in whatever language.
func TestLastWords(t *testing.T) {
	frames := strings.Repeat("    at deliver (/srv/handler.mjs:3:7)\n", 10)
	tests := map[string]struct{ stderr, want string }{
		"nothing":           {"", ""},
		"a line":            {"no such car\n\n", "no such car"},
		"Python":            {"Traceback (most recent call last):\n  File \"h.py\", line 3\n    f()\n    ^^^\nKeyError: 'limit'\n", "KeyError: 'limit'"},
		"Node":              {"file:///srv/handler.mjs:3\n  throw 1\n  ^\n\nError: no such car\n" + frames + "\nNode.js v22.1.0\n", "Error: no such car"},
		"Node, with fields": {"Error: refused\n" + frames + "{\n  code: 'E1'\n}\n\nNode.js v22.1.0\n", "code: 'E1'"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var tail Tail
			for line := range strings.Lines(tt.stderr) {
				tail.Add([]byte(line))
			}
			if got := tail.LastWords(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestEnviron(t *testing.T) {
	t.Setenv("PLUGIN_CLIENT_CERT", "x")
	t.Setenv("CADDY_SMARTCAR_PLUGIN", "x")
	t.Setenv("OF_THE_HANDLER", "x")
	env := Environ()
	if slices.Contains(env, "PLUGIN_CLIENT_CERT=x") || slices.Contains(env, "CADDY_SMARTCAR_PLUGIN=x") || !slices.Contains(env, "OF_THE_HANDLER=x") {
		t.Errorf("%v", env)
	}
}
