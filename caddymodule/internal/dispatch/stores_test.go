package dispatch_test

import (
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// openStore makes an empty buffer.
type openStore func(t *testing.T) buffer.Buffer

// stores are the buffers that every history is played on.
var stores = map[string]openStore{
	"memory": func(*testing.T) buffer.Buffer { return newMemory() },
}
