package pluginhost

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/encoding"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// instance is one process that is up, and the connection to it.
type instance struct {
	proc    *process
	client  *goplugin.Client
	handler handlerv1.HandlerServiceClient
	codec   encoding.CodecV2
	health  healthpb.HealthClient
	about   about
	since   time.Time

	// inflight counts Handle calls; added to under Plugin.mu while it is current.
	inflight sync.WaitGroup
	// heard is when the process last answered anything, in Unix nanoseconds.
	heard atomic.Int64
	// closing: the host is ending this process, so its end is no news.
	closing atomic.Bool
	// exitKnown is closed when the process is gone and crash is set: how it ended, nil when
	// the host ended it.
	exitKnown chan struct{}
	crash     *dispatch.CrashError
	// watched is closed when the process is gone and all of it is cleaned up.
	watched chan struct{}
	// finishing makes finish run once.
	finishing sync.Once
	// socketDir is the directory that go-plugin made for the socket.
	socketDir string
}

func (i *instance) answered() { i.heard.Store(time.Now().UnixNano()) }

// quit asks the process to end through go-plugin, gives it until ctx ends, and then
// kills its group. What is in flight is cut off.
func (i *instance) quit(ctx context.Context) {
	i.closing.Store(true)
	go i.finish()
	select {
	case <-i.proc.exited:
	case <-ctx.Done():
		i.proc.kill()
		<-i.proc.exited
	}
	i.finish()
}

// finish has go-plugin close the connection, which also asks a living process to
// end, and removes the socket's directory. It returns when the process is gone;
// go-plugin kills one that does not listen, after 2 s.
func (i *instance) finish() {
	i.finishing.Do(func() {
		i.client.Kill()
		<-i.proc.done
		// go-plugin leaves it behind when the process did not start.
		if i.socketDir != "" {
			_ = os.RemoveAll(i.socketDir)
		}
	})
}

// about is what a plugin says of itself.
type about struct {
	name, version string
	maxBatch      int
	types         map[string]struct{} // empty: all
}

func (a about) wants(eventType string) bool {
	if len(a.types) == 0 {
		return true
	}
	_, ok := a.types[eventType]
	return ok
}
