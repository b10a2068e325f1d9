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
	a := damagedAttention(&api.Damaged{What: string(buffer.DamagedStore), Name: "1", Folder: "/srv/b/damaged/1", Files: 3})
	if !strings.Contains(a.Do, "dead letters, pauses and ids older than the log may be missing") ||
		strings.Contains(a.Do, "recover") || !strings.Contains(a.Do, "caddy smartcar damaged remove 1 ends this line") {
		t.Errorf("attention: %+v", a)
	}
	a = damagedAttention(&api.Damaged{What: string(buffer.DamagedChanges), Folder: "/srv/b/damaged/1", Why: "group 7"})
	if !strings.Contains(a.What, "changes to the buffer are lost") || !strings.Contains(a.What, "group 7") ||
		strings.Contains(a.Do, "recover") || !strings.Contains(a.Do, "handlers may get events again") {
		t.Errorf("attention for lost changes: %+v", a)
	}
	a = damagedAttention(&api.Damaged{What: string(buffer.DamagedLog), Folder: "/srv/b/damaged/1", Why: "gone"})
	if strings.Contains(a.What+a.Do, "0 files") || strings.Contains(a.Do, "recover") ||
		!strings.Contains(a.What, "missing") {
		t.Errorf("attention for missing files: %+v", a)
	}
}

// Once somebody was told how many events are missing, nothing needs attention, and the number is not forgotten.
func TestMissingEventsAreANotice(t *testing.T) {
	for _, missing := range []uint64{0, 3} {
		d := buffer.Damaged{What: buffer.DamagedAll, Name: "1", Files: 2, RecoveredAt: noon, Missing: missing}
		s := engine.Status{Receiving: engine.ReceivingOpen, Buffer: buffer.Stats{Damaged: []buffer.Damaged{d}}}
		v := Make(noon, s, new(traffic.Counters), new(DeadLetterWatch), buffer.Limits{}, Receivers{})
		if !v.Healthy || len(v.Attention) > 0 || v.Buffer.Damaged[0].Missing != missing {
			t.Errorf("missing %d: %+v, %+v", missing, v.Attention, v.Buffer.Damaged)
		}
		if missing == 0 {
			if len(v.Notices) > 0 {
				t.Errorf("nothing is missing, and there is a notice: %+v", v.Notices)
			}
			continue
		}
		if len(v.Notices) != 1 || !strings.Contains(v.Notices[0].What, "3 events of damaged files could not be recovered") ||
			!strings.Contains(v.Notices[0].Do, "caddy smartcar damaged remove 1") {
			t.Errorf("notices: %+v", v.Notices)
		}
	}
}
