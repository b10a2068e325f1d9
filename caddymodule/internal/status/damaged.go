package status

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// damagedAttention is about files that were set aside.
func damagedAttention(d *api.Damaged) api.Attention {
	what := fmt.Sprintf("files of the buffer were damaged and are set aside: %s, %s", text.Plural(uint64(d.Files), "file"),
		humanize.IBytes(d.Bytes))
	if !d.At.IsZero() {
		what += ", since " + d.At.Format(time.RFC3339)
	}
	look, remove := "caddy smartcar damaged", "caddy smartcar damaged remove "+d.Name
	if buffer.DamagedPart(d.What) == buffer.DamagedChanges {
		return api.Attention{
			Kind: api.BufferDamaged, About: d.Name, Level: api.LevelError, Commands: []string{look, remove},
			What: text.Because("changes to the buffer are lost that were just written", d.Why),
			Do: "see to the disk; handlers may get events again, events that cannot be read are among the dead letters, " +
				"and dead letters, pauses, memos and ids of that time may be missing; " + remove + " ends this line"}
	}
	if d.Files == 0 {
		return api.Attention{
			Kind: api.BufferDamaged, About: d.Name, Level: api.LevelError, Commands: []string{look, remove},
			What: text.Because("files of the buffer are missing", d.Why),
			Do: "see to the disk; events in them are among the dead letters, all else goes on; look with " + look + ", and " +
				remove + " ends this line"}
	}
	became := "what they hold is not delivered"
	switch buffer.DamagedPart(d.What) {
	case buffer.DamagedLog:
		became = "events in them that cannot be read are among the dead letters, all else goes on"
	case buffer.DamagedStore:
		became = "the store was built anew from the log of events, so handlers may get events again, and dead letters, " +
			"pauses and ids older than the log may be missing"
		return api.Attention{
			Kind: api.BufferDamaged, About: d.Name, Level: api.LevelError,
			What: text.Because(what, d.Why), Commands: []string{look, remove},
			Do: "see to the disk; " + became + "; look with " + look + ", and " + remove + " ends this line"}
	}
	again := "caddy smartcar damaged recover " + d.Name
	return api.Attention{
		Kind: api.BufferDamaged, About: d.Name, Level: api.LevelError,
		What: text.Because(what, d.Why), Commands: []string{look, again},
		Do: "see to the disk; " + became + "; look with " + look + ", then " + again + " gives back what can be read"}
}

// damagedNotices are about files that were recovered, of which some events are missing: whoever had them recovered was
// told so.
func damagedNotices(all []api.Damaged) (list []api.Notice) {
	for i := range all {
		d := &all[i]
		if d.RecoveredAt.IsZero() || d.Missing == 0 {
			continue
		}
		list = append(list, api.Notice{
			What: fmt.Sprintf("%s of damaged files could not be recovered, all else was, on %s",
				text.Plural(d.Missing, "event"), d.RecoveredAt.Format(time.RFC3339)),
			Do: "handlers may have had them before; when you need the files no more: caddy smartcar damaged remove " + d.Name,
		})
	}
	return list
}

// controlAttention is about a control file that was missing or damaged. What it would have told cannot be found out any
// more, and the next start has a new one to go by.
func controlAttention(b *api.Buffer) api.Attention {
	return api.Attention{Kind: api.ControlFileLost, Level: api.LevelWarning,
		What: "the file control in " + b.Path + " was missing or damaged when the buffer was opened: had the disk damaged" +
			" the newest events as well, nobody would know",
		Do: "if nobody removed it, or left it out of a backup, see to the disk; it is written anew, and this line goes" +
			" with the next start of Caddy",
	}
}
