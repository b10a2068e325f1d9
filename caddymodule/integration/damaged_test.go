package integration

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// newDamagedSite is a site with another one beside it, whose Caddy has taken events while its handler was down, and has
// ended. Then spoil has damaged files of the buffer. The handler would work now. It returns the events.
func newDamagedSite(t *testing.T, spoil func(t *testing.T, buffer string)) (s *site, other string, waiting []string) {
	t.Helper()
	s = newSite(t)
	other = s.withOtherSite(t)
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	if err := os.Mkdir(s.events, 0o700); err != nil { // in the way of the handler's file
		t.Fatal(err)
	}
	p := s.startAdmin(t)
	if state := s.handler(t, "archive").State; state != "down" {
		t.Fatalf("the handler is %s, want down", state)
	}
	for _, vehicle := range []string{"one", "two", "three"} {
		waiting = append(waiting, s.sendEvents(t, vehicle, 7)...)
	}
	p.terminate(t)
	if err := os.Remove(s.events); err != nil {
		t.Fatal(err)
	}
	spoil(t, s.buffer)
	return s, other, waiting
}

// zeroOptions makes the store one that cannot be opened: that file says how it is to be read.
func zeroOptions(t *testing.T, buffer string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(buffer, "OPTIONS-*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no options: %v", err)
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, info.Size()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// spoilStoreAndLog damages the store, and in the log the changes that would build it anew, but none of the events. The
// layout is in the documentation of the package eventlog.
func spoilStoreAndLog(t *testing.T, buffer string) {
	t.Helper()
	zeroOptions(t, buffer)
	const segmentHeader, groupHeader = 36, 44
	path := filepath.Join(buffer, "000001.events")
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := log[segmentHeader:]
	if binary.LittleEndian.Uint32(first[28:]) == 0 {
		t.Fatal("the first group changes nothing")
	}
	first[groupHeader+binary.LittleEndian.Uint32(first[4:])-1] ^= 1
	if err := os.WriteFile(path, log, 0o600); err != nil {
		t.Fatal(err)
	}
}

// flipInRecord damages an event in the middle of the log.
func flipInRecord(t *testing.T, buffer string) {
	t.Helper()
	path := filepath.Join(buffer, "000001.events")
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(log, []byte(`"id":"two"`))
	if at < 0 {
		t.Fatal("no event of that vehicle is in the log")
	}
	log[at+2] ^= 1
	if err := os.WriteFile(path, log, 0o600); err != nil {
		t.Fatal(err)
	}
}

// startTaking starts Caddy on the damaged buffer. It must take events at once, beside its other site; they are returned.
func (s *site) startTaking(t *testing.T, other string) (taken []string) {
	t.Helper()
	s.start(t)
	taken = s.sendEvents(t, "one", 3)
	waitFor(t, "the other site answers", 20*time.Second, func() bool { return answers(other) })
	waitFor(t, "the handler is at work", 20*time.Second, func() bool {
		return s.askAdmin(t, http.MethodGet, "/smartcar/status", "").status == http.StatusOK && s.atWork(t)
	})
	return append(taken, s.sendEvents(t, "one", 1)...)
}

// damagedFolders returns the paths of the folders of damaged files that there are. The status and the list must name each.
func (s *site) damagedFolders(t *testing.T) []string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(s.buffer, "damaged", "*"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("nothing is set aside: %v\n%s", err, s.log())
	}
	status, code := s.run(t, "status")
	if code != 1 {
		t.Errorf("status exits with %d, want 1", code)
	}
	list := s.must(t, "Why", "damaged")
	for _, folder := range folders {
		if !strings.Contains(status, filepath.Base(folder)) || !strings.Contains(list, folder) {
			t.Errorf("%s is not in\n%s\nor not in\n%s", folder, status, list)
		}
	}
	return folders
}

