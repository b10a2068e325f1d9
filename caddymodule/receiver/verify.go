package receiver

import (
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/intake"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Defaults of the rule for VERIFY.
const (
	defaultVerifyRate   = 1.0
	defaultVerifyBurst  = 20
	defaultChallengeMin = 8
	defaultChallengeMax = 128
	// maxChallenge keeps an adjusted rule from making the receiver sign long texts.
	maxChallenge = intake.MaxChallenge
)

// Verify says which VERIFY requests are answered, and how often. A challenge's answer
// has the same form as the signature of a payload, so a receiver that answered
// every text would sign forged events. Therefore only short challenges of
// letters, digits, `-` and `_` are answered, which no event can be, and a body of
// that form, of up to 512 characters, is never taken as an event.
type Verify struct {
	// The number of VERIFY requests a second that are answered in the long run of each client address (of IPv6, of
	// each /64), and ten times as many of all together. Those with a right signature are counted apart from
	// those without. Default: 1.
	Rate float64 `json:"rate,omitempty"`
	// The number of VERIFY requests of a client address that are answered at once before the rate holds, and ten
	// times as many of all together. Default: 20.
	Burst int `json:"burst,omitempty"`
	// The fewest characters that a challenge may have. Default: 8.
	ChallengeMin int `json:"challenge_min,omitempty"`
	// The most characters that a challenge may have. Default: 128, at most 512.
	ChallengeMax int `json:"challenge_max,omitempty"`
}

func (v *Verify) setDefaults() {
	if v.Rate == 0 {
		v.Rate = defaultVerifyRate
	}
	if v.Burst == 0 {
		v.Burst = defaultVerifyBurst
	}
	if v.ChallengeMin == 0 {
		v.ChallengeMin = defaultChallengeMin
	}
	if v.ChallengeMax == 0 {
		v.ChallengeMax = defaultChallengeMax
	}
}

// check is called with the defaults filled in.
func (v *Verify) check() error {
	if !(v.Rate > 0 && v.Rate <= 1000) {
		return fmt.Errorf("verify rate %v: must be more than 0 and at most 1000 a second", v.Rate)
	}
	if v.Burst < 1 || v.Burst > 1000 {
		return fmt.Errorf("verify burst %d: must be 1 to 1000", v.Burst)
	}
	if v.ChallengeMin < 1 || v.ChallengeMin > v.ChallengeMax || v.ChallengeMax > maxChallenge {
		return fmt.Errorf("challenge length %d to %d: must lie in 1 to %d, the smaller first",
			v.ChallengeMin, v.ChallengeMax, maxChallenge)
	}
	return nil
}

// rule is called with the defaults filled in.
func (v *Verify) rule() smartcar.ChallengeRule {
	return smartcar.ChallengeRule{Min: v.ChallengeMin, Max: v.ChallengeMax}
}

// limiter is called with the defaults filled in.
func (v *Verify) limiter() *verifyLimit {
	return newVerifyLimit(v.Rate, v.Burst)
}
