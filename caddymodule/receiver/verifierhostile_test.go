package receiver

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Only a POST of an event gets to the application: nothing that asks for another protocol, and no method that it might
// take for one.
func TestVerifierLetsNothingElseThrough(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"GET":     func(r *http.Request) { r.Method = http.MethodGet },
		"HEAD":    func(r *http.Request) { r.Method = http.MethodHead },
		"OPTIONS": func(r *http.Request) { r.Method = http.MethodOptions },
		"CONNECT": func(r *http.Request) { r.Method = http.MethodConnect },
		"PUT":     func(r *http.Request) { r.Method = http.MethodPut },
		"lower":   func(r *http.Request) { r.Method = "post" },
		"websocket": func(r *http.Request) {
			r.Method = http.MethodGet
			r.Header["Connection"], r.Header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
		},
		"HTTP/2 websocket": func(r *http.Request) { r.Method, r.Header[":protocol"] = http.MethodConnect, []string{"websocket"} },
		"two signatures": func(r *http.Request) {
			r.Header[signatureHeader] = append(r.Header[signatureHeader], r.Header[signatureHeader][0])
		},
		"compressed":        func(r *http.Request) { r.Header["Content-Encoding"] = []string{"gzip"} },
		"too long in all":   func(r *http.Request) { r.ContentLength = 1 << 40 },
		"shorter than said": func(r *http.Request) { r.ContentLength += 10; r.Body = io.NopCloser(&short{r.Body}) },
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := newVerifier(t)
			r := request(stateBody, tokenA)
			change(r)
			w := httptest.NewRecorder()
			err := v.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
				t.Error("it got to the application")
				return nil
			}))
			if err != nil || w.Code < 400 {
				t.Errorf("%v, %d %s", err, w.Code, w.Body)
			}
		})
	}
}

// short ends before what was announced, as net/http reports that.
type short struct{ from io.Reader }

func (s *short) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err == io.EOF { //nolint:errorlint // io.Reader says this one
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// An event asks for no other protocol, whatever its headers say, and has one length: that of the body that was verified.
func TestVerifierPassesOneMeaningOn(t *testing.T) {
	v, _ := newVerifier(t)
	r := request(stateBody, tokenA)
	for name, value := range map[string]string{
		"Connection": "Upgrade, SC-Signature", "Upgrade": "websocket", "Expect": "100-continue", "Te": "trailers",
		"Trailer": "X-Smartcar-Source", "Content-Length": "1",
	} {
		r.Header[name] = []string{value}
	}
	r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
	r.Trailer = http.Header{"X-Smartcar-Source": {"forged"}}
	err := v.ServeHTTP(httptest.NewRecorder(), r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		for _, name := range []string{"Connection", "Upgrade", "Expect", "Te", "Trailer", "Transfer-Encoding"} {
			if r.Header[name] != nil {
				t.Errorf("%s is passed on: %q", name, r.Header[name])
			}
		}
		if got := r.Header["Content-Length"]; len(got) != 1 || r.ContentLength != int64(len(stateBody)) || r.TransferEncoding != nil || r.Trailer != nil {
			t.Errorf("length %q and %d, %v, trailer %v", got, r.ContentLength, r.TransferEncoding, r.Trailer)
		}
		w.WriteHeader(http.StatusOK)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// Whoever asks with VERIFY again and again is held up as by a receiver, and the application hears nothing of it.
func TestVerifierLimitsVerify(t *testing.T) {
	v, _ := newVerifier(t)
	const body = `{"eventId":"v-1","eventType":"VERIFY","data":{"challenge":"Qx7mT2vLp9Rk4ZsA"}}`
	limited := false
	for range 1000 {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if err := v.ServeHTTP(w, r, nil); err != nil {
			t.Fatal(err)
		}
		if limited = w.Code == http.StatusTooManyRequests; limited {
			break
		}
	}
	if !limited {
		t.Error("each of 1000 was answered")
	}
}
