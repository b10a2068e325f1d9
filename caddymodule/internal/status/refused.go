package status

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// When refused events need attention. Whose they are cannot be known, so neither a stranger's burst is enough nor the
// four attempts that Smartcar makes for one event within three minutes.
const (
	manyRefused = 5
	// refusedFor is how long it must have gone on.
	refusedFor = 2 * time.Minute
	// fewRefused are enough, at once, where VERIFY has been answered and no event has ever been taken: then somebody
	// is setting it up.
	fewRefused = 3
	// refusedPast is how long after the last of them it is over, although no event has come that would show it.
	refusedPast = time.Hour
)

// refusedAttention is about a source of which every event is refused. It is a warning and no error, since a stranger
// who sends wrong signatures while Smartcar has nothing to send looks the same from here.
func refusedAttention(now time.Time, s *api.Source, refused traffic.Refusals) []api.Attention {
	taken := s.Stored+s.Duplicates+s.Passed+s.NotTaken > 0
	isSetUp := s.Verified > 0 && !taken
	goesOn := refused.All >= manyRefused && refused.Last.Sub(refused.Since) >= refusedFor
	isEnough := goesOn || isSetUp && refused.All >= fewRefused
	if !isEnough || now.Sub(refused.Last) > refusedPast {
		return nil
	}
	codes := slices.Sorted(maps.Keys(refused.By))
	for i, code := range codes {
		codes[i] = fmt.Sprintf("%s %s", code, text.Count(refused.By[code]))
	}
	what := "every event is refused"
	switch {
	case taken:
		what += fmt.Sprintf(" since %s ago", text.Duration(now.Sub(refused.Since)))
	case isSetUp:
		what = "VERIFY is answered, but every event is refused"
	}
	return []api.Attention{{
		Kind: api.EventsRefused, Source: s.Name, Level: api.LevelWarning,
		What: fmt.Sprintf("%s: %s: %s in %s, the last one %s ago (%s)",
			s.Name, what, text.Count(refused.All), text.Duration(refused.Last.Sub(refused.Since)),
			text.Duration(max(0, now.Sub(refused.Last))), strings.Join(codes, ", ")),
		Do: "who sent them is not known here: if Smartcar's dashboard shows failed deliveries, " +
			refusedAdvice(mostly(refused.By)) + "; else a stranger did",
	}}
}

// mostly returns the code with the highest count.
func mostly(by map[string]uint64) string {
	most := ""
	for _, code := range slices.Sorted(maps.Keys(by)) {
		if by[code] > by[most] {
			most = code
		}
	}
	return most
}

// refusedAdvice is what to do about events that are refused with a code.
func refusedAdvice(code string) string {
	switch code {
	case "delivery_too_old":
		return "the system's clock is ahead, or a proxy holds them back: reload with max_age warn"
	case "signature_mismatch":
		return "compare the Application Management Token there with this source's token, and reload with the right one"
	case "signature_missing", "signature_malformed", "signature_repeated":
		return "a proxy in front removes or changes the header SC-Signature: have it pass it on as it is"
	case "body_too_large":
		return "raise this receiver's max_size, and reload"
	case "unsupported_content_type", "unsupported_content_encoding":
		return "a proxy in front changes Content-Type or Content-Encoding: have it pass both on as they are"
	case "method_not_allowed":
		return "the callback address there is redirected, which makes a GET of a POST: write the final one"
	default:
		return "a proxy or the network in front cuts bodies off or slows them down: look there"
	}
}
