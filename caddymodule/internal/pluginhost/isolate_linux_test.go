package pluginhost

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// Where the kernel cannot mark all descriptors at once, they are marked one by one.
func TestDescriptorsAreMarkedOneByOne(t *testing.T) {
	socket, _ := inheritable(t)
	if err := markListed(); err != nil {
		t.Fatal(err)
	}
	if !isMarked(t, int(socket.Fd())) {
		t.Error("the socket would be inherited")
	}
	for std := range 3 {
		if isMarked(t, std) {
			t.Errorf("descriptor %d is marked", std)
		}
	}
}

func TestTheHostCannotBeDumped(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || dumpable != 0 {
		t.Errorf("dumpable: %d, %v", dumpable, err)
	}
}

// nobody is the user that hosts of tests run as, where the tests run as root: root may look into
// every process.
const nobody = 65534

// A plugin runs as the same user as its host and yet cannot read the host's environment, which holds
// Smartcar's tokens.
func TestPluginsCannotReadTheHostsEnvironment(t *testing.T) {
	dir, err := os.MkdirTemp("", "smc-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "host")
	copyFile(t, self(), program)
	cmd := exec.Command(program, "as", "environ-host", dir)
	cmd.Env = []string{"SMARTCAR_TOKEN=a-secret", "GORACE=atexit_sleep_ms=0"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		for _, path := range []string{dir, program} {
			if err := errors.Join(os.Chmod(path, 0o700), os.Chown(path, nobody, nobody)); err != nil {
				proof.Missing(t, "nobody", err)
			}
		}
	}
	out, err := cmd.Output()
	if errors.Is(err, fs.ErrPermission) {
		proof.Missing(t, "nobody", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	child, plugin, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if !strings.Contains(child, "a-secret") {
		proof.Missing(t, "readable-environ", "no process here can read that of another: "+child)
	}
	if strings.Contains(plugin, "a-secret") || !strings.Contains(plugin, fs.ErrPermission.Error()) {
		t.Errorf("the plugin read of its host: %s", plugin)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
}
