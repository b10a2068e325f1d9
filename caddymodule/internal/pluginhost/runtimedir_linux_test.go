package pluginhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// Where nothing but the buffer's directory can be written, as in a container with a read-only root,
// plugins start all the same.
func TestPluginsStartOnAReadOnlySystem(t *testing.T) {
	// /tmp is the place of last resort, so it must be among what is read-only.
	dir, err := os.MkdirTemp("/tmp", "smc-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd := startSelf("read-only-host", dir)
	cmd.Env = []string{"TMPDIR=/tmp", "GORACE=atexit_sleep_ms=0"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	if uid := os.Geteuid(); uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		}
	}
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == cannotMount || errors.Is(err, fs.ErrPermission) {
		proof.Missing(t, "mount-namespaces", err, stderr.String())
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if got, want := strings.TrimSpace(string(out)), filepath.Join(dir, "buffer"); got != want {
		t.Errorf("the sockets are in %q, want %q", got, want)
	}
}

// cannotMount is how a host exits that may not make its file system read-only.
const cannotMount = 7

// beReadOnlyHost starts a plugin where only the folder "buffer" of a directory below /tmp can be
// written, and prints where its sockets are.
func beReadOnlyHost(args []string) {
	buffer := filepath.Join(args[0], "buffer")
	err := errors.Join(os.Mkdir(buffer, 0o700),
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("/tmp", "/tmp", "", unix.MS_BIND, ""),
		unix.Mount(buffer, buffer, "", unix.MS_BIND, ""),
		unix.Mount("", "/tmp", "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(cannotMount)
	}
	if err := os.Mkdir(filepath.Join(args[0], "other"), 0o700); !errors.Is(err, unix.EROFS) {
		fmt.Fprintln(os.Stderr, "not read-only:", err)
		os.Exit(cannotMount)
	}
	p := New(Spec{Handler: "h", Command: self(), Args: []string{"as", "fake"}, FallbackDir: buffer})
	if err := p.Start(context.Background()); err != nil {
		fail(err)
	}
	fmt.Println(filepath.Dir(p.dir.path))
	_ = p.Stop(context.Background())
}
