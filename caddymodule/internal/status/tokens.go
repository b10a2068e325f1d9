package status

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

func viewTokens(now time.Time, uses []traffic.TokenUse) []api.TokenUse {
	var views []api.TokenUse
	for _, u := range uses {
		v := api.TokenUse{
			Receiver: u.Receiver, Number: u.Number, Matched: u.Matched, Since: api.UTC(now.Add(-u.Since)),
			Removable: u.Removable,
		}
		if u.HasMatched {
			v.LastMatched = api.UTC(now.Add(-u.Last))
		}
		views = append(views, v)
	}
	return views
}

// tokenNotices are about tokens that can go. While LIVE events are refused none is named: what they are signed with is
// not known.
func tokenNotices(sources []api.Source) (list []api.Notice) {
	for i := range sources {
		s := &sources[i]
		if s.Live.AllRefused {
			continue
		}
		for _, k := range s.Tokens {
			if k.Removable {
				list = append(list, api.Notice{
					What: fmt.Sprintf("%s: nothing has matched %s for a day, while LIVE events matched another one",
						s.Name, tokenName(&k)),
					Do: "if it is the old one of a rotation, take it out of the config and reload",
				})
			}
		}
	}
	return list
}

// tokenName is how people find a token in the config.
func tokenName(k *api.TokenUse) string {
	name := fmt.Sprintf("token %d", k.Number)
	if k.Receiver > 0 {
		name += fmt.Sprintf(" of its %s receiver", humanize.Ordinal(k.Receiver))
	}
	return name
}
