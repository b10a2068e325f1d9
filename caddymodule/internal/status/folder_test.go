package status

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
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

// A buffer whose directory is another one now needs that one back, and no look at the disk.
func TestReplacedDirectoryHasItsOwnAdvice(t *testing.T) {
	for name, tt := range map[string]struct {
		cause error
		want  []string
	}{
		"a failed write": {syscall.EIO, []string{"see to the disk, then restart Caddy"}},
		"moved":          {&buffer.ReplacedError{Dir: "/srv/b", Now: buffer.NowNothing}, []string{"/srv/b is gone", "move it back to /srv/b, or mount"}},
		"mounted over": {&buffer.ReplacedError{Dir: "/srv/b", Now: buffer.NowOtherVolume},
			[]string{"another volume", "unmount what lies over /srv/b"}},
		"another directory": {&buffer.ReplacedError{Dir: "/srv/b", Now: buffer.NowOther},
			[]string{"another directory", "move what is at /srv/b away"}},
		"a file": {&buffer.ReplacedError{Dir: "/srv/b", File: "/srv/b/LOCK", Now: buffer.NowNothing},
			[]string{"LOCK in the buffer's directory /srv/b is gone", "nothing else writes into /srv/b"}},
	} {
		t.Run(name, func(t *testing.T) {
			halted := fmt.Errorf("%w: %w", buffer.ErrHalted, tt.cause)
			v := Make(noon, engine.Status{Receiving: engine.ReceivingHalted, Error: halted, Buffer: buffer.Stats{Halted: halted}},
				&traffic.Counters{}, new(DeadLetterWatch), buffer.Limits{}, Receivers{})
			said := v.Attention[0].What + "; " + v.Attention[0].Do
			for _, want := range append(tt.want, "then restart Caddy") {
				if !strings.Contains(said, want) {
					t.Errorf("%q does not say %q", said, want)
				}
			}
			if _, ok := errors.AsType[syscall.Errno](halted); !ok && strings.Contains(said, "see to the disk") {
				t.Errorf("%q sends to the disk", said)
			}
		})
	}
}
