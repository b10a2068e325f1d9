package integration

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// personalData is what no log of a Caddy may hold, at any level: tokens, a challenge and its answer, and what the events
// of these tests say of people. Their bodies come from sdk/smartcar: from its vectors, or from its Sample.
var personalData = slices.Concat([]string{
	newToken, oldToken, otherToken,
	challenge, "1665fbb920ddd1f58916ab4515e11a3c78730e14cfc4b8bc4cb8a34c46febbb0",
	// The vectors: user, VIN, place, charge.
	"51c2e7f4-9d38-4b1a-a6c5-7e8f90a1b2c3", "driver-0042", "YV1TESTVIN0000001", "57.70887", "11.97456", "LAST_PARKED", `"value":63`,
	// Sample: user, odometer, nickname.
	"00000000-0000-4000-8000-000000000003", "18204.5", "Van 7",
}, keysOfBodies)

// keysOfBodies are in every body, so they tell one whatever its values are; also one that is a string in JSON.
var keysOfBodies = func() (keys []string) {
	for _, key := range []string{"signals", "latitude", "longitude", "oemUpdatedAt", "externalId", "challenge", "user", "vin"} {
		keys = append(keys, `"`+key+`":`, `\"`+key+`\":`, `\"`+key+`\\\":`)
	}
	return keys
}()

// personalIn returns what a text holds of that, and the line where it is.
func personalIn(text []byte) (found, line string) {
	for _, what := range personalData {
		i := bytes.Index(text, []byte(what))
		if i < 0 {
			continue
		}
		begin, end := bytes.LastIndexByte(text[:i], '\n')+1, len(text)
		if n := bytes.IndexByte(text[i:], '\n'); n >= 0 {
			end = i + n
		}
		return what, string(text[begin:end])
	}
	return "", ""
}

// refusedSignature is in the line of a refused request, as it came. Who has asked for the answer to a challenge may send
// it again as the signature of something else, and nobody can tell.
var refusedSignature = regexp.MustCompile(`"signature":"[0-9A-Fa-f]{64}"`)

// lineTime is the time of a line: a number whose digits are those of a place, once in some thousand runs.
var lineTime = regexp.MustCompile(`"ts":[0-9]+\.[0-9]+`)

// keepsPersonalData reads what the Caddys of a test's folder have logged. Each helper that starts one calls it before it
// removes the folder, so that the whole suite looks for what must not be in a log.
func keepsPersonalData(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "caddy.log"))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		if what, where := personalIn(lineTime.ReplaceAll(refusedSignature.ReplaceAll(line, nil), nil)); what != "" {
			t.Errorf("the log holds %s: %.2000s", what, where)
			return
		}
		if err != nil {
			return
		}
	}
}

// A whole Caddy at DEBUG, with all stages, through everything that Smartcar and others send and handlers do with it,
// writes nothing of a person and no secret.
func TestLogsKeepPersonalData(t *testing.T) {
	handlers := filepath.Join(t.TempDir(), "handlers.hcl")
	moody := ownHandler(t, "moody", "moody", "retry {\n max_attempts = 2\n min_delay = \"10ms\"\n max_delay = \"10ms\"\n}\n"+
		"batch {\n max_events = 4\n}\n", nil)
	archive := jsonlHandler("archive", filepath.Join(t.TempDir(), "events.jsonl"), "")
	if err := os.WriteFile(handlers, []byte(moody+archive), 0o600); err != nil {
		t.Fatal(err)
	}
	e := startEdge(t, edgeConfig{App: "handlers " + handlers, Receiver: "verify_rate 1000 1000"})
	sendPersonal(t, e)

	for _, want := range []string{
		`"signature.verified"`, `"signature.failed"`, `"webhook.received"`, `"webhook.verified"`, `"webhook.duplicate_differs"`,
		`"processing.started"`, `"processing.completed"`, `"reason":"rejected"`, `"reason":"exhausted"`,
		`"the database says no"`, `"code":"body_is_challenge"`, `"code":"challenge_refused"`,
	} {
		e.awaitLog(t, want)
	}
	if what, line := personalIn([]byte(e.log(t))); what != "" {
		t.Errorf("the log holds %s: %s", what, line)
	}
}

