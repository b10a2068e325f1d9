package explain

import (
	"cmp"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// Conclude sets the verdict and its meaning by what was found: the match that needs the least to have happened comes
// first.
func Conclude(e *api.SignatureExplanation) {
	slices.SortStableFunc(e.Matches, func(a, b api.SignatureMatch) int {
		return cmp.Compare(distance(e, &a), distance(e, &b))
	})
	e.Verdict = verdict(e)
	e.Meaning = meaning(e)
}

// distance is how much must have happened for a match.
func distance(e *api.SignatureExplanation, m *api.SignatureMatch) int {
	n := 0
	for _, more := range []struct {
		happened bool
		weight   int
	}{
		{isUnsigned(m), 1000}, {m.Swapped, 200}, {m.Key != "", 100}, {len(m.Causes) > 0, 20}, {m.Header != "", 10},
		{m.Given != "", 2}, {m.Source != e.Source, 1},
	} {
		if more.happened {
			n += more.weight
		}
	}
	return n + len(m.Causes)
}

// isUnsigned: no token has a part in it.
func isUnsigned(m *api.SignatureMatch) bool { return m.Given == "" && m.Token == 0 }

// isElsewhere: the source in question does not have the token.
func isElsewhere(e *api.SignatureExplanation, m *api.SignatureMatch) bool {
	return m.Given != "" || e.Source != "" && m.Source != e.Source
}

func verdict(e *api.SignatureExplanation) api.SignatureVerdict {
	if e.Signature.Problem != "" {
		return api.SignatureMalformed
	}
	if len(e.Matches) == 0 {
		return api.SignatureNoMatch
	}
	switch m := &e.Matches[0]; {
	case isUnsigned(m):
		return api.SignatureUnsigned
	case m.Swapped || m.Key != "" || m.Header != "" || len(m.Causes) > 0:
		return api.SignatureChanged
	case isElsewhere(e, m):
		return api.SignatureOtherToken
	default:
		return api.SignatureRight
	}
}
