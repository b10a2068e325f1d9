package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// tokensLine says what each token of a source has matched; "" where it has only one.
func (p printer) tokensLine(v *api.Status, s *api.Source) string {
	if len(s.Tokens) < 2 {
		return ""
	}
	parts := make([]string, 0, len(s.Tokens))
	for _, k := range s.Tokens {
		name := fmt.Sprintf("token %d", k.Number)
		if k.Receiver > 0 {
			name = fmt.Sprintf("receiver %d %s", k.Receiver, name)
		}
		if k.LastMatched.IsZero() {
			parts = append(parts, fmt.Sprintf("%s matched nothing since %s", name, p.brief(k.Since, v.At, time.TimeOnly)))
			continue
		}
		parts = append(parts,
			fmt.Sprintf("%s matched %s (last %s)", name, text.Count(k.Matched), p.brief(k.LastMatched, v.At, time.TimeOnly)))
	}
	return s.Name + ": " + strings.Join(parts, ", ")
}
