package integration

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const hook = "/webhooks/smartcar"

// The application gets an event as Smartcar sent it, what Caddy says of it and nothing that a client says in its name,
// and its answer is Smartcar's. No app is made for that, and no folder.
func TestVerifyPassesEventsOn(t *testing.T) {
	caddyfiles, _ := page(t)
	a := startBehindApp(t)
	s := startSidecar(t, caddyfiles[0], "", a.addr())
	body := sampleEvent("event-1")
	signature := smartcar.Sign(newToken, []byte(body))
	want := map[string]string{
		"X-Smartcar-Source": "default", "X-Smartcar-Event-Id": "event-1",
		"X-Smartcar-Event-Type": "VEHICLE_STATE", "X-Smartcar-Token": "1",
	}
	forge := func(names ...string) func(*http.Request) {
		return func(r *http.Request) {
			for _, name := range names {
				r.Header[name] = []string{"forged"}
			}
		}
	}
	for name, change := range map[string]func(*http.Request){
		"plain":          func(*http.Request) {},
		"same names":     forge("X-Smartcar-Source", "X-Smartcar-Event-Id", "X-Smartcar-Replay"),
		"other case":     forge("x-smartcar-source", "X-SMARTCAR-REPLAY"),
		"underscores":    forge("X_Smartcar_Source", "x_smartcar_replay", "X-Smartcar_Event-Id"),
		"other signs":    forge("X.Smartcar.Source", "XSmartcar", "X-Smart-Car-Replay", "~X-Smartcar-Replay"),
		"Connection":     func(r *http.Request) { r.Header["Connection"] = []string{"X-Smartcar-Source, SC-Signature"} },
		"unknown length": func(r *http.Request) { r.ContentLength = -1 },
		"a trailer": func(r *http.Request) {
			r.ContentLength, r.Trailer = -1, http.Header{"X-Smartcar-Replay": {"forged"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			resp, said := s.send(t, hook, body, newToken, change)
			if resp.StatusCode != http.StatusOK || said != "said by the application" || resp.Header.Get("X-App") != "mine" {
				t.Errorf("answered %d %q %v", resp.StatusCode, said, resp.Header)
			}
			got := a.taken()
			if len(got) != 1 || got[0].body != body || got[0].header.Get("SC-Signature") != signature || got[0].length != int64(len(body)) || got[0].chunked {
				t.Fatalf("the application got %+v", got)
			}
			own := ownHeaders(got[0].header)
			delete(own, "X-Smartcar-Vehicle-Id")
			if got[0].header.Get("X-Smartcar-Vehicle-Id") == "" {
				t.Error("no vehicle")
			}
			if diff := cmp.Diff(want, own); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(s.dir, "data", "caddy", "smartcar")); !os.IsNotExist(err) {
		t.Errorf("a buffer was made: %v", err)
	}
	if _, err := app.Active(); err == nil {
		t.Error("the config has the app")
	}
}

// What is no event with a right signature does not get to the application.
func TestVerifyRefuses(t *testing.T) {
	caddyfiles, _ := page(t)
	a := startBehindApp(t)
	s := startSidecar(t, caddyfiles[0], "", a.addr())
	body := sampleEvent("event-1")
	const challenge = "Qx7mT2vLp9Rk4ZsA"
	verify := `{"eventId":"v-1","eventType":"VERIFY","data":{"challenge":"` + challenge + `"}}`
	for _, tt := range []struct {
		name, path, body, token string
		change                  func(*http.Request)
		status                  int
		says                    string
	}{
		{"a changed body", hook, body, newToken, tampered, 401, "signature_mismatch"},
		{"another token", hook, body, otherToken, nil, 401, "signature_mismatch"},
		{"no signature", hook, body, "", nil, 401, "signature_missing"},
		{"GET", hook, "", "", func(r *http.Request) { r.Method = http.MethodGet }, 405, "method_not_allowed"},
		{"another content type", hook, body, newToken, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415, "unsupported_content_type"},
		{"a large body", hook, strings.Repeat(" ", 256<<10+1), newToken, nil, 413, "body_too_large"},
		{"a slash too many", hook + "/", body, newToken, nil, 404, ""},
		{"VERIFY", hook, verify, "", nil, 200, smartcar.Sign(newToken, []byte(challenge))},
		{"a challenge that may be an event", hook, strings.Replace(verify, challenge, `{\"eventId\":1}`, 1), "", nil, 400, "challenge_refused"},
		{"a challenge as a body", hook, challenge, newToken, nil, 401, "body_is_challenge"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			change := tt.change
			if change == nil {
				change = func(*http.Request) {}
			}
			resp, said := s.send(t, tt.path, tt.body, tt.token, change)
			if resp.StatusCode != tt.status || !strings.Contains(said, tt.says) {
				t.Errorf("%d %s, want %d %s", resp.StatusCode, said, tt.status, tt.says)
			}
			if got := a.taken(); len(got) != 0 {
				t.Errorf("the application got %+v", got)
			}
		})
	}
	if !strings.Contains(s.log(t), `"code":"signature_mismatch"`) {
		t.Errorf("not in the log:\n%s", s.log(t))
	}
}

// Smartcar sends again what the application has not taken, whatever it said, or while it is down.
func TestVerifyLeavesRetriesToSmartcar(t *testing.T) {
	caddyfiles, _ := page(t)
	a := startBehindApp(t)
	s := startSidecar(t, caddyfiles[0], "", a.addr())
	body := sampleEvent("event-1")
	for _, status := range []int{500, 404, 302, 204} {
		a.answer(status)
		if resp, _ := s.send(t, hook, body, newToken); resp.StatusCode != status {
			t.Errorf("%d, want the application's %d", resp.StatusCode, status)
		}
	}
	a.Close()
	if resp, _ := s.send(t, hook, body, newToken); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("%d while the application is down, want 502", resp.StatusCode)
	}
	if n := strings.Count(s.log(t), `"event":"webhook.not_taken"`); n != 4 {
		t.Errorf("%d lines of events that were not taken, want 4:\n%s", n, s.log(t))
	}
}

// A site without anything behind smartcar_verify loses no event without a word. And it stands before reverse_proxy, and
// before a handle, without an order.
func TestVerifyInASite(t *testing.T) {
	const verifier = "\tsmartcar_verify {\n\t\ttoken {env.SMARTCAR_TOKEN}\n\t}\n"
	for name, tt := range map[string]struct {
		site         string
		right, wrong int
		asked        int
	}{
		"nothing behind":            {verifier, 502, 401, 0},
		"a reverse_proxy":           {"\treverse_proxy 127.0.0.1:3000\n" + verifier, 200, 401, 1},
		"a handle":                  {"\thandle {\n\t\treverse_proxy 127.0.0.1:3000\n\t}\n" + verifier, 200, 401, 1},
		"a route":                   {"\troute /webhooks/* {\n\t\treverse_proxy 127.0.0.1:3000\n\t}\n" + verifier, 200, 401, 1},
		"a placeholder in a header": {"\trequest_header X-Event {http.smartcar.event_id}\n\treverse_proxy 127.0.0.1:3000\n" + verifier, 200, 401, 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := startBehindApp(t)
			s := startSidecar(t, "hooks.example.com {\n"+tt.site+"}\n", "", a.addr())
			if resp, said := s.send(t, hook, sampleEvent("event-1"), newToken); resp.StatusCode != tt.right {
				t.Errorf("%d %s, want %d", resp.StatusCode, said, tt.right)
			}
			if resp, said := s.send(t, hook, sampleEvent("event-1"), otherToken); resp.StatusCode != tt.wrong {
				t.Errorf("%d %s, want %d", resp.StatusCode, said, tt.wrong)
			}
			got := a.taken()
			if len(got) != tt.asked {
				t.Errorf("asked %d times, want %d", len(got), tt.asked)
			}
			if name == "a placeholder in a header" && got[0].header.Get("X-Event") != "event-1" {
				t.Errorf("headers %v", got[0].header)
			}
			if name == "nothing behind" && !strings.Contains(s.log(t), "nothing_behind") {
				t.Errorf("not in the log:\n%s", s.log(t))
			}
		})
	}
}

