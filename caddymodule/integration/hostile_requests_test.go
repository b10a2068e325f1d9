package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// trick is one request, made by hand, and what it must get: "a+b" are two answers on one
// connection.
type trick struct{ text, want string }

// tricksAttack sends tricks one after another.
func tricksAttack(name string, refused map[string]int, stray int, tricks ...trick) attack {
	return attack{name: name, refused: refused, stray: stray, run: func(t *testing.T, h *hostile) *tally {
		answers := newTally()
		for _, k := range tricks {
			answer := h.ask(t, k.text)
			answers.add(answer)
			if answer != k.want {
				t.Errorf("%s for %.300q, want %s", answer, k.text, k.want)
			}
		}
		return answers
	}}
}

// unsigned is a request without a signature: where it gets a 401, a receiver had it.
func unsigned(target string) string {
	return strings.Replace(requestHead("Content-Length: 2"), "/webhooks/smartcar", target, 1) + "{}"
}

func swap(text, from, to string) string {
	if !strings.Contains(text, from) {
		panic("nothing to swap: " + from)
	}
	return strings.Replace(text, from, to, 1)
}

var rightSignature = smartcar.Sign(testToken, []byte(hostileBody))

// smuggled is a request that hides in the body of another; if it is seen at all, it is a
// request of its own, with all checks.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"

func requestAttacks() []attack {
	rightRequest := webhookRequest(hostileBody, len(hostileBody))
	bodyAsChunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hostileBody), hostileBody)
	return []attack{
		// Another spelling of the path either is the receiver's, with all its checks, or is not.
		tricksAttack("path tricks", map[string]int{"signature_missing": 8}, 10,
			trick{unsigned("/webhooks/smartcar"), "401"},
			trick{unsigned("//webhooks//smartcar"), "401"},
			trick{unsigned("/x/../webhooks/smartcar"), "401"},
			trick{unsigned("/webhooks/./smartcar"), "401"},
			trick{unsigned("/WEBHOOKS/SmartCar"), "401"},
			trick{unsigned("/webhooks/smartcar?a=/../b"), "401"},
			trick{unsigned("/%77ebhooks/smartcar"), "401"},
			trick{unsigned("https://localhost/webhooks/smartcar"), "401"},
			trick{unsigned("/webhooks%2Fsmartcar"), "401"},
			trick{unsigned("/webhooks/smartcar/"), "404"},
			trick{unsigned("/webhooks/smartcar."), "404"},
			trick{unsigned("/webhooks/smartcar/.."), "404"},
			trick{unsigned("/webhooks/smartcar/x"), "404"},
			trick{unsigned("/webhooks/smartcar%00"), "404"},
			trick{unsigned("/webhooks/smartcar;x"), "404"},
			trick{unsigned("/webhooks\\smartcar"), "404"},
			trick{unsigned("/.%2e/webhooks"), "404"},
			trick{unsigned("/%zz"), "400"},
			trick{unsigned("webhooks/smartcar"), "400"},
			trick{unsigned("*"), "404"},
		),
		tricksAttack("header lines that are repeated", map[string]int{
			"signature_repeated": 2, "signature_malformed": 4, "unsupported_content_type": 3, "signature_missing": 1, "unsupported_content_encoding": 1,
		}, 1,
			trick{swap(rightRequest, "SC-Signature", "SC-Signature: "+rightSignature+"\r\nSC-Signature"), "401"},
			trick{swap(rightRequest, "SC-Signature", "sc-signature: \r\nSC-SIGNATURE"), "401"},
			trick{swap(rightRequest, rightSignature, rightSignature+", "+rightSignature), "401"},
			trick{swap(rightRequest, rightSignature, rightSignature+","), "401"},
			trick{swap(rightRequest, rightSignature, "sha256="+rightSignature), "401"},
			trick{swap(rightRequest, rightSignature, ""), "401"},
			trick{swap(rightRequest, "SC-Signature", "SC_Signature"), "401"},
			trick{swap(rightRequest, "Content-Type: application/json", "Content-Type: application/json\r\nContent-Type: application/json"), "415"},
			trick{swap(rightRequest, "application/json", "application/json, application/json"), "415"},
			trick{swap(rightRequest, "Content-Type: application/json", "X: y"), "415"},
			trick{swap(rightRequest, "Content-Type", "Content-Encoding: gzip\r\nContent-Type"), "415"},
			trick{swap(rightRequest, "Host: localhost", "Host: localhost\r\nHost: localhost"), "400"},
		),
		tricksAttack("requests in requests", map[string]int{"signature_mismatch": 1, "body_not_received": 1}, 9,
			// Two lengths.
			trick{swap(rightRequest, "Content-Length", "Content-Length: 0\r\nContent-Length"), "400"},
			trick{swap(rightRequest, "Content-Length: ", "Content-Length: 0, "), "400"},
			trick{swap(rightRequest, "Content-Length: ", "Content-Length: +"), "400"},
			trick{swap(rightRequest, "Content-Length: ", "Content-Length: -"), "400"},
			trick{swap(rightRequest, "Content-Length", "Content-Length "), "400"},
			// Chunked as well: the length must not count, and the body ends with its last chunk.
			trick{webhookHead(hostileBody, "Content-Length: 3", "Transfer-Encoding: chunked") + "0\r\n\r\n" + smuggled, "401+404"},
			trick{webhookHead(hostileBody, "Transfer-Encoding: chunked", "Transfer-Encoding: identity") + bodyAsChunk, "501"},
			trick{webhookHead(hostileBody, "Transfer-Encoding: chunked, identity") + bodyAsChunk, "501"},
			trick{webhookHead(hostileBody, "Transfer-Encoding: xchunked") + bodyAsChunk, "501"},
			trick{webhookHead(hostileBody, "Transfer-Encoding : chunked") + bodyAsChunk, "400"},
			trick{webhookHead(hostileBody, "X: y\r\n Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + "ffffffffffffffffff\r\n", "400"},
			trick{swap(rightRequest, "HTTP/1.1", "HTTP/1.1\r\nX: \x00"), "400"},
		),
		tricksAttack("HTTP/1.0 and other versions", map[string]int{"signature_missing": 2, "method_not_allowed": 2}, 2,
			trick{swap(unsigned("/webhooks/smartcar"), "HTTP/1.1", "HTTP/1.0"), "401"},
			trick{swap(unsigned("/webhooks/smartcar"), "HTTP/1.1", "HTTP/1.9"), "401"},
			trick{swap(unsigned("/webhooks/smartcar"), "HTTP/1.1", "HTTP/9.9"), "505"},
			trick{swap(unsigned("/webhooks/smartcar"), "POST", "TRACE"), "405"},
			trick{swap(unsigned("/webhooks/smartcar"), "POST", "post"), "405"},
			trick{swap(unsigned("/webhooks/smartcar"), "POST", strings.Repeat("X", 4000)), "405"},
		),
	}
}
