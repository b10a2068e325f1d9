package http

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.copyChan"))
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestPostsTheEventAsSmartcarSentIt(t *testing.T) {
	var got *http.Request
	var body []byte
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	})
	host := sdktest.Start(t, Plugin(), sdktest.Config{
		"url": s.URL + "/hook?key=1", "headers": sdktest.Config{"authorization": "Bearer x", "Host": "app.example"},
	})
	e := sdktest.VehicleState("e-1", "v-1")
	e.Attempt, e.ContentType = 3, "application/json; charset=utf-8"
	if r := host.Handle(t.Context(), e)[0]; r.Status != sdk.StatusDone {
		t.Fatalf("%+v", r)
	}
	if !bytes.Equal(body, e.Payload) {
		t.Errorf("body %q", body)
	}
	want := http.Header{
		"Content-Type":        {"application/json; charset=utf-8"},
		"Content-Length":      got.Header["Content-Length"],
		"User-Agent":          {"caddy-smartcar"},
		"Authorization":       {"Bearer x"},
		"Sc-Signature":        {e.Signature},
		"X-Smartcar-Event-Id": {"e-1"},
		"X-Smartcar-Attempt":  {"3"},
		"X-Smartcar-Source":   {"sdktest"},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Error(diff)
	}
	if got.Method != http.MethodPost || got.Host != "app.example" || got.RequestURI != "/hook?key=1" {
		t.Errorf("%s %s %s", got.Method, got.Host, got.RequestURI)
	}
}

