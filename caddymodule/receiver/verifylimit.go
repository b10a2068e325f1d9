package receiver

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// verifyTotal is how many times as much as one client all clients together get. A total has to be: each answer
	// is a signature, if of a text that can be no event, and addresses are cheap. It is this many times larger
	// than what one client can take, so that none uses it up.
	verifyTotal = 10
	// verifyClients is how many clients are told apart; those beyond share a bucket.
	verifyClients = 1024
)

// verifyLimit limits how many VERIFY requests are answered, of each client and of all together.
type verifyLimit struct {
	rate, burst float64

	mu       sync.Mutex
	total    bucket
	overflow verifyClient
	// clients are those whose buckets are not full.
	clients map[netip.Prefix]*verifyClient
}

// verifyClient is one client. answers are what it may still get; asks go with each request, answered or not, so
// that they tell who asks all the time.
type verifyClient struct{ answers, asks bucket }

func (c *verifyClient) refill(now time.Time, rate, burst float64) {
	c.answers.refill(now, rate, burst)
	c.asks.refill(now, rate, burst)
}

// newVerifyLimit: so many requests a second of each client, and so many at once.
func newVerifyLimit(rate float64, burst int) *verifyLimit {
	b := float64(burst)
	return &verifyLimit{
		rate: rate, burst: b, clients: make(map[netip.Prefix]*verifyClient),
		total: bucket{tokens: verifyTotal * b}, overflow: verifyClient{answers: bucket{tokens: b}},
	}
}

// allow reports whether a client's request is answered, and if it is not, after which time one may be.
func (l *verifyLimit) allow(client netip.Prefix, now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own, known := l.of(client, now)
	own.refill(now, l.rate, l.burst)
	often := own.asks.tokens < l.burst/2 || own == &l.overflow
	own.asks.tokens = max(0, own.asks.tokens-1)
	if wait := own.answers.wait(1, l.rate); wait > 0 {
		return wait, false
	}
	l.total.refill(now, verifyTotal*l.rate, verifyTotal*l.burst)
	need := 1.0
	if often {
		// The last half of the total is for clients that have asked little.
		need += verifyTotal * l.burst / 2
	}
	if wait := l.total.wait(need, verifyTotal*l.rate); wait > 0 {
		return wait, false
	}
	own.answers.tokens--
	l.total.tokens--
	if !known && own != &l.overflow {
		l.clients[client] = own
	}
	return 0, true
}

// of returns the bucket of a client, and whether it is known: one that is not has a full one.
func (l *verifyLimit) of(client netip.Prefix, now time.Time) (own *verifyClient, known bool) {
	if c, ok := l.clients[client]; ok {
		return c, true
	}
	if len(l.clients) >= verifyClients {
		l.forget(now)
	}
	if len(l.clients) >= verifyClients {
		return &l.overflow, false
	}
	full := bucket{tokens: l.burst, at: now}
	return &verifyClient{answers: full, asks: full}, false
}

// forget drops the clients whose buckets are full again.
func (l *verifyLimit) forget(now time.Time) {
	for client, c := range l.clients {
		if c.refill(now, l.rate, l.burst); c.answers.tokens >= l.burst && c.asks.tokens >= l.burst {
			delete(l.clients, client)
		}
	}
}

// bucket is a token bucket. The one of golang.org/x/time/rate gives nothing more until a clock that was set back has come
// so far again.
type bucket struct {
	tokens float64
	// at is when it was last refilled; zero: never.
	at time.Time
}

// refill adds what has come since the last time, at a rate a second. Times from time.Now hold a monotonic reading, so a
// wall clock that is set back changes nothing; with times that hold none a new stretch of time begins.
func (b *bucket) refill(now time.Time, rate, burst float64) {
	if since := now.Sub(b.at); since > 0 && !b.at.IsZero() {
		b.tokens = min(burst, b.tokens+since.Seconds()*rate)
	}
	b.at = now
}

// wait returns how long it takes until there are so many tokens; 0: there are.
func (b *bucket) wait(need, rate float64) time.Duration {
	if b.tokens >= need {
		return 0
	}
	return max(1, time.Duration((need-b.tokens)/rate*float64(time.Second)))
}

// clientOf returns what counts as one client: an IPv4 address, or the 64 bits of an IPv6 address that
// one customer has at least. Trusted proxies are considered. What has no address, as on a unix socket, is one client.
func clientOf(r *http.Request) netip.Prefix {
	addr, err := netip.ParseAddr(remoteIP(r))
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	prefix, _ := addr.Prefix(bits) // fails for too many bits only
	return prefix
}
