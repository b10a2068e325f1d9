package receiver

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
)

// refusal is an answer that is not a 200, with all that it costs. Its code and message are the
// same for every request, so that neither can carry anything of the request.
type refusal struct {
	*kind
	status  int
	code    string
	message string
	// advice is what an operator should look at first; "" where that depends on the request.
	advice string
	// secret: the request's signature is not logged, since it is the answer to a challenge.
	secret bool
}

// kind is what refusals of one sort share: how loud they are, and when to come back.
type kind struct {
	// event and line are the name and the text of the log line.
	event, line string
	level       slog.Level
	// retryAfter goes into the Retry-After header; 0 sends none.
	retryAfter time.Duration
}

// The kinds.
var (
	// A wrong method or a broken connection is nothing that an operator must act on.
	wrongRequest = &kind{"webhook.refused", "webhook refused", slog.LevelDebug, 0}
	// Somebody may be looking for a signing oracle.
	wrongVerify = &kind{"webhook.refused", "webhook refused", slog.LevelWarn, 0}
	// It may be an attack or a wrong token.
	wrongSignature = &kind{string(stage.SignatureFailed), "signature refused", slog.LevelWarn, 0}
	// It may be a repetition, or come late; the system's clock may be wrong.
	tooOld = &kind{"webhook.too_old", "delivery refused: it was sent longer ago than max_age", slog.LevelWarn, 0}
	// Somebody may be holding the memory on purpose, or there are more senders than it was made for.
	noRoom = &kind{"webhook.no_room", "no memory for a body in arrival", slog.LevelWarn, 5 * time.Second}
	// An event is lost unless Smartcar's next attempt succeeds. It comes back after a restart, and before
	// Smartcar's first pause of 25 s.
	notStored = &kind{"webhook.not_stored", "event not stored", slog.LevelError, 5 * time.Second}
	// The same, where an application was to have the event.
	notTaken = &kind{"webhook.not_taken", "event not taken by the application", slog.LevelError, 5 * time.Second}
)

// The refusals. The codes are documented in docs/receiver.md and stay as they are.
var (
	refuseMethod = &refusal{
		kind: wrongRequest, status: http.StatusMethodNotAllowed, code: "method_not_allowed",
		message: "send webhooks with POST",
	}
	refuseContentType = &refusal{
		kind: wrongRequest, status: http.StatusUnsupportedMediaType, code: "unsupported_content_type",
		message: "the Content-Type must be application/json",
	}
	refuseEncoding = &refusal{
		kind: wrongRequest, status: http.StatusUnsupportedMediaType, code: "unsupported_content_encoding",
		message: "send the body without a Content-Encoding",
	}
	refuseSize = &refusal{
		kind: wrongRequest, status: http.StatusRequestEntityTooLarge, code: "body_too_large",
		message: "the body is larger than this receiver's max_size",
	}
	refuseRead = &refusal{
		kind: wrongRequest, status: http.StatusBadRequest, code: "body_not_received",
		message: "the body ended before its announced length",
	}
	refuseSlow = &refusal{
		kind: wrongRequest, status: http.StatusRequestTimeout, code: "body_too_slow",
		message: "the body did not arrive within this receiver's read_timeout, or came too slowly",
	}
	refuseNoRoom = &refusal{
		kind: noRoom, status: http.StatusServiceUnavailable, code: "body_memory_full",
		message: "too many bodies are on their way; send again later",
	}

	refuseNoSignature = &refusal{
		kind: wrongSignature, status: http.StatusUnauthorized, code: "signature_missing",
		message: "the SC-Signature header is missing",
		advice:  "not sent by Smartcar, or a proxy in front removed the SC-Signature header",
	}
	refuseSignatures = &refusal{
		kind: wrongSignature, status: http.StatusUnauthorized, code: "signature_repeated",
		message: "the SC-Signature header must appear once",
		advice:  "not sent by Smartcar, or a proxy in front changed the SC-Signature header",
	}
	refuseMalformed = &refusal{
		kind: wrongSignature, status: http.StatusUnauthorized, code: "signature_malformed",
		message: "the SC-Signature header must be 64 hexadecimal digits",
		advice:  "not sent by Smartcar, or a proxy in front changed the SC-Signature header",
	}
	refuseMismatch = &refusal{
		kind: wrongSignature, status: http.StatusUnauthorized, code: "signature_mismatch",
		message: "the SC-Signature header does not match the body",
	}
	refuseChallengeBody = &refusal{
		kind: wrongSignature, status: http.StatusUnauthorized, code: "body_is_challenge",
		message: "a body that could be a challenge is never an event",
		advice:  "somebody tried to pass the answer to a challenge off as a signature",
		secret:  true,
	}

	refuseChallenge = &refusal{
		kind: wrongVerify, status: http.StatusBadRequest, code: "challenge_refused",
		message: "the challenge is not the short plain text that this receiver answers",
	}
	refuseVerifyRate = &refusal{
		kind: wrongVerify, status: http.StatusTooManyRequests, code: "verify_rate_limited",
		message: "too many VERIFY requests",
	}

	refuseTooOld = &refusal{
		kind: tooOld, status: http.StatusUnauthorized, code: "delivery_too_old",
		message: "the delivery was sent longer ago than this receiver's max_age",
		advice: "somebody repeats a recorded delivery, something in front holds deliveries back," +
			" or the system's clock is ahead",
	}

	refuseFull = &refusal{
		kind: notStored, status: http.StatusServiceUnavailable, code: "buffer_full",
		message: "the buffer is full; send again later",
	}
	refuseHalted = &refusal{
		kind: notStored, status: http.StatusServiceUnavailable, code: "buffer_halted",
		message: "the buffer accepts nothing after a failed write; send again later",
	}
	refuseNotOpen = &refusal{
		kind: notStored, status: http.StatusServiceUnavailable, code: "buffer_unavailable",
		message: "the buffer cannot be opened; send again later",
	}
	refuseClosed = &refusal{
		kind: notStored, status: http.StatusServiceUnavailable, code: "buffer_closed",
		message: "the receiver is shutting down; send again later",
	}
	refuseTimeout = &refusal{
		kind: notStored, status: http.StatusServiceUnavailable, code: "store_timeout",
		message: "storing took longer than this receiver's store_timeout; send again later",
	}
	refuseStore = &refusal{
		kind: notStored, status: http.StatusServiceUnavailable, code: "store_failed",
		message: "the event could not be stored; send again later",
	}

	refuseNothingBehind = &refusal{
		kind: notTaken, status: http.StatusBadGateway, code: "nothing_behind",
		message: "no handler behind smartcar_verify has answered; send again later",
		advice:  "the site has no reverse_proxy, or none that takes this path, after smartcar_verify",
	}
)

func (f *refusal) Error() string { return f.code + ": " + f.message }

// body is the JSON that goes with the refusal. Codes and messages are plain ASCII
// without quotes, so nothing needs escaping.
func (f *refusal) body() string {
	return `{"error":"` + f.code + `","message":"` + f.message + `"}` + "\n"
}
