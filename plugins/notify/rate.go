package notify

import "time"

// meter counts the messages of the present period.
type meter struct {
	// Start is when the period began: with its first message.
	Start time.Time `json:"start"`
	Sent  int       `json:"sent"`
	// Digest is the number of the digest that is being filled.
	Digest uint64 `json:"digest"`
}

// over reports whether the period is. A clock that was set back ends it too.
func (m meter) over(now time.Time, per time.Duration) bool {
	since := now.Sub(m.Start)
	return since >= per || since < 0
}

// take counts one message more, if the rate allows for it.
func (m meter) take(now time.Time, rate rateBlock) (meter, bool) {
	if m.over(now, rate.Per) {
		m.Start, m.Sent = now, 0
	}
	if m.Sent >= rate.Max {
		return m, false
	}
	m.Sent++
	return m, true
}
