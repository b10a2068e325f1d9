package machine

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Folder is what is known of a folder and of the disk that it lies on. Sizes are in bytes.
type Folder struct {
	Path string `json:"path"`
	// Mode is in octal, Owner and Group are numbers; ProcessUser is the number of this process's user.
	Mode        string `json:"mode,omitempty"`
	Owner       string `json:"owner,omitempty"`
	Group       string `json:"group,omitempty"`
	ProcessUser int    `json:"process_user"`
	// Mount is where the disk is mounted, with its file system and options; secrets of network mounts are left out.
	Mount      string   `json:"mount,omitempty"`
	FileSystem string   `json:"file_system,omitempty"`
	Options    []string `json:"options,omitempty"`
	DiskBytes  uint64   `json:"disk_bytes,omitempty"`
	FreeBytes  uint64   `json:"free_bytes,omitempty"`
	UsedBytes  uint64   `json:"used_bytes,omitempty"`
}

// LookAt describes a folder. root is the root of the file system that /proc is in, "" but in tests. It returns what it
// found beside an error.
func LookAt(root, dir string) (Folder, error) {
	f := Folder{Path: dir, ProcessUser: os.Getuid()}
	f.Mount, f.FileSystem, f.Options = system{root}.mount(dir)
	info, err := os.Stat(dir)
	if err != nil {
		return f, fmt.Errorf("looking at the folder: %w", err)
	}
	f.Mode = fmt.Sprintf("%04o", info.Mode().Perm())
	f.Owner, f.Group = owner(info)
	usage, err := vfs.Default.GetDiskUsage(dir)
	if err != nil {
		return f, fmt.Errorf("asking for the room of the disk: %w", err)
	}
	f.DiskBytes, f.FreeBytes, f.UsedBytes = usage.TotalBytes, usage.AvailBytes, usage.UsedBytes
	return f, nil
}

// shownOptions are the options of mounts that say how a disk treats what is written; others may hold names and
// addresses.
var shownOptions = regexp.MustCompile(`^(rw|ro|nosuid|nodev|noexec|relatime|noatime|nodiratime|lazytime|sync|async|dirsync|discard|` +
	`barrier|nobarrier|data=[a-z]+|commit=[0-9]+|errors=[a-z-]+|nofail|attr2|inode64|noquota|usrquota|prjquota|logbufs=[0-9]+|` +
	`compress(-force)?(=[a-z0-9:]+)?|space_cache(=v[0-9])?|ssd|nodatacow|nodatasum|flushoncommit|xattr|noacl|posixacl|` +
	`hard|soft|vers=[0-9.]+|proto=[a-z0-9]+|size=[0-9a-z]+|volatile|redirect_dir=[a-z]+|index=[a-z]+|delalloc|nodelalloc|stripe=[0-9]+)$`)

// mount finds the mount that a folder lies on.
func (s system) mount(dir string) (at, kind string, options []string) {
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		dir = target
	}
	for line := range strings.Lines(s.read("/proc/self/mountinfo")) {
		before, after, ok := strings.Cut(strings.TrimSpace(line), " - ")
		fields, more := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 6 || len(more) < 3 {
			continue
		}
		point := unescape(fields[4])
		if !below(dir, point) || len(point) < len(at) {
			continue
		}
		at, kind = point, more[0]
		options = slices.DeleteFunc(append(strings.Split(fields[5], ","), strings.Split(more[2], ",")...), func(o string) bool {
			return !shownOptions.MatchString(o)
		})
	}
	slices.Sort(options)
	return at, kind, slices.Compact(options)
}

func below(dir, point string) bool {
	return dir == point || point == "/" || strings.HasPrefix(dir, point+"/")
}

// unescape reads the kernel's \040 for a blank.
func unescape(s string) string {
	return escaped.ReplaceAllStringFunc(s, func(e string) string {
		n, err := strconv.ParseUint(e[1:], 8, 8)
		if err != nil {
			return e
		}
		return string(rune(n))
	})
}

var escaped = regexp.MustCompile(`\\[0-7]{3}`)

const (
	// mostListed is how many files a list has, and mostDeep how many folders it goes down.
	mostListed = 2000
	mostDeep   = 6
)

// ownNames are those that the buffer gives to its files. Others are not shown: somebody else has given them.
var ownNames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$`)

// List lists the files of a folder: permissions, size, time and name, and nothing of what is in them. Of the folders
// whose names are in closed it lists only how many files there are and their size together.
func List(ctx context.Context, dir string, closed ...string) (string, error) {
	l := lister{ctx: ctx, root: dir, closed: closed}
	err := l.list(dir, 0)
	if l.left > 0 {
		fmt.Fprintf(&l.out, "and %d more\n", l.left)
	}
	return l.out.String(), err
}

type lister struct {
	ctx    context.Context
	root   string
	closed []string

	out         strings.Builder
	shown, left int
}

func (l *lister) list(dir string, depth int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("listing the folder: %w", err)
	}
	for _, e := range entries { // sorted by name
		if err := l.ctx.Err(); err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			continue // it is gone
		}
		path := filepath.Join(dir, e.Name())
		l.line(path, info)
		switch {
		case !info.IsDir():
		case depth == 0 && slices.Contains(l.closed, e.Name()):
			l.sum(path)
		case depth < mostDeep:
			if err := l.list(path, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lister) line(path string, info fs.FileInfo) {
	if l.shown >= mostListed {
		l.left++
		return
	}
	l.shown++
	fmt.Fprintf(&l.out, "%s %12d %s %s\n", info.Mode(), info.Size(), info.ModTime().UTC().Format(time.RFC3339), l.name(path))
}

// name is a path below the root.
func (l *lister) name(path string) string {
	relative, err := filepath.Rel(l.root, path)
	if err != nil {
		return "(another name)"
	}
	parts := strings.Split(filepath.ToSlash(relative), "/")
	for i, part := range parts {
		if !ownNames.MatchString(part) {
			parts[i] = "(another name)"
		}
	}
	return strings.Join(parts, "/")
}

// sum says of a folder how much is in it.
func (l *lister) sum(dir string) {
	files, size := 0, int64(0)
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || l.ctx.Err() != nil {
			return l.ctx.Err()
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files++
			size += info.Size()
		}
		return nil
	})
	fmt.Fprintf(&l.out, "  (%d files in it, %d bytes; their names are left out)\n", files, size)
}
