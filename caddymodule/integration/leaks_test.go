package integration

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// held is what a Caddy process holds when it is at rest.
type held struct {
	children   int
	files      int      // open files, connections and pipes, but for the buffer's own files
	deleted    []string // open files that are deleted
	goroutines int
	stacks     map[string]int // goroutines by where they wait
	sockets    int            // folders for plugins' sockets
}

// holds counts what the process holds right now.
func (s *site) holds(t *testing.T, p *process) held {
	t.Helper()
	h := held{children: len(p.children(t))}
	for _, target := range openFiles(t, p.cmd.Process.Pid) {
		switch {
		case strings.HasSuffix(target, " (deleted)"):
			h.deleted = append(h.deleted, target)
		case !strings.HasPrefix(target, s.buffer+"/"):
			// The store opens and closes tables as it likes.
			h.files++
		}
	}
	folders, err := filepath.Glob(filepath.Join(s.dir, "tmp", "smc-*"))
	if err != nil {
		t.Fatal(err)
	}
	h.sockets = len(folders)
	h.goroutines, h.stacks = s.goroutines(t)
	return h
}

// openFiles says what a process has open.
func openFiles(t *testing.T, pid int) []string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, entry := range entries {
		// What is closed meanwhile is not open.
		if target, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil {
			targets = append(targets, target)
		}
	}
	return targets
}

var (
	profileTotal = regexp.MustCompile(`^goroutine profile: total (\d+)`)
	// A group of the profile: its size, and its stack line by line.
	profileGroup = regexp.MustCompile(`(?m)^(\d+) @[ 0-9a-fx]*\n((?:#\t.*\n)+)`)
	profileLine  = regexp.MustCompile(`(?m)^#\t0x[0-9a-f]+\t(\S+)\+0x[0-9a-f]+`)
)

// goroutines asks the admin API's profile.
func (s *site) goroutines(t *testing.T) (total int, stacks map[string]int) {
	t.Helper()
	resp, err := s.adminClient().Get("http://localhost/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	match := profileTotal.FindSubmatch(text)
	if match == nil {
		t.Fatalf("no profile: %.200s", text)
	}
	total, _ = strconv.Atoi(string(match[1]))
	stacks = make(map[string]int)
	for _, group := range profileGroup.FindAllSubmatch(text, -1) {
		n, _ := strconv.Atoi(string(group[1]))
		var frames []string
		for _, frame := range profileLine.FindAllSubmatch(group[2], -1) {
			frames = append(frames, string(frame[1]))
		}
		stacks[strings.Join(frames, " < ")] += n
	}
	return total, stacks
}

// atRest waits until the process holds no more than before, and fails the test with
// what there is too much of.
func (s *site) atRest(t *testing.T, p *process, before held) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		s.client.CloseIdleConnections()
		after := s.holds(t, p)
		more := after.more(before)
		if len(more) == 0 {
			t.Logf("at rest: %d processes of handlers, %d files, %d goroutines; before: %d, %d, %d",
				after.children, after.files, after.goroutines, before.children, before.files, before.goroutines)
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind:\n%s", strings.Join(more, "\n"))
		}
		<-ticker.C
	}
}

// more says what there is more of than before.
func (h held) more(before held) []string {
	var more []string
	for _, count := range []struct {
		what          string
		after, before int
	}{
		{"processes of handlers", h.children, before.children},
		{"open files", h.files, before.files},
		{"folders for sockets", h.sockets, before.sockets},
		{"goroutines", h.goroutines, before.goroutines},
	} {
		if count.after > count.before {
			more = append(more, fmt.Sprintf("%s: %d, before %d", count.what, count.after, count.before))
		}
	}
	if len(h.deleted) > 0 {
		more = append(more, fmt.Sprintf("open files that are deleted: %v", h.deleted))
	}
	if h.goroutines > before.goroutines {
		for stack, n := range h.stacks {
			if n > before.stacks[stack] {
				more = append(more, fmt.Sprintf("  %d goroutines, before %d: %s", n, before.stacks[stack], stack))
			}
		}
	}
	return more
}

// restsAt waits until what the process holds stays the same for a second.
func (s *site) restsAt(t *testing.T, p *process) held {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	var last held
	since := time.Now()
	waitFor(t, "Caddy is at rest", 30*time.Second, func() bool {
		s.client.CloseIdleConnections()
		now := s.holds(t, p)
		if now.compare(last) != 0 {
			last, since = now, time.Now()
		}
		return time.Since(since) > time.Second && len(now.deleted) == 0
	})
	return last
}

func (h held) compare(o held) int {
	return slices.Compare([]int{h.children, h.files, len(h.deleted), h.goroutines, h.sockets},
		[]int{o.children, o.files, len(o.deleted), o.goroutines, o.sockets})
}
