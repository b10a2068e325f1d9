package status

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// Where others can write into the buffer's folder that needs attention; where they can only look it is worth knowing.
func TestFolderOpenToOthers(t *testing.T) {
	for _, tt := range []struct {
		mode    fs.FileMode
		healthy bool
		notices int
	}{{0, true, 0}, {0o755, true, 1}, {0o750, true, 1}, {0o770, false, 0}, {0o777, false, 0}} {
		v := Make(noon, engine.Status{Receiving: engine.ReceivingOpen, Buffer: buffer.Stats{Path: "/srv/b", FolderMode: tt.mode}},
			&traffic.Counters{}, new(DeadLetterWatch), buffer.Limits{}, Receivers{})
		if v.Healthy != tt.healthy || len(v.Notices) != tt.notices {
			t.Errorf("%o: healthy %t, attention %+v, notices %+v", tt.mode, v.Healthy, v.Attention, v.Notices)
		}
		said := ""
		for _, n := range v.Notices {
			said = n.What + ": " + n.Do
		}
		for _, a := range v.Attention {
			said = a.What + ": " + a.Do
		}
		if tt.mode != 0 && (!strings.HasSuffix(said, ": chmod 700 /srv/b") || !strings.Contains(said, v.Buffer.FolderMode)) {
			t.Errorf("%o: %q, mode %q", tt.mode, said, v.Buffer.FolderMode)
		}
	}
}
