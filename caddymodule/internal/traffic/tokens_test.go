package traffic

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	oldToken   = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30"
	live, test = "LIVE", "TEST"

	newToken = "c2d4e6f8-0a1b-4c3d-8e5f-112233445566"
)

// rotation is a source whose tokens change, with a clock of the test's.
type rotation struct {
	Counters
	passed time.Duration
	source *Source
}

func newRotation() *rotation {
	r := new(rotation)
	r.Passed = func() time.Duration { return r.passed }
	r.source = r.Source("production")
	return r
}

// load puts a config in force, with a list of tokens for each receiver.
func (r *rotation) load(lists ...[]string) (tokens [][]*Token) {
	accepted := Accepted{}
	for _, list := range lists {
		k := r.Tokens("production", list)
		tokens = append(tokens, k)
		accepted.Add("production", k)
	}
	r.PutInForce(accepted)
	return tokens
}

// sign is an event whose signature was made with a token.
func (r *rotation) sign(k *Token, mode string) { r.source.Signed(k, k.Match(), mode == live, "w-1") }

func (r *rotation) removable() (numbers []int) {
	for _, u := range r.TokenUses("production") {
		if u.Removable {
			numbers = append(numbers, u.Number)
		}
	}
	return numbers
}

const day = 24 * time.Hour

// What a token matched follows it, wherever it stands.
func TestTokensAreKnownOverReloads(t *testing.T) {
	r := newRotation()
	first := r.load([]string{oldToken})[0]
	r.passed = time.Hour
	r.sign(first[0], live)
	r.passed = 2 * time.Hour
	second := r.load([]string{newToken, oldToken})[0]
	if second[1] != first[0] {
		t.Fatal("the old token is another one behind the new one")
	}
	second[0].Match()
	first[0].Match() // by a request that began before the reload
	r.passed = 3 * time.Hour
	want := []TokenUse{
		{Number: 1, Matched: 1, Since: time.Hour, Last: time.Hour, HasMatched: true},
		{Number: 2, Matched: 2, Since: 3 * time.Hour, Last: time.Hour, HasMatched: true},
	}
	if diff := cmp.Diff(want, r.TokenUses("production")); diff != "" {
		t.Error(diff)
	}
	r.load([]string{newToken})
	third := r.load([]string{newToken, oldToken})[0]
	want = []TokenUse{{Number: 1, Matched: 1, Since: time.Hour, Last: time.Hour, HasMatched: true}, {Number: 2}}
	if diff := cmp.Diff(want, r.TokenUses("production")); diff != "" {
		t.Errorf("a token that came back: %s", diff)
	}
	if third[1] == first[0] {
		t.Error("a token that was taken out is still known when it comes back")
	}
}

// A token is named only after a day in which nothing matched it, while LIVE events matched another one.
func TestRemovableTokens(t *testing.T) {
	both := []string{newToken, oldToken}
	for _, tt := range []struct {
		name string
		do   func(r *rotation)
		want []int
	}{
		{"the old one of a rotation", func(r *rotation) {
			k := r.load(both)[0]
			r.sign(k[1], live)
			r.passed = day
			r.sign(k[0], live)
		}, []int{2}},
		{"a moment before the day is over", func(r *rotation) {
			k := r.load(both)[0]
			r.passed = time.Hour
			r.sign(k[1], live)
			r.passed = day + time.Hour - 1
			r.sign(k[0], live)
		}, nil},
		{"one that has never matched, for a day", func(r *rotation) {
			k := r.load([]string{oldToken, newToken})[0]
			r.passed = day
			r.sign(k[0], live)
		}, []int{2}},
		{"the first one, which answers a VERIFY that comes unsigned", func(r *rotation) {
			k := r.load(both)[0]
			r.passed = day
			r.sign(k[1], live)
		}, nil},
		{"the first one of another receiver", func(r *rotation) {
			k := r.load(both, []string{oldToken, newToken})
			r.passed = 2 * day
			r.sign(k[0][0], live)
		}, nil},
		{"one that came less than a day ago", func(r *rotation) {
			k := r.load([]string{oldToken})[0]
			r.passed = time.Hour
			r.load([]string{oldToken, newToken})
			r.passed = day
			r.sign(k[0], live)
		}, nil},
		{"one that was in a refused config a day ago", func(r *rotation) {
			k := r.load([]string{oldToken})[0]
			r.Tokens("production", []string{oldToken, newToken})
			r.passed = day
			r.sign(k[0], live)
			r.load([]string{oldToken, newToken})
		}, nil},
		{"nothing has come", func(r *rotation) {
			r.load(both)
			r.passed = 2 * day
		}, nil},
		{"nothing has come for a day", func(r *rotation) {
			k := r.load(both)[0]
			r.passed = time.Second
			r.sign(k[0], live)
			r.passed = day + time.Second
		}, nil},
		{"only TEST events and VERIFY matched the other", func(r *rotation) {
			k := r.load(both)[0]
			r.passed = 2 * day
			r.sign(k[0], test)
			k[0].Match()
		}, nil},
		{"only a TEST event matched it", func(r *rotation) {
			k := r.load(both)[0]
			r.passed = 2 * day
			r.sign(k[1], test)
			r.sign(k[0], live)
		}, nil},
		{"the only one", func(r *rotation) {
			r.load([]string{oldToken})
			r.passed = 2 * day
		}, nil},
		{"the only one of another receiver", func(r *rotation) {
			k := r.load([]string{newToken}, []string{oldToken})
			r.passed = 2 * day
			r.sign(k[0][0], live)
		}, nil},
		{"of two receivers with the same tokens", func(r *rotation) {
			k := r.load(both, both)
			r.passed = 2 * day
			r.sign(k[1][0], live)
		}, []int{2}},
		{"of two receivers, where one has no other that fits", func(r *rotation) {
			k := r.load(both, []string{oldToken, "a-third-token-of-its-own"})
			r.passed = 2 * day
			r.sign(k[0][0], live)
		}, nil},
		{"taken out", func(r *rotation) {
			k := r.load(both)[0]
			r.passed = 2 * day
			r.sign(k[0], live)
			r.load([]string{newToken})
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRotation()
			tt.do(r)
			if diff := cmp.Diff(tt.want, r.removable()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Receivers of one source that differ are told apart.
func TestTokensOfSeveralReceivers(t *testing.T) {
	r := newRotation()
	r.load([]string{newToken, oldToken}, []string{oldToken})
	want := []TokenUse{{Receiver: 1, Number: 1}, {Receiver: 1, Number: 2}, {Receiver: 2, Number: 1}}
	if diff := cmp.Diff(want, r.TokenUses("production")); diff != "" {
		t.Error(diff)
	}
}

// What is kept of a token tells nothing of it, not even whether another process has the same.
func TestFingerprintsTellNothing(t *testing.T) {
	a, b := newRotation(), newRotation()
	one, other := a.Tokens("production", []string{oldToken})[0], b.Tokens("production", []string{oldToken})[0]
	if one.id == other.id {
		t.Error("two processes have the same fingerprint of a token")
	}
	if again := a.Tokens("production", []string{oldToken})[0]; again != one {
		t.Error("a token is not known again")
	}
	if a.Tokens("test", []string{oldToken})[0] == one {
		t.Error("two sources share what is known of a token")
	}
	if shown := fmt.Sprintf("%v %+v", one, &a.Counters); strings.Contains(shown, oldToken) {
		t.Error("the token is kept")
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	var c Counters
	s, k := c.Source("production"), c.Tokens("production", []string{oldToken})[0]
	if n := testing.AllocsPerRun(1000, func() { s.Signed(k, k.Match(), true, "w-1") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
