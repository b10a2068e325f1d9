package traffic

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"sync/atomic"
	"time"
)

// unusedFor is how long nothing must have matched a token, while LIVE events matched another one, until it can go.
const unusedFor = 24 * time.Hour

// fingerprint stands for a token in memory. Its key is made anew in each process and kept nowhere else, so that it
// tells nothing of the token, not even whether another process has the same.
type fingerprint [sha256.Size]byte

// Token is what is known of the use of one token of a source. It is the same for the same token, wherever that stands
// in a config, as long as each config has it.
type Token struct {
	id      fingerprint
	passed  func() time.Duration
	matched atomic.Uint64
	// The times are those of passed, plus one; 0: never. since is when the first config with it came into force, last
	// when it matched, and lastLive when it matched a LIVE event that was new.
	since, last, lastLive atomic.Int64
}

// Match counts a right signature that was made with the token, and returns when that was, for Source.Signed. It costs
// a look at the clock and two stores.
func (k *Token) Match() (at time.Duration) {
	at = k.passed()
	k.matched.Add(1)
	k.last.Store(stamp(at))
	return at
}

func (k *Token) isInForce() bool { return k.since.Load() != 0 }

// stamp is a time as it is kept: never 0.
func stamp(at time.Duration) int64 { return int64(at) + 1 }

// ago is how long before now something was; ok: it was at all.
func ago(now time.Duration, stamped *atomic.Int64) (d time.Duration, ok bool) {
	at := stamped.Load()
	if at == 0 {
		return 0, false
	}
	return max(0, now-time.Duration(at-1)), true
}

// Accepted are the tokens of each receiver of a config, by source.
type Accepted map[string][][]*Token

// Add notes the tokens of one of a source's receivers, in their order.
func (a Accepted) Add(source string, tokens []*Token) { a[source] = append(a[source], tokens) }

// has reports whether a source's receivers take a token.
func (a Accepted) has(source string, k *Token) bool {
	return slices.ContainsFunc(a[source], func(list []*Token) bool { return slices.Contains(list, k) })
}

// Tokens returns what is known of the use of a receiver's tokens, in their order. They are not in force yet.
func (c *Counters) Tokens(source string, tokens []string) []*Token {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.key == nil {
		c.key = make([]byte, sha256.Size)
		_, _ = rand.Read(c.key) // never fails: it ends the process instead
	}
	list := make([]*Token, len(tokens))
	for i, token := range tokens {
		mac := hmac.New(sha256.New, c.key)
		mac.Write([]byte(token))
		list[i] = c.token(source, fingerprint(mac.Sum(nil)))
	}
	return list
}

// token returns that of a fingerprint. The caller holds mu.
func (c *Counters) token(source string, id fingerprint) *Token {
	if c.tokens == nil {
		c.tokens = make(map[string]map[fingerprint]*Token)
	}
	if c.tokens[source] == nil {
		c.tokens[source] = make(map[fingerprint]*Token)
	}
	k, ok := c.tokens[source][id]
	if !ok {
		k = &Token{id: id, passed: c.clock()}
		c.tokens[source][id] = k
	}
	return k
}

// PutInForce is called with the tokens of the config that is in force from now on, and not with those of one that may
// yet be refused: what is forgotten here does not come back. What is known of tokens that it does not have is forgotten.
// Where a source has other tokens than before, what was refused under those says nothing about these. Where it had none,
// all that was refused was refused under these: receivers take requests before their config is in force.
func (c *Counters) PutInForce(a Accepted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := stamp(c.clock()())
	changed := make(map[string]bool) // sources that had tokens before
	for source, before := range c.accepted {
		for _, k := range slices.Concat(before...) {
			if !a.has(source, k) {
				k.since.Store(0)
				changed[source] = true
			}
		}
	}
	c.tokens = make(map[string]map[fingerprint]*Token)
	for source, lists := range a {
		c.tokens[source] = make(map[fingerprint]*Token)
		for _, k := range slices.Concat(lists...) {
			c.tokens[source][k.id] = k
			if k.since.CompareAndSwap(0, now) && len(c.accepted[source]) > 0 {
				changed[source] = true
			}
		}
	}
	for source := range changed {
		if s := c.sources[source]; s != nil {
			s.live.forget()
		}
	}
	c.accepted = a
}

// TokenUse is how a token of a receiver in force is used.
type TokenUse struct {
	// Receiver is the number of the source's receiver in the config, from 1; 0 where all have the same tokens. Number
	// is that of the token there, from 1.
	Receiver, Number int
	// Matched counts right signatures, VERIFY and TEST events included.
	Matched uint64
	// Since is for how long it has been in force, Last how long ago it matched last; HasMatched: it did.
	Since, Last time.Duration
	HasMatched  bool
	// Removable: nothing has matched it for a day, while LIVE events matched another token, and it answers no VERIFY.
	Removable bool
}

// TokenUses returns how the tokens of a source are used, of each of its receivers in force.
func (c *Counters) TokenUses(source string) []TokenUse {
	c.mu.Lock()
	lists, now := c.accepted[source], c.clock()()
	c.mu.Unlock()
	alike := !slices.ContainsFunc(lists, func(list []*Token) bool { return !slices.Equal(list, lists[0]) })
	var uses []TokenUse
	for r, list := range lists {
		if alike && r > 0 {
			break
		}
		for i, k := range list {
			use := TokenUse{Number: i + 1, Matched: k.matched.Load(), Removable: isRemovable(now, k, lists)}
			if !alike {
				use.Receiver = r + 1
			}
			use.Since, _ = ago(now, &k.since)
			use.Last, use.HasMatched = ago(now, &k.last)
			uses = append(uses, use)
		}
	}
	return uses
}

// isRemovable reports whether a token can go: it was there for a day and matched nothing in it, while each receiver
// that has it took LIVE events with another one. VERIFY and TEST events are no sign of that: Smartcar is known to sign
// them with a new token while it still signs LIVE events with an earlier one. The first token of a receiver never can:
// it answers VERIFY, which mostly comes unsigned and so matches nothing.
func isRemovable(now time.Duration, k *Token, lists [][]*Token) bool {
	if since, ok := ago(now, &k.since); !ok || since < unusedFor {
		return false
	}
	if last, ok := ago(now, &k.last); ok && last < unusedFor {
		return false
	}
	for _, list := range lists {
		if len(list) > 0 && list[0] == k {
			return false
		}
		isReplaced := func(other *Token) bool {
			live, ok := ago(now, &other.lastLive)
			return other != k && ok && live < unusedFor
		}
		if slices.Contains(list, k) && !slices.ContainsFunc(list, isReplaced) {
			return false
		}
	}
	return true
}
