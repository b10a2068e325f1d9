package receiver

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// refusal is an answer that is not a 200. Its code and message are the same for
// every request, so that neither can carry anything of the request.
type refusal struct {
	status  int
	code    string
	message string
}

// The refusals. The codes are documented in docs/receiver.md and stay as they are.
var (
	refuseMethod = &refusal{http.StatusMethodNotAllowed, "method_not_allowed",
		"send webhooks with POST"}
	refuseContentType = &refusal{http.StatusUnsupportedMediaType, "unsupported_content_type",
		"the Content-Type must be application/json"}
	refuseEncoding = &refusal{http.StatusUnsupportedMediaType, "unsupported_content_encoding",
		"send the body without a Content-Encoding"}
	refuseSize = &refusal{http.StatusRequestEntityTooLarge, "body_too_large",
		"the body is larger than this receiver's max_size"}
	refuseRead = &refusal{http.StatusBadRequest, "body_not_received",
		"the body ended before its announced length"}
	refuseSlow = &refusal{http.StatusRequestTimeout, "body_too_slow",
		"the body did not arrive within this receiver's read_timeout"}

	refuseNoSignature = &refusal{http.StatusUnauthorized, "signature_missing",
		"the SC-Signature header is missing"}
	refuseSignatures = &refusal{http.StatusUnauthorized, "signature_repeated",
		"the SC-Signature header must appear once"}
	refuseMalformed = &refusal{http.StatusUnauthorized, "signature_malformed",
		"the SC-Signature header must be 64 hexadecimal digits"}
	refuseMismatch = &refusal{http.StatusUnauthorized, "signature_mismatch",
		"the SC-Signature header does not match the body"}
	refuseChallengeBody = &refusal{http.StatusUnauthorized, "body_is_challenge",
		"a body that could be a challenge is never an event"}

	refuseChallenge = &refusal{http.StatusBadRequest, "challenge_refused",
		"the challenge is not the short plain text that this receiver answers"}
	refuseVerifyRate = &refusal{http.StatusTooManyRequests, "verify_rate_limited",
		"too many VERIFY requests"}

	refuseFull = &refusal{http.StatusServiceUnavailable, "buffer_full",
		"the buffer is full; send again later"}
	refuseSealed = &refusal{http.StatusServiceUnavailable, "buffer_sealed",
		"the buffer accepts nothing after a failed write; send again later"}
	refuseNotOpen = &refusal{http.StatusServiceUnavailable, "buffer_unavailable",
		"the buffer cannot be opened; send again later"}
	refuseClosed = &refusal{http.StatusServiceUnavailable, "buffer_closed",
		"the receiver is shutting down; send again later"}
	refuseTimeout = &refusal{http.StatusServiceUnavailable, "store_timeout",
		"storing took longer than this receiver's store_timeout; send again later"}
	refuseStore = &refusal{http.StatusServiceUnavailable, "store_failed",
		"the event could not be stored; send again later"}
)

// storeRetryAfter is what a 503 says in Retry-After: longer than a restart, shorter
// than Smartcar's first pause of 25 s.
const storeRetryAfter = 5 * time.Second

func (f *refusal) Error() string { return f.code + ": " + f.message }

// body is the JSON that goes with the refusal. Codes and messages are plain ASCII
// without quotes, so nothing needs escaping.
func (f *refusal) body() string {
	return `{"error":"` + f.code + `","message":"` + f.message + `"}` + "\n"
}

// headers sets what belongs to the status, besides the body's own headers.
func (f *refusal) headers(h http.Header, retryAfter time.Duration) {
	switch f.status {
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		h.Set("Retry-After", seconds(retryAfter))
	}
}

// seconds rounds up, since a client that comes back too early is refused again.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

// writeRefusal answers with f. Where the server has error routes (handle_errors in
// the Caddyfile) they get to render it, as with every other handler's error; else
// Caddy would send an empty body, so the answer is written here.
func writeRefusal(w http.ResponseWriter, r *http.Request, f *refusal, retryAfter time.Duration) error {
	f.headers(w.Header(), retryAfter)
	if hasErrorRoutes(r) {
		return caddyhttp.Error(f.status, f)
	}
	return writeJSON(w, f.status, newAnswer([]byte(f.body())))
}

func hasErrorRoutes(r *http.Request) bool {
	srv, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	return ok && srv != nil && srv.Errors != nil && len(srv.Errors.Routes) > 0
}
