package smartcar

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sameAsParseEvent holds the index of body against the whole event.
func sameAsParseEvent(t *testing.T, body []byte) (SignalIndex, bool) {
	t.Helper()
	got, ok := IndexSignals(body)
	e, err := ParseEvent(body)
	if want := err == nil && e.EventType == TypeVehicleState; ok != want {
		t.Fatalf("IndexSignals: %t, ParseEvent: %v\n%s", ok, err, body)
	}
	if !ok {
		return got, false
	}
	want := SignalIndex{Sequence: e.Sequence, DeliveredAt: e.DeliveredAt}
	for _, s := range e.Signals {
		want.Signals = append(want.Signals, SignalTime{
			Code: s.Code, OEMUpdatedAt: s.OEMUpdatedAt, RetrievedAt: s.RetrievedAt, Failed: s.Failed(),
		})
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(SignalTime{}), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("(-ParseEvent +IndexSignals)\n%s\n%s", diff, body)
	}
	return got, true
}

func TestIndexSignals(t *testing.T) {
	state := func(rest string) string { return `{"eventType":"VEHICLE_STATE"` + rest + `}` }
	signals := func(list string) string { return state(`,"data":{"signals":` + list + `}`) }
	tests := []struct {
		name, body string
		codes      string // of the signals, joined by blanks; "-" is none
	}{
		{"vector", string(vectorBody(t, "own-state-body")), "tractionbattery-stateofcharge charge-ischarging location-preciselocation vehicleidentification-vin diagnostics-dtccount"},
		{"sample", string(Sample{}.VehicleState()), "tractionbattery-stateofcharge charge-ischarging odometer-traveleddistance vehicleidentification-nickname diagnostics-dtccount"},
		{"blanks everywhere", " " + strings.ReplaceAll(signals(`[{"code":"a-b","meta":{"oemUpdatedAt":5}},{"code":"c-d"}]`), ",", " ,\n\t") + "\n", "a-b c-d"},
		{"by name", signals(`{"Charge.IsCharging":{"value":true},"charge-voltage":{"body":{"value":3},"meta":{"oemUpdatedAt":7}},"Zed":4,"B":{"code":"x-y","status":{}}}`), "charge-ischarging charge-voltage  x-y"},
		{"by name, capitals of a part", signals(`{"a-b":{"Meta":{"oemUpdatedAt":7}},"c-d":{"body":1,"META":{"OEMUPDATEDAT":8}}}`), "a-b c-d"},
		{"by name, value beside meta and status", signals(`{"a-b":{"value":1,"meta":{"oemUpdatedAt":1763626501000}},"c-d":{"value":1,"status":{"value":"ERROR"},"code":"x-y"},
			"e-f":{"value":1,"meta":5,"code":"no","status":"ERROR"},"g-h":{"meta":{"oemUpdatedAt":1763626501000},"meta":null},"i-j":{"status":{},"status":"x","body":1,"code":"k-l"}}`), "a-b x-y e-f g-h k-l"},
		{"by name, escapes and odd bytes", signals(`{"a\u002db":{"m\u0065ta":{"oemUpdatedAt":7}},"c-` + "\xff\xfe" + `":null,"\"":{}}`), "a-b c-\ufffd\ufffd "},
		{"code from group and name", signals(`[{"name":"IsCharging","group":"Charge"},{"name":"X"},{"code":null,"name":"B","group":"A"}]`), "charge-ischarging  a-b"},
		{"escaped code", signals(`[{"code":"a\u002db"},{"code":"ä-ö"}]`), "a-b ä-ö"},
		{"times of every form", signals(`[{"code":"a-b","meta":{"oemUpdatedAt":1782777353743.5,"fetchedAt":"2026-06-29T23:55:53.743Z"}},
			{"code":"c-d","meta":{"oemUpdatedAt":"1782777353743","retrievedAt":0,"fetchedAt":17}},{"code":"e-f","meta":{"oemUpdatedAt":-4,"retrievedAt":null}},
			{"code":"g-h","meta":{"oemUpdatedAt":"soon","retrievedAt":[1]}},{"code":"i-j","meta":{"oemUpdatedAt":1e12}},{"code":"k-l","meta":7}]`), "a-b c-d e-f g-h i-j k-l"},
		{"failed in every form", signals(`[{"code":"a","status":{"value":"ERROR"}},{"code":"b","status":{"error":{}}},{"code":"c","status":{"error":null}},{"code":"d","status":{"error":5}},
			{"code":"e","status":{"value":"\u0045RROR"}},{"code":"f","status":{"value":"ERROR","value":"SUCCESS"}},{"code":"g","status":"ERROR"}]`), "a b c d e f g"},
		{"statuses", signals(`[{"code":"a","status":{"value":"UNAVAILABLE"}},{"code":"b","status":{"value":"\u0053UCCESS"}},{"code":"c","status":{"value":""}},{"code":"d","status":{"value":null}},
			{"code":"e","status":{"value":5}},{"code":"f","status":{"value":"PENDING"}},{"code":"g","status":{}}]`), "a b c d e f g"},
		{"nulls and other elements", signals(`[null,{"code":"a-b"},null,null,"x",5,[{"code":"no"}],{},true,{"code":"c-d"},null]`), "a-b      c-d"},
		{"sequence as a number", state(`,"meta":{"sequence":1763626509990}`), "-"},
		{"sequence as a string", state(`,"meta":{"sequence":"1763626509990"}`), "-"},
		{"sequence with a fraction", state(`,"meta":{"sequence":17.9}`), "-"},
		{"sequence beyond sense", state(`,"meta":{"sequence":1e300}`), "-"},
		{"sequence twice", state(`,"meta":{"sequence":1},"meta":{"mode":"LIVE"},"META":{"Sequence":3}`), "-"},
		{"delivered", state(`,"meta":{"deliveredAt":1763626510233,"deliveryTime":1763626510999}`), "-"},
		{"delivered, as a date", state(`,"meta":{"deliveredAt":"2025-11-20T08:15:10.233Z"}`), "-"},
		{"delivered, in the older form", state(`,"meta":{"deliveredAt":0,"deliveryTime":1763626510233}`), "-"},
		{"delivered, in capitals", state(`,"meta":{"DeliveredAt":1763626510233},"Meta":{"deliveredAt":1763626510233}`), "-"},
		{"delivered, and a meta after it", state(`,"meta":{"deliveredAt":1763626510233},"META":{"deliveredAt":1763626510234},"meta":{"sequence":1}`), "-"},
		{"delivered, and a meta in capitals after it", state(`,"meta":{"deliveredAt":1763626510233},"META":{"deliveredAt":1763626510234}`), "-"},
		{"delivered, and no meta after it", state(`,"meta":{"deliveredAt":1763626510233},"meta":7`), "-"},
		{"delivered twice", state(`,"meta":{"deliveredAt":1763626510233,"deliveredAt":1763626510234,"delivered\u0041t":1763626510235}`), "-"},
		{"empty signals", signals(`[]`), "-"},
		{"empty object", signals(`{}`), "-"},
		{"no signals", state(``), "-"},
		{"signals of another type", signals(`"x"`), "-"},
		{"data of another type", state(`,"data":[{"signals":[{"code":"a-b"}]}]`), "-"},
		{"data twice", state(`,"data":{"signals":[{"code":"a-b"}]},"data":{"vehicle":{}},"data":null`), "a-b"},
		{"signals twice", state(`,"data":{"signals":[{"code":"a-b"},{"code":"c-d"}],"signals":{"e-f":1}}`), "e-f"},
		{"signals taken back", state(`,"data":{"signals":[{"code":"a-b"}],"signals":null}`), "-"},
		{"parts twice", signals(`[{"code":"a-b","meta":{"oemUpdatedAt":5},"code":"c-d","meta":{"retrievedAt":6},"meta":[],"code":7}]`), ""},
		{"keys in capitals", state(`,"DATA":{"ſignals":[{"Code":"a-b","\u212Aode":"no","Meta":{"oemUpdatedAT":7}}]}`), "a-b"},
		{"type by eventName", `{"eventType":"","eventName":"VEHICLE_STATE","data":{"signals":[{"code":"a-b"}]}}`, "a-b"},
		{"type with escapes", `{"eventType":"VEHICLE\u005fSTATE","data":{"signals":[{"code":"a-b"}]}}`, "a-b"},
		{"other values as deep as they like", state(`,"x":[[{"data":{"signals":[1]}}]],"data":{"vehicle":{"signals":[2]},"signals":[{"body":{"code":"no","meta":{"oemUpdatedAt":1}},"code":"a-b"}]}`), "a-b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, ok := sameAsParseEvent(t, []byte(tt.body))
			if !ok {
				t.Fatal("no index")
			}
			var codes []string
			for _, s := range x.Signals {
				codes = append(codes, s.Code)
			}
			got := strings.Join(codes, " ")
			if len(codes) == 0 {
				got = "-"
			}
			if got != tt.codes {
				t.Errorf("codes %q, want %q", got, tt.codes)
			}
		})
	}
}

