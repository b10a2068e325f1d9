package status

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// Whether events are missing cannot be found out any more, so a person must hear of it beside the log.
func TestLostControlFileIsShown(t *testing.T) {
	for _, lost := range []bool{false, true} {
		s := engine.Status{Receiving: engine.ReceivingOpen, Buffer: buffer.Stats{Path: "/srv/b", ControlLost: lost}}
		v := Make(noon, s, new(traffic.Counters), new(DeadLetterWatch), buffer.Limits{}, Receivers{})
		data, err := json.Marshal(v.Buffer)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), `"control_file_lost":true`) != lost || v.Healthy == lost {
			t.Errorf("lost %t: healthy %t, %s", lost, v.Healthy, data)
		}
		if !lost {
			continue
		}
		if len(v.Attention) != 1 {
			t.Fatalf("attention: %+v", v.Attention)
		}
		a := v.Attention[0]
		if a.Level != api.LevelWarning || !strings.Contains(a.What, "control in /srv/b was missing or damaged") ||
			!strings.Contains(a.Do, "see to the disk") {
			t.Errorf("attention: %+v", a)
		}
	}
}

// What may be missing for good is said as long as the folder is there.
func TestDamagedStoreSaysWhatMayBeMissing(t *testing.T) {
	a := damagedAttention(&api.Damaged{What: string(buffer.DamagedStore), Folder: "/srv/b/damaged/1", Files: 3})
	if !strings.Contains(a.Do, "dead letters, pauses and ids older than the log may be missing") ||
		strings.Contains(a.Do, "recover") || !strings.Contains(a.Do, "remove /srv/b/damaged/1") {
		t.Errorf("attention: %+v", a)
	}
	a = damagedAttention(&api.Damaged{What: string(buffer.DamagedLog), Folder: "/srv/b/damaged/1", Why: "gone"})
	if strings.Contains(a.What+a.Do, "0 files") || strings.Contains(a.Do, "recover") ||
		!strings.Contains(a.What, "missing") {
		t.Errorf("attention for missing files: %+v", a)
	}
}