// Where the proxy has several backends, the next one gets the whole body: after a dial that failed, and after a backend
// that broke off when it had it.
func TestVerifyWithRetriesOfTheProxy(t *testing.T) {
	breaking, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer breaking.Close()
	broke := make(chan int, 1)
	go func() {
		conn, err := breaking.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		n := 0
		for buf := make([]byte, 1<<10); err == nil; {
			var more int
			more, err = r.Body.Read(buf)
			n += more
		}
		broke <- n
	}()
	down := startBehindApp(t)
	down.Close()
	a := startBehindApp(t)
	s := startSidecar(t, `hooks.example.com {
	smartcar_verify {
		token {env.SMARTCAR_TOKEN}
	}
	reverse_proxy 127.0.0.1:3000 127.0.0.1:3001 127.0.0.1:3002 {
		lb_policy first
		lb_retries 2
		fail_duration 30s
		lb_retry_match {
			method POST
		}
	}
}
`, "", down.addr(), breaking.Addr().String(), a.addr())
	body := sampleEvent("event-1")
	if resp, said := s.send(t, hook, body, newToken); resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s\n%s", resp.StatusCode, said, s.log(t))
	}
	if n := <-broke; n != len(body) {
		t.Errorf("the second backend had %d bytes, want %d", n, len(body))
	}
	if got := a.taken(); len(got) != 1 || got[0].body != body {
		t.Errorf("the third backend got %+v", got)
	}
}