func TestIndexSignalsOfWhatHasNone(t *testing.T) {
	for name, body := range map[string]string{
		"empty":          ``,
		"not an object":  `[{"eventType":"VEHICLE_STATE"}]`,
		"no type":        `{"data":{"signals":[]}}`,
		"type by number": `{"eventType":5}`,
		"an error":       string(vectorBody(t, "own-error-body")),
		"a verify":       string(vectorBody(t, "own-verify4-body")),
		"type in meta":   `{"meta":{"eventType":"VEHICLE_STATE"}}`,
		"key in capital": `{"EventType":"VEHICLE_STATE"}`,
		"cut off":        `{"eventType":"VEHICLE_STATE","data":{"signals":[{"code":"a-b"}`,
		"more behind":    `{"eventType":"VEHICLE_STATE"}{}`,
		"comma at end":   `{"eventType":"VEHICLE_STATE","data":{"signals":[{"code":"a-b"},]}}`,
		"wrong bracket":  `{"eventType":"VEHICLE_STATE","data":{"signals":[{"code":"a-b"}}}}`,
		"bare word":      `{"eventType":"VEHICLE_STATE","data":{"signals":[{"meta":{"oemUpdatedAt":nil}}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, ok := sameAsParseEvent(t, []byte(body)); ok {
				t.Error("an index was found")
			}
		})
	}
}

func TestWithout(t *testing.T) {
	tests := []struct {
		name, signals, codes, want string
		left                       int
	}{
		{"no codes", `[{"code":"a"},{"code":"b"}]`, ``, `[{"code":"a"},{"code":"b"}]`, 2},
		{"unknown", `[{"code":"a"},{"code":"b"}]`, `c`, `[{"code":"a"},{"code":"b"}]`, 2},
		{"first", `[ {"code":"a"} , {"code":"b"} ]`, `a`, `[ {"code":"b"} ]`, 1},
		{"last", `[ {"code":"a"} , {"code":"b"} ]`, `b`, `[ {"code":"a"} ]`, 1},
		{"middle", `[{"code":"a"}, {"code":"b"},  {"code":"c"}]`, `b`, `[{"code":"a"}, {"code":"c"}]`, 2},
		{"first of three and last", `[{"code":"a"},{"code":"b"},{"code":"c"}]`, `a c`, `[{"code":"b"}]`, 1},
		{"two at the end", `[{"code":"a"} , {"code":"b"} , {"code":"c"} ]`, `b c`, `[{"code":"a"} ]`, 1},
		{"all", `[ {"code":"a"} , {"code":"b"} ]`, `a b`, `[  ]`, 0},
		{"the only one", `[{"code":"a"}]`, `a`, `[]`, 0},
		{"both of one code", `[{"code":"a"},{"code":"b"},{"code":"a"}]`, `a`, `[{"code":"b"}]`, 1},
		{"nulls stay", `[null,{"code":"a"},null,{"code":"b"}]`, `a b`, `[null,null]`, 0},
		{"null at the end", `[{"code":"a"},null]`, `a`, `[null]`, 0},
		{"null between", `[{"code":"a"},null,{"code":"b"},{"code":"c"}]`, `b c`, `[{"code":"a"},null]`, 1},
		{"others stay", `["x",{"code":"a"},5]`, `a`, `["x",5]`, 2},
		{"member, first", `{ "a-b" : 1 , "c-d" : {"meta":{}} }`, `a-b`, `{ "c-d" : {"meta":{}} }`, 1},
		{"member, last", `{ "a-b" : 1 , "c-d" : {"meta":{}} }`, `c-d`, `{ "a-b" : 1 }`, 1},
		{"member, by the code inside", `{"a-b":{"code":"x-y","body":1},"c-d":2}`, `x-y`, `{"c-d":2}`, 1},
		{"all members", `{"a-b":1,"c-d":2}`, `a-b c-d`, `{}`, 0},
		{"commas and brackets in strings", `[{"code":"a","body":"},{]"},{"code":"b","body":"\",["}]`, `a`, `[{"code":"b","body":"\",["}]`, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			head, tail := ` { "eventType" : "VEHICLE_STATE", "data":{"signals":`, `,"x":1.0}, "meta":{"signalCount":9} } `
			body := []byte(head + tt.signals + tail)
			before := bytes.Clone(body)
			x, ok := sameAsParseEvent(t, body)
			if !ok {
				t.Fatal("no index")
			}
			got, left := x.Without(body, strings.Fields(tt.codes))
			if want := head + tt.want + tail; string(got) != want || left != tt.left {
				t.Errorf("%d left, want %d\ngot  %s\nwant %s", left, tt.left, got, want)
			}
			if !bytes.Equal(before, body) {
				t.Error("the body was changed")
			}
		})
	}
}

// checkWithout cuts the signals that pick picks, by the codes that it picks, and
// reads what is left with encoding/json.
func checkWithout(t *testing.T, body []byte, pick func(code string) bool) {
	t.Helper()
	x, ok := sameAsParseEvent(t, body)
	if !ok {
		return
	}
	var codes []string
	left := 0
	var stay []Signal
	e, _ := ParseEvent(body)
	for _, s := range e.Signals {
		if pick(s.Code) {
			codes = append(codes, s.Code)
			continue
		}
		left++
		stay = append(stay, s)
	}
	rest, gotLeft := x.Without(body, codes)
	if !json.Valid(rest) || gotLeft != left {
		t.Fatalf("%d left, want %d\nof   %s\nwithout %q\nleft %s", gotLeft, left, body, codes, rest)
	}
	got, err := ParseEvent(rest)
	if err != nil {
		t.Fatal(err)
	}
	e.Signals, e.Digest, got.Digest = stay, 0, 0
	if diff := cmp.Diff(e, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("(-want +got)\n%s\nof   %s\nwithout %q\nleft %s", diff, body, codes, rest)
	}
}

// randomText makes JSON in which the keys of events turn up at random in the right
// places and in wrong ones.
type randomText struct {
	*rand.Rand
	b []byte
}

func (r *randomText) one(of ...string) { r.b = append(r.b, of[r.IntN(len(of))]...) }

func (r *randomText) blanks() {
	if r.IntN(8) == 0 {
		r.one(" ", "\n", "\t ", "\r\n")
	}
}

func (r *randomText) object(n int, member func()) {
	r.b = append(r.b, '{')
	r.list(n, member)
	r.b = append(r.b, '}')
}

func (r *randomText) list(n int, element func()) {
	r.blanks()
	for i := range n {
		if i > 0 {
			r.b = append(r.b, ',')
			r.blanks()
		}
		element()
		r.blanks()
	}
}

func (r *randomText) key(names ...string) string {
	name := names[r.IntN(len(names))]
	text := name
	switch r.IntN(24) {
	case 0:
		text = strings.ToUpper(name)
	case 1:
		text = strings.Replace(name, "s", "ſ", 1)
	case 2:
		text = strings.Replace(name, "e", `\u0065`, 1)
	}
	r.b = append(r.b, '"')
	r.b = append(r.b, text...)
	r.b = append(r.b, '"')
	r.blanks()
	r.b = append(r.b, ':')
	r.blanks()
	return name
}

func (r *randomText) junk() {
	r.one(`null`, `5`, `-1.5e3`, `"x"`, `""`, `true`, `[]`, `{}`, `[null,{"code":"a-b"}]`, `{"signals":[1],"meta":{"oemUpdatedAt":3}}`, `"\u00e4\"},"`)
}

func (r *randomText) time() {
	r.one(`1763626501000`, `1763626501001`, `1763626501000.5`, `"1763626501000"`, `"2025-11-20T08:15:01.001Z"`, `0`, `-1`, `null`, `"soon"`, `1e12`, `{}`)
}

func (r *randomText) signal() {
	if r.IntN(12) == 0 {
		r.junk()
		return
	}
	r.object(r.IntN(7), func() {
		switch r.key("code", "code", "name", "group", "body", "meta", "meta", "status", "other") {
		case "code":
			r.one(`"a-b"`, `"c-d"`, `"e-f"`, `"charge-ischarging"`, `"a\u002db"`, `null`, `""`, `7`)
		case "name":
			r.one(`"B"`, `"D"`, `""`, `null`)
		case "group":
			r.one(`"A"`, `"C"`, `1`)
		case "meta":
			if r.IntN(10) == 0 {
				r.junk()
				return
			}
			r.object(r.IntN(4), func() { r.key("oemUpdatedAt", "retrievedAt", "fetchedAt", "other"); r.time() })
		case "status":
			r.one(`{"value":"SUCCESS"}`, `{"value":"ERROR","error":{"type":"SERVER","code":null}}`, `{"value":"UNAVAILABLE"}`, `{"error":null}`, `{"error":1}`, `{"value":"ERROR","Value":null}`, `5`, `null`)
		default:
			r.junk()
		}
	})
}

func (r *randomText) event() []byte {
	r.b = append([]byte(nil), `{"eventType":"VEHICLE_STATE"`...)
	for range r.IntN(5) {
		r.b = append(r.b, ',')
		r.blanks()
		switch r.key("data", "data", "meta", "triggers", "eventId") {
		case "data":
			if r.IntN(12) == 0 {
				r.junk()
				continue
			}
			r.object(r.IntN(4), func() {
				if r.key("signals", "signals", "vehicle", "user") != "signals" {
					r.junk()
					return
				}
				switch r.IntN(8) {
				case 0:
					r.junk()
				case 1, 2:
					r.object(r.IntN(5), func() {
						r.key("a-b", "c-d", "Charge.IsCharging", "x", "E.F")
						r.signal()
					})
				default:
					r.b = append(r.b, '[')
					r.list(r.IntN(6), r.signal)
					r.b = append(r.b, ']')
				}
			})
		case "meta":
			r.object(r.IntN(3), func() {
				switch r.key("sequence", "deliveryId", "deliveredAt", "deliveryTime") {
				case "sequence":
					r.one(`7`, `"8"`, `9.5`, `null`, `"x"`, `[]`)
				case "deliveryId":
					r.junk()
				default:
					r.time()
				}
			})
		default:
			r.junk()
		}
	}
	return append(r.b, '}')
}

func TestIndexSignalsOfRandomEvents(t *testing.T) {
	r := &randomText{Rand: rand.New(rand.NewPCG(1, 2))}
	signals := 0
	for range 2_000 {
		body := r.event()
		x, ok := sameAsParseEvent(t, body)
		if !ok {
			t.Fatalf("no event: %s", body)
		}
		signals += len(x.Signals)
		picks := r.Uint64()
		checkWithout(t, body, func(code string) bool {
			return code != "" && picks>>(int(code[0])%64)&1 == 1
		})
		// Broken in one place, both must find it or both must not.
		body[r.IntN(len(body))] = `{}[]",:0n`[r.IntN(9)]
		sameAsParseEvent(t, body)
	}
	if signals < 1_000 {
		t.Errorf("only %d signals in all", signals)
	}
}

func FuzzIndexSignals(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Body), uint64(5))
	}
	for _, seed := range []string{
		`{"eventType":"VEHICLE_STATE","data":{"signals":[{"code":"a-b","meta":{"oemUpdatedAt":5}},null,{"name":"B","group":"A"}]}}`,
		`{"eventType":"VEHICLE_STATE","Data":{"signals":{"Charge.IsCharging":{"value":1},"b":{"body":{},"meta":{"fetchedAt":"1"}},"c":null}}}`,
		`{"eventName":"VEHICLE_STATE","data":{"signals":[1]},"data":{"signals":[{"status":{"error":1}}]},"meta":{"sequence":"7"}}`,
	} {
		f.Add([]byte(seed), uint64(3))
	}
	f.Fuzz(func(t *testing.T, body []byte, picks uint64) {
		checkWithout(t, body, func(code string) bool {
			return code != "" && picks>>(int(code[0])%64)&1 == 1
		})
	})
}

// benchmarkState has 12 signals.
func benchmarkState() []byte { return Sample{Size: 2900}.VehicleState() }

func BenchmarkIndexSignals(b *testing.B) {
	body := benchmarkState()
	if x, ok := IndexSignals(body); !ok || len(x.Signals) != 12 {
		b.Fatalf("%d signals in %d bytes", len(x.Signals), len(body))
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := IndexSignals(body); !ok {
			b.Fatal("no index")
		}
	}
}

func BenchmarkParseEventState(b *testing.B) {
	body := benchmarkState()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseEvent(body); err != nil {
			b.Fatal(err)
		}
	}
}