// sendPersonal sends everything that Smartcar and others send, with personal data in it.
func sendPersonal(t *testing.T, e *edge) {
	t.Helper()
	state := vectorBody(t, "own-state-body")
	live := func(id string) string { return strings.Replace(state, "a9f3d2c1-7b6e-4a5d-8c9f-0e1d2c3b4a59", id, 1) }
	for _, body := range []string{
		live("done-1"), live("rejected-1"), live("failing-1"), live("crashing-1"),
		strings.Replace(live("test-1"), `"mode":"LIVE"`, `"mode":"TEST"`, 1),
		vectorBody(t, "own-error-body"),
		string(smartcar.Sample{EventID: "sample-1", Size: 20 << 10}.VehicleState()),
		string(smartcar.Sample{EventID: "sample-2"}.VehicleError()),
	} {
		good(body).send(t, e)
		duplicate(body).send(t, e)
		webhook{body: body, token: otherToken, status: 401, code: "signature_mismatch"}.send(t, e)
		webhook{body: body, status: 401, code: "signature_missing"}.send(t, e)
		webhook{body: body, signatures: []string{newToken}, status: 401, code: "signature_malformed"}.send(t, e)
		webhook{body: body, token: newToken, contentType: "text/plain", status: 415}.send(t, e)
		// A right signature over what cannot be read, and other data under the same id.
		webhook{body: body[:len(body)-1], token: newToken, status: 200, code: "unreadable"}.send(t, e)
		duplicate(strings.Replace(body, `"data":{`, `"data":{"more":1,`, 1)).send(t, e)
	}
	for _, v := range []string{vectorBody(t, "own-verify4-body"), verifyV2(challenge), verify(challenge)} {
		webhook{body: v, status: 200}.send(t, e)
		webhook{body: v, token: newToken, status: 200}.send(t, e)
		webhook{body: v, token: otherToken, status: 401}.send(t, e)
		webhook{body: strings.Replace(v, challenge, challenge+" {}", 1), status: 400}.send(t, e)
	}
	webhook{body: challenge, token: newToken, status: 401, code: "body_is_challenge"}.send(t, e)
}

// What it looks for is found, in a field of its own and in a body in quotes.
func TestPersonalDataIsFound(t *testing.T) {
	state := vectorBody(t, "own-state-body")
	for _, line := range []string{
		`{"level":"info","user_id":"51c2e7f4-9d38-4b1a-a6c5-7e8f90a1b2c3"}`,
		`{"msg":` + quote(state) + `}`,
		`{"msg":` + quote(quote(state)) + `}`,
		`{"msg":` + quote(string(smartcar.Sample{UserID: "u", Size: 4096}.VehicleState())) + `}`,
		`{"msg":"at 57.70887"}`,
		`{"msg":` + quote(verify("some-other-challenge")) + `}`,
	} {
		if what, found := personalIn([]byte("before\n" + line + "\nafter\n")); what == "" || found != line {
			t.Errorf("found %q in %q, not in %s", what, found, line)
		}
	}
	harmless := `{"event":"webhook.received","event_id":"e-1","vehicle_id":"v","code":"challenge_refused","user_agent":"x"}` + "\n"
	if what, line := personalIn([]byte(harmless)); what != "" {
		t.Errorf("found %q in %s", what, line)
	}
}

// Every file that a test logs to is read: whoever starts a Caddy with a log in another way has to say so here.
func TestEveryLogIsRead(t *testing.T) {
	logs := regexp.MustCompile(`output file`)
	readers := map[string]string{
		"edge_test.go":      "keepsPersonalData",
		"process_test.go":   "keepsPersonalData",
		"selfcheck_test.go": "keepsPersonalData",
		"sites_test.go":     "no event is sent to what is only validated",
		"verifier_test.go":  "keepsPersonalData",
		"personal_test.go":  "this test",
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if logs.Match(text) && readers[file] == "" {
			t.Errorf("%s has a Caddy with a log of its own: have keepsPersonalData read it", file)
		}
	}
}

func vectorBody(t *testing.T, name string) string {
	t.Helper()
	for _, v := range vectors(t) {
		if v.Name == name {
			return v.Body
		}
	}
	t.Fatalf("no vector %s", name)
	return ""
}
