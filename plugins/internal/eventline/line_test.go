package eventline

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

func TestLineKeepsEveryByte(t *testing.T) {
	tests := map[string]struct {
		payload string
		plain   bool
	}{
		"compact":        {`{"a":"<&>\u2028 é"}`, true},
		"spaces":         {` { "a" : 1e5 } `, true},
		"several lines":  {"{\n}", false},
		"not JSON":       {`{"a":`, false},
		"not UTF-8":      {"{\"a\":\"\xff\"}", false},
		"empty":          {"", false},
		"carriage":       {"{\r}", false},
		"just a string":  {`"x"`, true},
		"two documents":  {`{} {}`, false},
		"a NUL in there": {"{\"a\":\"\x00\"}", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { checkLine(t, []byte(tt.payload), tt.plain) })
	}
}

func checkLine(t *testing.T, payload []byte, plain bool) {
	t.Helper()
	line, err := Append(nil, &sdk.Event{ID: "e", Payload: payload}, Form{})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsAny(line, "\r\n") {
		t.Errorf("not one line: %q", line)
	}
	var got struct {
		Payload json.RawMessage `json:"payload"`
		Base64  *string         `json:"payload_base64"`
	}
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%v: %q", err, line)
	}
	if plain {
		if !bytes.HasSuffix(line, append(append([]byte(`,"payload":`), payload...), "}"...)) {
			t.Errorf("line %q", line)
		}
		return
	}
	if got.Base64 == nil {
		t.Fatalf("no payload_base64: %q", line)
	}
	decoded, err := base64.StdEncoding.DecodeString(*got.Base64)
	if err != nil || !bytes.Equal(decoded, payload) {
		t.Errorf("%q, %v", decoded, err)
	}
}

func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"a":1}`))
	f.Add([]byte("{\n}\xff"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		line, err := Append(nil, &sdk.Event{ID: string(payload), Payload: payload}, Form{})
		if err != nil || !json.Valid(line) || bytes.ContainsAny(line, "\r\n") {
			t.Errorf("%v: %q", err, line)
		}
		checkLine(t, payload, bytes.Contains(line, []byte(`,"payload":`)))
	})
}

// What the forms add or take away.
func TestForms(t *testing.T) {
	const lines = "{\n  \"a\": \"<&>\"\n}"
	tests := map[string]struct {
		form    Form
		payload string
		want    string
	}{
		"raw":              {Form{Raw: true}, "{}", `"signature":"s","payload_base64":"e30="}`},
		"raw, compact":     {Form{Raw: true, Compact: true}, "{}", `"signature":"s","payload_base64":"e30="}`},
		"lines":            {Form{}, lines, `"signature":"s","payload_base64":"ewogICJhIjogIjwmPiIKfQ=="}`},
		"lines, compact":   {Form{Compact: true}, lines, `"signature":"s","payload":{"a":"<&>"}}`},
		"one line":         {Form{Compact: true}, `{"a": 1}`, `"signature":"s","payload":{"a": 1}}`},
		"no JSON, compact": {Form{Compact: true}, "{\n", `"signature":"s","payload_base64":"ewo="}`},
		"content type":     {Form{ContentType: true}, "{}", `"signature":"s","content_type":"x/y","payload":{}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			line, err := Append(nil, &sdk.Event{Payload: []byte(tt.payload), Signature: "s", ContentType: "x/y"}, tt.form)
			if err != nil || !bytes.HasSuffix(line, []byte(tt.want)) || !json.Valid(line) {
				t.Errorf("%s, %v", line, err)
			}
		})
	}
}