func TestTellsOfReplaysAndStaleSignals(t *testing.T) {
	var all []string
	for _, s := range smartcar.Signals() {
		all = append(all, s.Code)
	}
	tests := map[string]struct {
		event         sdk.Event
		replay, stale []string
	}{
		"neither":        {sdk.Event{}, nil, nil},
		"a replay":       {sdk.Event{Replay: true}, []string{"true"}, nil},
		"stale signals":  {sdk.Event{StaleSignals: []string{"charge-ischarging", "charge-voltage"}}, nil, []string{"charge-ischarging, charge-voltage"}},
		"both":           {sdk.Event{Replay: true, StaleSignals: []string{"charge-voltage"}}, []string{"true"}, []string{"charge-voltage"}},
		"all documented": {sdk.Event{StaleSignals: all}, nil, []string{strings.Join(all, ", ")}},
		"odd codes":      {sdk.Event{StaleSignals: []string{"a,b", "a b", "a\r\nX-Evil: 1", "c-d"}}, nil, []string{"c-d"}},
		"only odd codes": {sdk.Event{StaleSignals: []string{"\x00"}}, nil, nil},
		"too many":       {sdk.Event{StaleSignals: []string{"a", strings.Repeat("b", maxStale), "c"}}, nil, []string{"a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got http.Header
			s := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
			host := sdktest.Start(t, Plugin(), sdktest.Config{"url": s.URL})
			tt.event.Payload = []byte("{}")
			if r := host.Handle(t.Context(), &tt.event)[0]; r.Status != sdk.StatusDone {
				t.Fatalf("%+v", r)
			}
			if diff := cmp.Diff(tt.replay, got["X-Smartcar-Replay"]); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.stale, got["X-Smartcar-Stale-Signals"]); diff != "" {
				t.Error(diff)
			}
			if got.Get("X-Evil") != "" || len(got["Sc-Signature"]) != 0 {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestPassesOnTheTrace(t *testing.T) {
	const trace, configured = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-1-1-00"
	for name, tc := range map[string]struct {
		ctx     context.Context
		headers sdktest.Config
		want    []string
	}{
		"traced":         {sdktest.WithTraceParent(t.Context(), trace), nil, []string{trace}},
		"not traced":     {t.Context(), nil, nil},
		"by the config":  {sdktest.WithTraceParent(t.Context(), trace), sdktest.Config{"traceparent": configured}, []string{configured}},
		"only by config": {t.Context(), sdktest.Config{"TraceParent": configured}, []string{configured}},
	} {
		t.Run(name, func(t *testing.T) {
			var got http.Header
			s := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
			host := sdktest.Start(t, Plugin(), sdktest.Config{"url": s.URL, "headers": tc.headers})
			if r := host.Handle(tc.ctx, sdktest.VehicleState("e-1", "v-1"))[0]; r.Status != sdk.StatusDone {
				t.Fatalf("%+v", r)
			}
			if diff := cmp.Diff(tc.want, got["Traceparent"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHeadersFromOutsideCannotSpoilARequest(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(headerSignature) != "" || r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	host := sdktest.Start(t, Plugin(), sdktest.Config{"url": s.URL})
	e := &sdk.Event{Payload: []byte("{}"), Signature: "a\r\nX-Evil: 1", ContentType: "\x00"}
	if r := host.Handle(t.Context(), e)[0]; r.Status != sdk.StatusDone {
		t.Errorf("%+v", r)
	}
}

func TestAnswers(t *testing.T) {
	inAMinute := time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)
	tests := map[string]struct {
		code   int
		header string
		want   sdk.Result
	}{
		"200": {200, "", sdk.Result{Status: sdk.StatusDone}},
		"204": {204, "", sdk.Result{Status: sdk.StatusDone}},
		"302": {302, "", sdk.Result{Status: sdk.StatusRetry,
			Error: "HOST answered 302: redirects are not followed, so url must be the final address"}},
		"308": {308, "", sdk.Result{Status: sdk.StatusRetry,
			Error: "HOST answered 308: redirects are not followed, so url must be the final address"}},
		"400": {400, "5", sdk.Result{Status: sdk.StatusReject, Reason: "http_400", Error: "HOST answered 400"}},
		"401": {401, "", sdk.Result{Status: sdk.StatusUnavailable,
			Error: "HOST answered 401: check what this handler's config has for authorization, and that the application takes it"}},
		"403": {403, "", sdk.Result{Status: sdk.StatusUnavailable,
			Error: "HOST answered 403: check what this handler's config has for authorization, and that the application takes it"}},
		"404":                {404, "", sdk.Result{Status: sdk.StatusRetry, Error: "HOST answered 404"}},
		"405":                {405, "", sdk.Result{Status: sdk.StatusRetry, Error: "HOST answered 405"}},
		"409":                {409, "", sdk.Result{Status: sdk.StatusRetry, Error: "HOST answered 409"}},
		"410":                {410, "", sdk.Result{Status: sdk.StatusRetry, Error: "HOST answered 410"}},
		"413":                {413, "5", sdk.Result{Status: sdk.StatusReject, Reason: "http_413", Error: "HOST answered 413"}},
		"415":                {415, "", sdk.Result{Status: sdk.StatusReject, Reason: "http_415", Error: "HOST answered 415"}},
		"422":                {422, "", sdk.Result{Status: sdk.StatusReject, Reason: "http_422", Error: "HOST answered 422"}},
		"408":                {408, "", sdk.Result{Status: sdk.StatusRetry, Error: "HOST answered 408"}},
		"425":                {425, "", sdk.Result{Status: sdk.StatusRetry, Error: "HOST answered 425"}},
		"429 in seconds":     {429, "7", sdk.Result{Status: sdk.StatusRetry, RetryAfter: 7 * time.Second, Error: "HOST answered 429"}},
		"500":                {500, "", sdk.Result{Status: sdk.StatusRetry, Error: "HOST answered 500"}},
		"429 with a date":    {429, inAMinute, sdk.Result{Status: sdk.StatusRetry, RetryAfter: time.Minute, Error: "HOST answered 429"}},
		"429 with nonsense":  {429, "soon", sdk.Result{Status: sdk.StatusRetry, Error: "HOST answered 429"}},
		"429 in a long time": {429, "99999999999999999999", sdk.Result{Status: sdk.StatusRetry, RetryAfter: maxRetryAfter, Error: "HOST answered 429"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			followed := false
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				followed = followed || r.URL.Path == "/elsewhere"
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", tt.header)
				w.WriteHeader(tt.code)
				if tt.code != http.StatusNoContent {
					_, _ = io.WriteString(w, "a secret in the answer")
				}
			})
			host := sdktest.Start(t, Plugin(), sdktest.Config{"url": s.URL})
			got := host.Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]
			got.Error = strings.ReplaceAll(got.Error, s.Listener.Addr().String(), "HOST")
			// The date is read a moment after it was written.
			got.RetryAfter = got.RetryAfter.Round(10 * time.Second)
			tt.want.RetryAfter = tt.want.RetryAfter.Round(10 * time.Second)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if followed {
				t.Error("a redirect was followed")
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]struct {
		value string
		want  time.Duration
	}{
		"none":      {"", 0},
		"seconds":   {" 7 ", 7 * time.Second},
		"negative":  {"-7", 0},
		"date":      {"Fri, 02 Jan 2026 03:05:05 GMT", time.Minute},
		"past date": {"Fri, 02 Jan 2026 03:00:05 GMT", 0},
		"far date":  {"Fri, 02 Jan 2099 03:00:05 GMT", maxRetryAfter},
		"too long":  {"86401", maxRetryAfter},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := retryAfter(tt.value, now); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// raw serves every connection with f.
func raw(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			// The request is read first: closing with unread bytes would be a reset.
			_, _ = c.Read(make([]byte, 64<<10))
			f(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

func TestRequestsWithoutAnAnswer(t *testing.T) {
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := unused.Addr().String()
	_ = unused.Close()
	tlsServer := httptest.NewTLSServer(http.NotFoundHandler())
	tlsServer.Config.ErrorLog = nil
	t.Cleanup(tlsServer.Close)
	tests := map[string]struct {
		url    string
		status sdk.Status
		text   string
	}{
		"refused":          {"http://" + refusing, sdk.StatusUnavailable, refusing + ": connecting failed: " + syscall.ECONNREFUSED.Error()},
		"no such host":     {"http://nowhere.invalid", sdk.StatusUnavailable, "nowhere.invalid: connecting failed"},
		"unknown issuer":   {tlsServer.URL, sdk.StatusUnavailable, "certificate"},
		"closed":           {"http://" + raw(t, func(net.Conn) {}), sdk.StatusRetry, "closed before the answer"},
		"not HTTP":         {"http://" + raw(t, func(c net.Conn) { _, _ = io.WriteString(c, "a secret\r\n\r\n") }), sdk.StatusRetry, "not one that HTTP knows"},
		"secrets in query": {"http://" + refusing + "/?token=a%20secret", sdk.StatusUnavailable, "connecting failed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			host := sdktest.Start(t, Plugin(), sdktest.Config{"url": tt.url})
			got := host.Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]
			if got.Status != tt.status || !strings.Contains(got.Error, tt.text) || strings.Contains(got.Error, "secret") {
				t.Errorf("%+v", got)
			}
		})
	}
}

// An application that ends while its connections are kept is down, as one that is not there.
func TestApplicationThatEndsOnAKeptConnection(t *testing.T) {
	l := listen(t, "tcp", "127.0.0.1:0")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c, err := l.Accept()
		if err != nil {
			return
		}
		buf := make([]byte, 64<<10)
		_, _ = c.Read(buf)
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		_, _ = c.Read(buf)
		_ = l.Close()
		_ = c.Close()
	}()
	host := sdktest.Start(t, Plugin(), sdktest.Config{"url": "http://" + l.Addr().String()})
	e := sdktest.VehicleState("e", "v")
	if got := host.Handle(t.Context(), e)[0]; got.Status != sdk.StatusDone {
		t.Fatalf("%+v", got)
	}
	if got := host.Handle(t.Context(), e)[0]; got.Status != sdk.StatusUnavailable || !strings.Contains(got.Error, "connecting failed") {
		t.Errorf("%+v", got)
	}
	<-ended
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	host := sdktest.Start(t, Plugin(), sdktest.Config{"url": s.URL, "timeout": 50 * time.Millisecond})
	got := host.Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]
	if got.Status != sdk.StatusRetry || !strings.Contains(got.Error, "no answer in time") {
		t.Errorf("%+v", got)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	addresses := map[string]bool{}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		addresses[r.RemoteAddr] = true
		_, _ = w.Write(make([]byte, 10_000))
	})
	host := sdktest.Start(t, Plugin(), sdktest.Config{"url": s.URL})
	for range 10 {
		host.Handle(t.Context(), sdktest.VehicleState("e", "v"))
	}
	if len(addresses) != 1 {
		t.Errorf("%d connections for 10 requests", len(addresses))
	}
}

// Only the status counts, whatever the body says.
func TestBodiesOfAnswersDoNotCount(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"success":false,"error":"no"}`)
	})
	host := sdktest.Start(t, Plugin(), sdktest.Config{"url": s.URL})
	if got := host.Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]; got.Status != sdk.StatusDone {
		t.Errorf("%+v", got)
	}
}

func TestEndlessAnswersAreCutOff(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	host := sdktest.Start(t, Plugin(), sdktest.Config{"url": s.URL, "timeout": time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if got := host.Handle(ctx, sdktest.VehicleState("e", "v"))[0]; got.Status != sdk.StatusDone {
		t.Errorf("%+v", got)
	}
}

func TestConfigMistakes(t *testing.T) {
	good := "http://127.0.0.1"
	tests := map[string]struct {
		config sdktest.Config
		want   string
	}{
		"no url":          {sdktest.Config{}, `Missing "url"`},
		"not a url":       {sdktest.Config{"url": "http://hunter2:x:y"}, "url: Not a URL"},
		"other scheme":    {sdktest.Config{"url": "ftp://hunter2"}, "url: Not an http or https URL"},
		"no host":         {sdktest.Config{"url": "http:///hunter2"}, "url: Not an http or https URL"},
		"password":        {sdktest.Config{"url": "http://a:hunter2@b"}, "url: Name or password in the URL"},
		"fragment":        {sdktest.Config{"url": "http://b/#hunter2"}, "url: Fragment in the URL"},
		"timeout":         {sdktest.Config{"url": good, "timeout": "0s"}, "timeout: Not a time to wait"},
		"idle timeout":    {sdktest.Config{"url": good, "idle_timeout": "-1s"}, "idle_timeout: Not a time to wait"},
		"no connections":  {sdktest.Config{"url": good, "max_idle_conns": 0}, "max_idle_conns: Too few"},
		"header name":     {sdktest.Config{"url": good, "headers": sdktest.Config{"a b": "hunter2"}}, "headers: Not a header name"},
		"header value":    {sdktest.Config{"url": good, "headers": sdktest.Config{"a": "hunter2\n"}}, "headers: Not a header value"},
		"reserved header": {sdktest.Config{"url": good, "headers": sdktest.Config{"sc-signature": "hunter2"}}, "headers: Header is taken"},
		"replay header":   {sdktest.Config{"url": good, "headers": sdktest.Config{"x-smartcar-replay": "hunter2"}}, "headers: Header is taken"},
		"status":          {sdktest.Config{"url": good, "on_status": sdktest.Config{"40x": "retry"}}, `on_status.40x: Not a status: "40x" is neither a status nor a class. Did you mean "4xx"?`},
		"capital class":   {sdktest.Config{"url": good, "on_status": sdktest.Config{"4XX": "retry"}}, `Did you mean "4xx"?`},
		"a 2xx":           {sdktest.Config{"url": good, "on_status": sdktest.Config{"204": "retry"}}, `on_status.204: Not a status: "204" always means done`},
		"no status":       {sdktest.Config{"url": good, "on_status": sdktest.Config{"not found": "retry"}}, `write one like "404" or "4xx"`},
		"status and sign": {sdktest.Config{"url": good, "on_status": sdktest.Config{"+404": "retry"}}, `write one like "404" or "4xx"`},
		"a dot":           {sdktest.Config{"url": good, "on_status": sdktest.Config{"4.4": "retry"}}, `on_status: Not a status`},
		"outcome":         {sdktest.Config{"url": good, "on_status": sdktest.Config{"404": "rejected"}}, `on_status.404: Not an outcome: "rejected" is none of "done", "retry", "reject" and "unavailable". Did you mean "reject"?`},
		"odd outcome":     {sdktest.Config{"url": good, "on_status": sdktest.Config{"404": "dead letter"}}, `"dead letter" is none of`},
		"stale header":    {sdktest.Config{"url": good, "headers": sdktest.Config{"X-Smartcar-Stale-Signals": "hunter2"}}, "headers: Header is taken"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := sdktest.Open(t, Plugin(), tt.config)
			var refused *sdktest.ConfigError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%v, want %s", err, tt.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a value is shown: %v", err)
			}
		})
	}
}

// A failed dial is told without what the host says already.
func TestDialled(t *testing.T) {
	refused := os.NewSyscallError("connect", syscall.ECONNREFUSED)
	address := func(a string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(a)) }
	noHost := &net.DNSError{Err: "no such host", Name: "crm.example", IsNotFound: true}
	for name, tt := range map[string]struct {
		host string
		err  error
		want string
	}{
		"the address itself": {"10.0.0.1:80", &net.OpError{Op: "dial", Net: "tcp", Addr: address("10.0.0.1:80"), Err: refused}, "10.0.0.1:80: " + syscall.ECONNREFUSED.Error()},
		"a name's address":   {"crm:80", &net.OpError{Op: "dial", Net: "tcp", Addr: address("10.0.0.1:80"), Err: refused}, "crm:80 (10.0.0.1:80): " + syscall.ECONNREFUSED.Error()},
		"no such host":       {"crm.example", &net.OpError{Op: "dial", Net: "tcp", Err: noHost}, "crm.example: lookup crm.example: no such host"},
		"not a dial":         {"crm", errors.New("tls: bad certificate"), "crm: tls: bad certificate"},
	} {
		host, err := dialled(tt.host, tt.err)
		if got := host + ": " + err.Error(); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
