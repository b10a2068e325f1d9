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
	if d.Files == 0 {
		return api.Attention{Level: api.LevelError, Commands: []string{"caddy smartcar damaged"},
			What: text.Because("files of the buffer are missing", d.Why),
			Do: "see to the disk; events in them are among the dead letters, all else goes on; remove " + d.Folder +
				" to end this line"}
	}
	became, look := "what they hold is not delivered", "caddy smartcar damaged"
	switch buffer.DamagedPart(d.What) {
	case buffer.DamagedLog:
		became = "events in them that cannot be read are among the dead letters, all else goes on"
	case buffer.DamagedStore:
		became = "the store was built anew from the log of events, so handlers may get events again, and dead letters, " +
			"pauses and ids older than the log may be missing"
		return api.Attention{Level: api.LevelError, What: text.Because(what, d.Why), Commands: []string{look},
			Do: "see to the disk; " + became + "; look with " + look + ", and remove " + d.Folder + " to end this line"}
	}
	return api.Attention{Level: api.LevelError, What: text.Because(what, d.Why), Commands: []string{look},
		Do: "see to the disk; " + became + "; look with " + look + ", then damaged recover, or remove " + d.Folder}
}

// controlAttention is about a control file that was missing or damaged. What it would have told cannot be found out any
// more, and the next start has a new one to go by.
func controlAttention(b *api.Buffer) api.Attention {
	return api.Attention{Level: api.LevelWarning,
		What: "the file control in " + b.Path + " was missing or damaged when the buffer was opened: had the disk damaged" +
			" the newest events as well, nobody would know",
		Do: "if nobody removed it, or left it out of a backup, see to the disk; it is written anew, and this line goes" +
			" with the next start of Caddy",
	}
}