// recoverAll recovers what is set aside, and removes what there is nothing to recover in, after which nothing is left for
// a person to do.
func (s *site) recoverAll(t *testing.T, folders []string) (said string) {
	t.Helper()
	var others []string
	for _, folder := range folders {
		name := filepath.Base(folder)
		if events, _ := filepath.Glob(filepath.Join(folder, "*.events")); len(events) == 0 {
			others = append(others, name)
			continue
		}
		if out, code := s.run(t, "damaged", "remove", "--yes", name); code == 0 || !strings.Contains(out, "not recovered yet") {
			t.Errorf("removing what is not recovered exits with %d:\n%s", code, out)
		}
		s.must(t, "Nothing was done", "damaged", "recover", "--dry-run", name)
		said += s.must(t, "stored anew", "damaged", "recover", name)
		if !strings.Contains(s.must(t, name, "damaged"), "Recovered") {
			t.Errorf("the list does not say that %s is recovered", name)
		}
	}
	for _, name := range others {
		s.must(t, "No events are in these files", "damaged", "recover", name)
		s.must(t, "no file of events", "damaged", "remove", "--dry-run", name)
		s.must(t, "is removed", "damaged", "remove", "--yes", name)
		if out := s.must(t, "", "damaged"); strings.Contains(out, name) {
			t.Errorf("%s is removed, and still in\n%s", name, out)
		}
	}
	if v := s.status(t); !v.Healthy || len(v.Attention) > 0 {
		t.Errorf("recovered, and yet: %+v", v.Attention)
	}
	return said
}

// awaitEach waits until the handler has had each of these events, and returns all that it has had.
func (s *site) awaitEach(t *testing.T, want []string) (got []string) {
	t.Helper()
	waitFor(t, "the handler has had every event that was answered 200", 20*time.Second, func() bool {
		got = s.received(t)
		return !slices.ContainsFunc(want, func(id string) bool { return !slices.Contains(got, id) })
	})
	s.settled(t)
	return s.received(t)
}

// With the store and the log damaged nothing can be delivered that was stored, but Caddy receives, and what can be read
// comes back when a person asks for it.
func TestDamagedBufferIsRecovered(t *testing.T) {
	proof.SkipInShort(t, "it is about what is read from a disk")
	t.Parallel()
	s, other, waiting := newDamagedSite(t, spoilStoreAndLog)
	taken := s.startTaking(t, other)
	if got := s.awaitEach(t, taken); len(got) != len(taken) {
		t.Errorf("the handler has had %q, want the new ones only: %q", got, taken)
	}
	said := s.recoverAll(t, s.damagedFolders(t))
	if !strings.Contains(said, "21 stored anew, 0 known") || !strings.Contains(said, "missing: 0.") {
		t.Errorf("recovering says\n%s", said)
	}
	got := s.awaitEach(t, append(slices.Clone(waiting), taken...))
	if want := len(waiting) + len(taken); len(got) != want {
		t.Errorf("the handler has had %d events, want %d, each once: %q", len(got), want, got)
	}
	for i := range 3 {
		if vehicle := waiting[7*i : 7*i+7]; !inOrder(vehicle, got) {
			t.Errorf("the handler has had %q, want in this order: %q", got, vehicle)
		}
	}
}

// With only the store damaged no event is missing, and nobody has to ask for any. What else may be missing cannot be had
// from the files, so status says it until a person removes them.
func TestDamagedStoreIsBuiltAnew(t *testing.T) {
	proof.SkipInShort(t, "it is about what is read from a disk")
	t.Parallel()
	s, other, waiting := newDamagedSite(t, zeroOptions)
	taken := s.startTaking(t, other)
	got := s.awaitEach(t, append(slices.Clone(waiting), taken...))
	for _, folder := range s.damagedFolders(t) {
		s.must(t, "No events are in these files", "damaged", "recover", filepath.Base(folder))
		if status, _ := s.run(t, "status"); !strings.Contains(status, "dead letters, pauses and ids older than the log") {
			t.Errorf("status does not say what may be missing:\n%s", status)
		}
	}
	s.settled(t)
	if now := s.received(t); !slices.Equal(now, got) {
		t.Errorf("there was nothing to recover, but after %q the handler has had %q", got, now)
	}
}

// inOrder reports whether the ids stand in a list one behind the other.
func inOrder(ids, list []string) bool {
	for _, id := range ids {
		i := slices.Index(list, id)
		if i < 0 {
			return false
		}
		list = list[i+1:]
	}
	return true
}
