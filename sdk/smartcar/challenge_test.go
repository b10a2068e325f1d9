package smartcar

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPlainChallenge(t *testing.T) {
	tests := []struct {
		name, challenge string
		want            bool
	}{
		{"as seen", "Qx7mT2vLp9Rk4ZsA", true},
		{"UUID", "0b5f0f0e-6a0d-4c58-9f57-3d0a2f1b7c11", true},
		{"underscore", "abc_def_ghi", true},
		{"empty", "", false},
		{"7 characters", "1234567", false},
		{"8 characters", "12345678", true},
		{"128 characters", strings.Repeat("a", 128), true},
		{"129 characters", strings.Repeat("a", 129), false},
		{"a JSON body", `{"eventType":"VEHICLE_STATE"}`, false},
		{"a brace", "{aaaaaaaaaaaaa", false},
		{"blank", "aaaa aaaa", false},
		{"line break", "aaaaaaaa\n", false},
		{"not ASCII", "Käferkäfer", false},
		{"NUL", "aaaaaaaa\x00", false},
		{"dot", "header.payload.sig", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := PlainChallenge(tt.challenge); got != tt.want {
				t.Errorf("PlainChallenge = %t, want %t", got, tt.want)
			}
		})
	}
}

func TestChallengeRule(t *testing.T) {
	rule := ChallengeRule{Min: 4, Max: 6}
	for challenge, want := range map[string]bool{"abc": false, "abcd": true, "abcdef": true, "abcdefg": false, "ab{}": false} {
		if got := rule.Plain(challenge); got != want {
			t.Errorf("Plain(%q) = %t, want %t", challenge, got, want)
		}
	}
}

// No challenge that is answered may be a body that is accepted.
func TestNoPlainChallengeIsAnEvent(t *testing.T) {
	for _, challenge := range []string{"Qx7mT2vLp9Rk4ZsA", "12345678", "true-------", "123456789012"} {
		if _, err := ParseEnvelope([]byte(challenge)); err == nil {
			t.Errorf("%q is plain and an event", challenge)
		}
	}
}

func TestAnswerBody(t *testing.T) {
	answer := NewKeys(tokenA).AnswerChallenge("Qx7mT2vLp9Rk4ZsA")
	body := AnswerBody(answer)
	const want = `{"challenge":"1665fbb920ddd1f58916ab4515e11a3c78730e14cfc4b8bc4cb8a34c46febbb0"}`
	if string(body) != want || !json.Valid(body) {
		t.Errorf("AnswerBody = %s, want %s", body, want)
	}
}
