package traffic

import (
	"net"
	"slices"
	"sync"
)

// mostOwn bounds the addresses that are kept of connections that have not come up here: to another process's
// listener on the same port, say.
const mostOwn = 64

// ownAddresses are those of connections that this process has made to itself and that are still in the counts.
type ownAddresses struct {
	mu   sync.Mutex
	list []string // the latest one is the last
}

// add notes an address, at the end that made the connection.
func (o *ownAddresses) add(address net.Addr) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.list) == mostOwn {
		o.list = slices.Delete(o.list, 0, 1)
	}
	o.list = append(o.list, address.String())
}

// take reports whether a connection comes from one of the addresses, which is then none any more. It asks for the
// connection's remote address, so the caller must be one who may wait for it.
func (o *ownAddresses) take(conn net.Conn) bool {
	o.mu.Lock()
	none := len(o.list) == 0
	o.mu.Unlock()
	if none {
		return false
	}
	remote := conn.RemoteAddr()
	if remote == nil {
		return false
	}
	address := remote.String()
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.Index(o.list, address)
	if i < 0 {
		return false
	}
	o.list = slices.Delete(o.list, i, i+1)
	return true
}