// Where the config has the app, the source is in its status like that of a receiver.
func TestVerifyInTheStatus(t *testing.T) {
	a := startBehindApp(t)
	s := startSidecar(t, `{
	smartcar {
		buffer disk {
			path /var/lib/smartcar
		}
	}
}
hooks.example.com {
	smartcar_verify {
		source passing
		token {env.SMARTCAR_TOKEN}
	}
	reverse_proxy 127.0.0.1:3000
}
`, "", a.addr())
	for i, status := range []int{200, 500, 200} {
		a.answer(status)
		s.send(t, hook, sampleEvent(string(rune('a'+i))), newToken)
	}
	s.send(t, hook, sampleEvent("d"), otherToken)
	running, err := app.Active()
	if err != nil {
		t.Fatal(err)
	}
	v := running.Status(t.Context())
	if len(v.Sources) != 1 || v.Sources[0].Removed || v.Sources[0].Name != "passing" {
		t.Fatalf("sources %+v", v.Sources)
	}
	got := v.Sources[0]
	if got.Passed != 2 || got.NotTaken != 1 || got.Stored != 0 || got.Refused["signature_mismatch"] != 1 ||
		got.Live.Refused != 1 || got.Matches["1"] != 3 || got.Loss.Pending != 1 || got.LastStored.IsZero() {
		text, _ := json.Marshal(got)
		t.Errorf("counted %s", text)
	}
	pending := ""
	for _, x := range v.Attention {
		if x.Kind == api.DeliveriesPending {
			pending = x.Do
		}
		if x.Kind == api.NoReceiver {
			t.Error("status asks for a receiver")
		}
	}
	if !strings.Contains(pending, "have the application behind smartcar_verify answer 2xx") {
		t.Errorf("attention %+v", v.Attention)
	}
	s.send(t, hook, sampleEvent("b"), newToken) // Smartcar sends it again
	if left := running.Status(t.Context()).Sources[0].Loss.Pending; left != 0 {
		t.Errorf("%d deliveries are pending after the next attempt", left)
	}
}
