package machine

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// root writes the files of a system.
func root(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return dir
}

func TestLook(t *testing.T) {
	dir := root(t, map[string]string{
		"/proc/sys/kernel/osrelease": "6.8.0-45-generic\n",
		"/etc/os-release":            "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n",
		"/proc/meminfo":              "MemTotal:        2048 kB\nMemAvailable:    1024 kB\nSwapTotal:          0 kB\n",
		"/proc/self/status":          "Name:\tcaddy\nVmHWM:\t  200 kB\nVmRSS:\t  100 kB\nThreads:\t12\n",
		"/proc/self/cgroup":          "1:name=systemd:/x\n0::/system.slice/caddy.service\n",
		"/sys/fs/cgroup/system.slice/caddy.service/memory.max":    "536870912\n",
		"/sys/fs/cgroup/system.slice/caddy.service/memory.events": "low 0\noom_kill 3\n",
		"/proc/pressure/io": "some avg10=1.00\n",
		"/proc/self/fd/0":   "",
		"/proc/self/fd/1":   "",
		"/proc/self/limits": "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 1048576              files     \n",
	})
	f := Look(dir)
	if f.Kernel != "6.8.0-45-generic" || f.Name != "Debian GNU/Linux 13 (trixie)" || f.Memory.Total != 2<<20 || f.Memory.Available != 1<<20 {
		t.Errorf("%+v, %+v", f, f.Memory)
	}
	if diff := cmp.Diff(&Cgroup{MemoryMax: "536870912", MemoryEvents: "low 0\noom_kill 3"}, f.Cgroup); diff != "" {
		t.Error(diff)
	}
	p := f.Process
	if p.ResidentBytes != 100<<10 || p.PeakBytes != 200<<10 || p.Threads != 12 || p.OpenFiles != 2 || p.Goroutines < 1 || p.PID != os.Getpid() {
		t.Errorf("%+v", p)
	}
	if diff := cmp.Diff(map[string]string{"Max open files": "1024 1048576 files"}, p.Limits); diff != "" {
		t.Error(diff)
	}
	if f.Pressure["io"] != "some avg10=1.00" {
		t.Errorf("%v", f.Pressure)
	}
}

// Where the files are not there, or are a mess, what is known all the same is said.
func TestLookWithoutFiles(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"none": nil,
		"a mess": {"/proc/meminfo": "\x00:::\n:\nMemTotal: x kB", "/proc/self/limits": "a  b\n\n", "/proc/self/cgroup": "0::/../../etc\n0::",
			"/proc/self/mountinfo": " - \n1 2 3 4 5 6 - \n", "/proc/self/status": strings.Repeat("x", 1<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := root(t, files)
			f := Look(dir)
			if f.OS != runtime.GOOS || f.Process.PID == 0 {
				t.Errorf("%+v", f)
			}
			if _, err := json.Marshal(f); err != nil {
				t.Error(err)
			}
			if _, err := LookAt(dir, dir); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLookAt(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o750))
	target, err := filepath.EvalSymlinks(dir)
	must(t, err)
	parent := strings.ReplaceAll(filepath.Dir(target), " ", `\040`)
	sys := root(t, map[string]string{"/proc/self/mountinfo": "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n" +
		"23 22 0:40 / " + parent + " rw,noatime - cifs //nas/secret rw,vers=3.0,username=alice,password=s3cr3t\n" +
		"24 22 0:41 / " + parent + "/other rw - tmpfs tmpfs rw\n"})
	f, err := LookAt(sys, dir)
	must(t, err)
	if f.FileSystem != "cifs" || f.Mode != "0750" || f.DiskBytes == 0 || f.Owner == "" {
		t.Errorf("%+v", f)
	}
	if diff := cmp.Diff([]string{"noatime", "rw", "vers=3.0"}, f.Options); diff != "" {
		t.Error(diff)
	}
	f, err = LookAt(sys, filepath.Join(dir, "gone"))
	if err == nil || f.FileSystem != "cifs" {
		t.Errorf("of a folder that is not there: %+v, %v", f, err)
	}
}

func TestList(t *testing.T) {
	dir := root(t, map[string]string{
		"LOCK": "", "log/000001.log": "body s3cr3t", "quarantine/alice-veh-1.json": "body s3cr3t", "quarantine/2.json": "12345",
		"with a blank": "", "a/b/c/d/e/f/g/h/too-deep": "", "log/quarantine/3.json": "",
	})
	must(t, os.Symlink("/etc", filepath.Join(dir, "link")))
	got, err := List(t.Context(), dir, "quarantine")
	must(t, err)
	for _, want := range []string{"LOCK\n", " log/000001.log\n", "(2 files in it, 16 bytes; their names are left out)", "(another name)\n", "link\n", "log/quarantine/3.json"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	for _, not := range []string{"s3cr3t", "alice", "with a blank", "too-deep", "passwd"} {
		if strings.Contains(got, not) {
			t.Errorf("%q is in\n%s", not, got)
		}
	}
	if _, err := List(t.Context(), filepath.Join(dir, "gone")); err == nil {
		t.Error("a folder that is not there is listed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := List(ctx, dir); err == nil {
		t.Error("it goes on without end")
	}
}

func TestLongList(t *testing.T) {
	dir := t.TempDir()
	l := lister{ctx: t.Context(), root: dir}
	info, err := os.Stat(dir)
	must(t, err)
	for range mostListed + 7 {
		l.line(dir, info)
	}
	if n := strings.Count(l.out.String(), "\n"); n != mostListed || l.left != 7 {
		t.Errorf("%d lines, and %d left", n, l.left)
	}
}
