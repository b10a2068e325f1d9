package integration

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// endpoint is an application behind the plugin http. It can be down.
type endpoint struct {
	addr   string
	server *http.Server
	served chan struct{}

	mu  sync.Mutex
	got []string // ids of the events that it took, in order
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{addr: fmt.Sprintf("localhost:%d", freePort(t))}
	t.Cleanup(func() { e.down(t) })
	return e
}

// handler is a block of a handlers file that delivers here.
func (e *endpoint) handler() string {
	return fmt.Sprintf(`handler "application" {
  plugin = "http"
  breaker {
    cooldown = "1s"
  }
  config {
    url = "http://%s/"
  }
}
`, e.addr)
}

func (e *endpoint) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, r.Header.Get("X-Smartcar-Event-Id"))
}

func (e *endpoint) up(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	e.server, e.served = &http.Server{Handler: e}, make(chan struct{})
	go func() {
		defer close(e.served)
		_ = e.server.Serve(l) // always an error: it was closed
	}()
}

// down finishes what is there and takes no more connections.
func (e *endpoint) down(t *testing.T) {
	t.Helper()
	if e.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	<-e.served
	e.server = nil
}

func (e *endpoint) received() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.got...)
}
