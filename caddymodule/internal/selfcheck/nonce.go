// Package selfcheck asks the receivers of this process over the network, as Smartcar would, whether a request comes
// to them: a route before them, a limit or a listener that is not there would lose events without a word.
//
// A request of this kind bears a nonce that was made in this process, works once and for seconds. The receiver knows it
// by that before all else, counts, logs and stores nothing, and answers with a proof that only this process has. Who
// has neither learns nothing: to any other request the header means nothing.
package selfcheck

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The header that bears the nonce is a cookie's, which Caddy leaves out of access logs, where a route before the
// receiver writes one.
const (
	header     = "Cookie"
	cookieName = "smartcar-self-check="
)

// nonceLife is how long a nonce is good: longer than a question may take.
const nonceLife = 2 * askTimeout

// Receiver is who takes a question.
type Receiver struct {
	Source string
	// Config is the config that the receiver belongs to, which is compared only: at a reload the one before answers on
	// the same port, until its time is over.
	Config any
}

// Nonces are those that are good just now. The zero value has none; nil takes nothing.
type Nonces struct {
	mu   sync.Mutex
	open []*question
}

// question is one nonce, and what became of it.
type question struct {
	nonce, proof string
	until        time.Time
	// taken is the receiver that took it, nil while none has.
	taken *Receiver
}

// ask makes a nonce.
func (n *Nonces) ask(now time.Time) *question {
	q := &question{nonce: rand.Text(), proof: rand.Text(), until: now.Add(nonceLife)}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open = append(n.open, q)
	return q
}

// end lets a nonce be none any more, and returns the receiver that took it, nil for none.
func (n *Nonces) end(q *question) *Receiver {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open = slices.DeleteFunc(n.open, func(other *question) bool { return other == q })
	return q.taken
}

// Take reports whether a request is a question of this process, and returns the proof to answer with. A nonce is taken
// once. Of any other request it costs a look at its header.
func (n *Nonces) Take(h http.Header, by Receiver) (proof string, ok bool) {
	values := h[header]
	if len(values) != 1 || n == nil {
		return "", false
	}
	nonce, ok := strings.CutPrefix(values[0], cookieName)
	if !ok {
		return "", false
	}
	return n.take(nonce, by, time.Now())
}

func (n *Nonces) take(nonce string, by Receiver, now time.Time) (proof string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.open, func(q *question) bool {
		return subtle.ConstantTimeCompare([]byte(q.nonce), []byte(nonce)) == 1
	})
	if i < 0 || now.After(n.open[i].until) {
		return "", false
	}
	q := n.open[i]
	n.open = slices.Delete(n.open, i, i+1)
	q.taken = &by
	return q.proof, true
}
