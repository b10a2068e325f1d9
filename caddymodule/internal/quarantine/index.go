package quarantine

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// entry is what is known of a kept request without its file.
type entry struct {
	id       string
	source   string
	network  string
	code     string
	eventID  string
	mode     string
	key      string
	stamp    int64
	received time.Time
	size     int
	disk     int64
	// token is the one that it verifies under, 0 for none, by the tokens of a generation.
	token      int
	generation uint64
	// stored: the buffer knows the event, and not its contents any more.
	stored bool
	// looks is how often it was looked at again since it verifies.
	looks int
}

// isReleasable reports whether it verified when it was last looked at, and the buffer does not have the event.
func (e *entry) isReleasable() bool { return e.token > 0 && !e.stored }

func newEntry(id string, h *header, disk int64) *entry {
	return &entry{
		id: id, source: h.Source, network: h.Network, code: h.Code, eventID: h.EventID, mode: h.Mode, key: h.Key,
		stamp: h.Stamp, received: h.ReceivedAt, size: h.Size, disk: disk,
	}
}

// index has all that is kept.
type index struct {
	entries  map[string]*entry
	networks map[string]*network
	// keys are those of the entries.
	keys  map[string]bool
	bytes int64
}

// network is what is kept of a network, the oldest first.
type network struct {
	bytes   int64
	entries []*entry
}

func newIndex() index {
	return index{entries: map[string]*entry{}, networks: map[string]*network{}, keys: map[string]bool{}}
}

func (x *index) add(e *entry) {
	n := x.networks[e.network]
	if n == nil {
		n = new(network)
		x.networks[e.network] = n
	}
	at, _ := slices.BinarySearchFunc(n.entries, e, byAge)
	n.entries = slices.Insert(n.entries, at, e)
	n.bytes += e.disk
	x.entries[e.id] = e
	x.keys[e.key] = true
	x.bytes += e.disk
}

func (x *index) remove(e *entry) {
	if x.entries[e.id] != e {
		return
	}
	delete(x.entries, e.id)
	delete(x.keys, e.key)
	x.bytes -= e.disk
	n := x.networks[e.network]
	n.bytes -= e.disk
	if at, ok := slices.BinarySearchFunc(n.entries, e, byAge); ok {
		n.entries = slices.Delete(n.entries, at, at+1)
	}
	if len(n.entries) == 0 {
		delete(x.networks, e.network)
	}
}

// victim is what gives way to another one of a network, nil where nothing is kept: the oldest of the network that takes
// the most.
func (x *index) victim(newcomer string, disk int64) *entry {
	var most *network
	taken := int64(0)
	for name, n := range x.networks {
		bytes := n.bytes
		if name == newcomer {
			bytes += disk
		}
		if bytes > taken || bytes == taken && byAge(n.entries[0], most.entries[0]) < 0 {
			most, taken = n, bytes
		}
	}
	if most == nil {
		return nil
	}
	return most.entries[0]
}

// sorted are all that a pick means, the oldest first.
func (x *index) sorted(p Pick) []*entry {
	var list []*entry
	take := func(e *entry) {
		if p.Source == "" || p.Source == e.source {
			list = append(list, e)
		}
	}
	if len(p.IDs) == 0 {
		for _, e := range x.entries {
			take(e)
		}
	}
	for _, id := range p.IDs {
		if e := x.entries[id]; e != nil {
			take(e)
		}
	}
	slices.SortFunc(list, byAge)
	return slices.Compact(list)
}

// byAge orders by the time that an id begins with.
func byAge(a, b *entry) int { return cmp.Compare(a.id, b.id) }

// Pick says which are meant. What is left out does not restrict.
type Pick struct {
	IDs    []string
	Source string
}

// fileName is that of an id.
func fileName(id string) string { return id + suffix }

// idOf returns the id of a file, and whether it has the form of one.
func idOf(name string) (string, bool) {
	id, ok := strings.CutSuffix(name, suffix)
	return id, ok && isID(id)
}
