package traffic

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// liveForgotten is how long after the last refused LIVE delivery the next one is the first again.
const liveForgotten = 24 * time.Hour

// Live is what is known of the signatures of a source's LIVE events, and what was refused that claims to be one.
type Live struct {
	// Signed counts new LIVE events with a right signature, and LastSigned is how long ago the last one came. One that is
	// stored already says nothing: who has recorded its delivery can send that again as often as they like.
	Signed     uint64
	LastSigned time.Duration
	// TokenGone: the token of the last one is in no receiver's list any more.
	TokenGone bool
	// Tests counts other new events with a right signature, as TEST ones.
	Tests uint64
	// Refused counts all that claimed to be LIVE and whose signature matched no token, of those that were looked at.
	Refused uint64
	// Streak are those of them since a new LIVE event last had a right signature, or the tokens changed.
	Streak LiveRefusals
}

// LiveRefusals are refused deliveries that claim to be LIVE events. Nothing vouches for that: anybody can write it.
type LiveRefusals struct {
	// Since is when the first of them was refused, Last when the last one was.
	Since, Last time.Time
	All         uint64
	// Known counts those that name a webhook which an event with a right signature has named: only who has seen such an
	// event knows its id, so they are Smartcar's as far as one can tell.
	Known uint64
	// Unlooked counts what was refused meanwhile for its signature and not looked at, since there was too much of it.
	Unlooked uint64
}

// liveWatch is what a source knows of its LIVE events.
type liveWatch struct {
	signed, tests atomic.Uint64
	// token is that of the last LIVE event.
	token    atomic.Pointer[Token]
	webhooks webhookSet

	mu      sync.Mutex
	refused uint64
	streak  LiveRefusals
	// at is what signed was when the first of the streak was refused.
	at uint64
}

// Signed notes a new event, now stored, whose signature was made with a token, at the time that Token.Match has returned.
// It takes no lock and allocates nothing.
func (s *Source) Signed(k *Token, at time.Duration, isLive bool, webhook string) {
	s.live.webhooks.add(webhook)
	if !isLive {
		s.live.tests.Add(1)
		return
	}
	k.lastLive.Store(stamp(at))
	if s.live.token.Load() != k {
		s.live.token.Store(k)
	}
	s.live.signed.Add(1)
}

// RefusedLive counts a delivery that was refused for its signature and claims to be a LIVE event.
func (s *Source) RefusedLive(at time.Time, webhook string) {
	l := &s.live
	isKnown, signed := l.webhooks.has(webhook), l.signed.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused++
	if l.streak.All == 0 || l.at != signed || at.Sub(l.streak.Last) > liveForgotten {
		l.streak, l.at = LiveRefusals{Since: at}, signed
	}
	l.streak.Last = at
	l.streak.All++
	if isKnown {
		l.streak.Known++
	}
}

// RefusedUnlooked counts a request that was refused for its signature, and whose claims nobody has looked at.
func (s *Source) RefusedUnlooked() {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	s.live.streak.Unlooked++
}

// Live returns what is known of the LIVE events.
func (s *Source) Live() Live {
	l := &s.live
	v := Live{Signed: l.signed.Load(), Tests: l.tests.Load()}
	if k := l.token.Load(); k != nil {
		v.LastSigned, _ = ago(k.passed(), &k.lastLive)
		v.TokenGone = !k.isInForce()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	v.Refused = l.refused
	if l.streak.All > 0 && l.at == v.Signed {
		v.Streak = l.streak
	}
	return v
}

// forget ends the streak.
func (l *liveWatch) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streak = LiveRefusals{}
}

// webhookSet knows the webhooks that events with a right signature have named, the first few, by hashes that only this
// process can make. The zero value is empty.
type webhookSet struct {
	once   sync.Once
	seed   maphash.Seed
	hashes [8]atomic.Uint64
}

func (w *webhookSet) hash(id string) uint64 {
	w.once.Do(func() { w.seed = maphash.MakeSeed() })
	return max(1, maphash.String(w.seed, id))
}

// add notes a webhook, unless there are too many.
func (w *webhookSet) add(id string) {
	if id == "" {
		return
	}
	h := w.hash(id)
	for i := range w.hashes {
		if known := w.hashes[i].Load(); known == h || known == 0 && w.hashes[i].CompareAndSwap(0, h) {
			return
		}
	}
}

func (w *webhookSet) has(id string) bool {
	if id == "" {
		return false
	}
	h := w.hash(id)
	for i := range w.hashes {
		if w.hashes[i].Load() == h {
			return true
		}
	}
	return false
}
