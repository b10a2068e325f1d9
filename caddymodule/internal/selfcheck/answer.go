package selfcheck

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// SignatureHeader is SC-Signature as net/http has it. In a question it is the SHA-256 of the body, which is no
// signature: it shows whether header and body come through unchanged.
const SignatureHeader = "Sc-Signature"

// signatureMismatch is the code by which a receiver refuses what it does not know as a question of its own process.
const signatureMismatch = "signature_mismatch"

// bodySize is that of a large event of the usual kind.
const bodySize = 8 << 10

// body is what a question sends. It is no event, since something else may get it.
var body = fmt.Appendf(nil, `{"selfCheck":"caddy-smartcar asks its own receiver; this is no event","padding":%q}`,
	bytes.Repeat([]byte{'x'}, bodySize))

var bodySignature = func() string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}()

// answer is what a receiver says.
type answer struct {
	Proof string `json:"proof"`
	// Refused is the code by which it would refuse an event that comes like this, "" if it would not.
	Refused string `json:"refused,omitempty"`
}

// Reply answers a question that Take has taken. refused is the code of an answer by which the receiver refuses the
// request's head, "" if it does not.
func Reply(w http.ResponseWriter, r *http.Request, proof, refused string) {
	if refused == "" {
		refused = lookAt(r)
	}
	data, err := json.Marshal(answer{Proof: proof, Refused: refused})
	if err != nil {
		return // two strings always can be
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(data)
}

// The codes beside those of the receiver's answers.
const (
	bodyChanged      = "body_changed"
	bodyNotReceived  = "body_not_received"
	signatureChanged = "signature_changed"
)

// lookAt says what keeps an event that comes like this request from being taken.
func lookAt(r *http.Request) string {
	got, err := io.ReadAll(io.LimitReader(r.Body, int64(len(body))+1))
	switch signature := r.Header[SignatureHeader]; {
	case err != nil:
		return bodyNotReceived
	case !bytes.Equal(got, body):
		return bodyChanged
	case len(signature) != 1 || signature[0] != bodySignature:
		return signatureChanged
	default:
		return ""
	}
}

// readAnswer returns what the receiver refuses an event for; ok: the answer bears the proof.
func readAnswer(data []byte, proof string) (refused string, ok bool) {
	var a answer
	if json.Unmarshal(data, &a) != nil || subtle.ConstantTimeCompare([]byte(a.Proof), []byte(proof)) != 1 {
		return "", false
	}
	return a.Refused, true
}

// refusedBySignature reports whether a receiver has answered that took the question for an event.
func refusedBySignature(data []byte) bool {
	var a struct {
		Error string `json:"error"`
	}
	return json.Unmarshal(data, &a) == nil && a.Error == signatureMismatch
}
