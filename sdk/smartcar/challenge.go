package smartcar

// ChallengeRule defines which challenges are safe to answer: those that are short and plain, and so can never be the
// body of an event. The zero value is the default rule.
type ChallengeRule struct {
	// Min and Max are the shortest and longest length in characters; 0 means 8 and 128.
	Min, Max int
}

const (
	defaultChallengeMin = 8
	defaultChallengeMax = 128
)

// Plain reports whether challenge has an allowed length and consists of letters, digits, '-' and '_' only. Smartcar's
// challenges do: 16 letters and digits, or a UUID. The body of an event never does, because it starts with a brace.
func (r ChallengeRule) Plain(challenge string) bool {
	low, high := r.Min, r.Max
	if low <= 0 {
		low = defaultChallengeMin
	}
	if high <= 0 {
		high = defaultChallengeMax
	}
	if len(challenge) < low || len(challenge) > high {
		return false
	}
	for i := range len(challenge) {
		if !plainByte(challenge[i]) {
			return false
		}
	}
	return true
}

func plainByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// PlainChallenge reports whether challenge may be answered under the default rule:
// 8 to 128 characters of [A-Za-z0-9_-]. Answering any other would sign a text of
// the sender's choice, which could then come back as the body of a forged event.
func PlainChallenge(challenge string) bool { return ChallengeRule{}.Plain(challenge) }

// AnswerChallenge returns the hash that answers challenge, made with the first token: 64 lower-case hexadecimal digits,
// "" without a token. Check [PlainChallenge] first, and never log the answer.
func (k *Keys) AnswerChallenge(challenge string) string { return k.Sign([]byte(challenge)) }

// AnswerBody returns the body of the response to a VERIFY request,
// {"challenge":"<answer>"}, for an answer of [Keys.AnswerChallenge]. The response
// needs status 200 and the content type application/json.
func AnswerBody(answer string) []byte {
	b := make([]byte, 0, len(`{"challenge":""}`)+len(answer))
	b = append(b, `{"challenge":"`...)
	b = append(b, answer...)
	return append(b, `"}`...)
}
