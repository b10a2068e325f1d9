package smartcar

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"
	"time"
)

// FuzzChallenge: a plain challenge is never a JSON text that could be an event, and its
// answer is a valid JSON text with the right hash.
func FuzzChallenge(f *testing.F) {
	for _, seed := range []string{"Qx7mT2vLp9Rk4ZsA", "0b5f0f0e-6a0d-4c58-9f57-3d0a2f1b7c11", "{}", `{"eventType":"A"}`, "12345678", "short", "éééééééé", "a b c d e f"} {
		f.Add(seed, 1, 512)
	}
	plain := regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	keys := NewKeys(tokenA)
	f.Fuzz(func(t *testing.T, challenge string, low, high int) {
		rule := ChallengeRule{Min: low, Max: high}
		if !rule.Plain(challenge) {
			return
		}
		if !plain.MatchString(challenge) {
			t.Fatalf("%q is not plain", challenge)
		}
		if _, err := ParseEnvelope([]byte(challenge)); err == nil {
			t.Fatalf("%q is an event too", challenge)
		}
		var answer struct{ Challenge string }
		if err := json.Unmarshal(AnswerBody(keys.AnswerChallenge(challenge)), &answer); err != nil || answer.Challenge != Sign(tokenA, []byte(challenge)) {
			t.Fatalf("%+v, %v", answer, err)
		}
	})
}

// FuzzTime holds the reading of times against the standard library's, for a number, the
// same in quotes, and a date.
func FuzzTime(f *testing.F) {
	for _, seed := range []int64{0, 1, -1, 1782777353, minMillis - 1, minMillis, 1782777353743, maxMillis - 1, maxMillis, 1 << 62} {
		f.Add(seed, "2026-11-20T08:15:30.412Z")
	}
	f.Add(int64(5), "9999-12-31T23:59:59-12:00")
	f.Fuzz(func(t *testing.T, ms int64, text string) {
		want := time.Time{}
		if ms >= minMillis && ms < maxMillis {
			want = time.UnixMilli(ms).UTC()
		}
		for _, raw := range []string{fmt.Sprint(ms), fmt.Sprintf("%q", fmt.Sprint(ms))} {
			if got := parseTime([]byte(raw)); !got.Equal(want) {
				t.Fatalf("%s is %v, want %v", raw, got, want)
			}
		}
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		got := parseTime(quoted)
		if date, err := time.Parse(time.RFC3339, text); err == nil && date.UnixMilli() >= minMillis && date.UnixMilli() < maxMillis && !got.Equal(date.Truncate(time.Millisecond)) {
			t.Fatalf("%s is %v, want %v", quoted, got, date)
		}
		if _, err := json.Marshal(got); err != nil {
			t.Fatalf("%s is %v, which cannot be written: %v", quoted, got, err)
		}
	})
}

// FuzzDigest: a retry, which differs in what belongs to the delivery, has the digest of
// the first attempt; an event that differs in anything else does not.
func FuzzDigest(f *testing.F) {
	f.Add("d-1", "d-2", "2026-11-20T08:15:30.412Z", int64(5), "e")
	f.Add("", "\"\\", "x", int64(-1), "é")
	f.Fuzz(func(t *testing.T, one, two, at string, ms int64, id string) {
		body := func(delivery, at any, id string) []byte {
			b, err := json.Marshal(map[string]any{
				"eventId": id, "eventType": "VEHICLE_STATE",
				"meta": map[string]any{"deliveryId": delivery, "deliveredAt": at, "deliveryTime": at, "mode": "LIVE"},
			})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		first, retry, other := body(one, at, id), body(two, ms, id), body(one, at, id+"x")
		a, err := ParseEnvelope(first)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ParseEnvelope(retry)
		if err != nil {
			t.Fatal(err)
		}
		if a.Digest != b.Digest || BodyDigest(first) != BodyDigest(retry) {
			t.Fatalf("%s and %s have different digests", first, retry)
		}
		if BodyDigest(other) == BodyDigest(first) {
			t.Fatalf("%s and %s have one digest", first, other)
		}
	})
}
