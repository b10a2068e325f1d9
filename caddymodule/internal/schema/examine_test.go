package schema

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/fleet"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func names(found []finding) string {
	var all []string
	for _, f := range found {
		all = append(all, string(f.kind)+" "+f.name)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// Every body that Smartcar is known to send has nothing that is not known.
func TestNoDriftInWhatIsKnown(t *testing.T) {
	raw, err := os.ReadFile("../../../sdk/smartcar/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Name, Body string }
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{}
	for _, v := range vectors {
		if strings.HasPrefix(v.Name, "own-") && strings.HasPrefix(v.Body, "{") {
			bodies[v.Name] = v.Body
		}
	}
	if len(bodies) < 4 {
		t.Fatalf("%d bodies among the vectors", len(bodies))
	}
	sample := smartcar.Sample{Size: 16 << 10, DeliveredAt: time.Now()}
	bodies["sample state"] = string(sample.VehicleState())
	bodies["sample error"] = string(sample.VehicleError())
	bodies["sample verify"] = string(sample.Verify("challenge"))
	bodies["sample verify of 2.0"] = string(sample.VerifyV2("challenge"))
	for name, body := range map[string]string{
		"as the docs print it": `{"eventId":"1","eventType":"VEHICLE_STATE","vehicleId":"v","data":{"user":{"id":"u"},"vehicle":{"id":"v"},
			"triggers":[{"code":"tractionbattery-stateofcharge","name":"StateOfCharge","group":"TractionBattery"},{"code":"FIRST_DELIVERY"},"Charge.IsCharging"],
			"signals":[{"code":"charge-ischarging","body":{"value":true},"meta":{"oemUpdatedAt":1,"fetchedAt":2}}]},"meta":{"deliveredAt":"2026-01-01T00:00:00Z","signalCount":1,"ingestedAt":1}}`,
		"signals by name":               `{"eventType":"VEHICLE_STATE","data":{"signals":{"Charge.IsCharging":{"value":true,"meta":{"oemUpdatedAt":1}},"charge-voltage":{"value":1,"unit":"V"}}}}`,
		"a signal with its body beside": `{"eventType":"VEHICLE_STATE","data":{"signals":[{"code":"charge-voltage","value":1,"unit":"V","meta":{}}]}}`,
		"errors with all that they may have": `{"eventType":"VEHICLE_ERROR","data":{"errors":[
			{"type":"COMPATIBILITY","code":"VEHICLE_NOT_CAPABLE","state":"ERROR","title":"","detail":"","description":"","suggestedUserMessage":"","docURL":"","resolution":{"type":null,"url":""},"signals":["VehicleIdentification.Nickname"]},
			{"type":"PERMISSION","code":null,"state":"RESOLVED"}]},"meta":{"deliveryTime":1}}`,
		"a signal that failed": `{"eventType":"VEHICLE_STATE","data":{"signals":[{"code":"diagnostics-dtccount","name":"DTCCount","group":"Diagnostics","body":{"value":1},
			"status":{"value":"ERROR","error":{"type":"SERVER","code":"INTERNAL","title":"","detail":"","description":"","resolution":{"type":"RETRY_LATER"}}}}]}}`,
		"version 2.0": `{"version":"2.0","webhookId":"w","eventName":"eventBased","mode":"live","payload":{"eventId":"1","vehicleId":"v","eventType":"CHARGING_STARTED","anything":{"goes":1}}}`,
	} {
		bodies[name] = body
	}
	for name, body := range bodies {
		if !json.Valid([]byte(body)) {
			t.Errorf("%s is no JSON", name)
		}
		if found := examine([]byte(body)); len(found) > 0 {
			t.Errorf("%s: %s", name, names(found))
		}
	}
}

func TestExamine(t *testing.T) {
	state := func(rest string) string { return `{"eventType":"VEHICLE_STATE",` + rest + `}` }
	for _, test := range []struct{ name, body, want string }{
		{"a type of event, and no more of it", `{"eventType":"VEHICLE_DISCONNECTED","data":{"new":1}}`, "event_type VEHICLE_DISCONNECTED"},
		{"a type that is data", `{"eventType":"anna@example.org"}`, "event_type (not shown)"},
		{"fields in each place", state(`"new":1,"data":{"new":2,"vehicle":{"color":3},"user":{"email":4},"signals":[{"code":"charge-voltage","body":{"x":1},"meta":{"quality":5}}]},"meta":{"region":6}`),
			"field data.new, field data.signals[].meta.quality, field data.user.email, field data.vehicle.color, field meta.region, field new"},
		{"nothing below a field that is not known", state(`"data":{"drivers":{"anna":{"phone":1}}}`), "field data.drivers"},
		{"a field of a signal with a body", state(`"data":{"signals":[{"code":"charge-voltage","body":{},"trend":1}]}`), "field data.signals[].trend"},
		{"a field of a signal that failed", state(`"data":{"signals":[{"code":"charge-voltage","status":{"value":"ERROR","error":{"type":"PERMISSION","retry":1}},"trend":1}]}`),
			"field data.signals[].status.error.retry, field data.signals[].trend"},
		{"a field of a signal that is named outside", state(`"data":{"signals":{"Charge.Voltage":{"body":{},"meta":{"quality":1}}}}`), "field data.signals{}.meta.quality"},
		{"keys that are data", state(`"data":{"1d2c6d5e-2b4d-4f0c-8c3b-54bb9a1e3a10":1,"d2c6d5e1-2b4d-4f0c-8c3b-54bb9a1e3a10":1,"YV1TESTVIN0000001":2,"ABCDEFGHJKLMNPRST":3,"anna@example.org":4,"+49 30 1234":5,"":6,"2026":7,"ä":8}`),
			"field data.(not shown)"},
		{"codes of signals", state(`"data":{"signals":[{"code":"charge-voltage"},{"code":"charge-flux"},{"name":"Sail","group":"Wind"},{"code":"YV1TESTVIN0000001"},{"value":1}]}`),
			"signal_code (not shown), signal_code charge-flux, signal_code wind-sail"},
		{"codes of signals that are named outside", state(`"data":{"signals":{"Wind.Sail":{"value":1},"charge-flux":{"value":1},"Charge.Voltage":{"value":1}}}`),
			"signal_code charge-flux, signal_code wind-sail"},
		{"errors", `{"eventType":"VEHICLE_ERROR","data":{"errors":[{"type":"MOOD","code":"BAD"},{"type":"PERMISSION","code":"LOST"},{"type":"COMPATIBILITY","code":null},{"type":"PERMISSION","code":"anna's car"}]}}`,
			"error_code COMPATIBILITY/null, error_code MOOD, error_code PERMISSION/(not shown), error_code PERMISSION/LOST"},
		{"the error of a signal", state(`"data":{"signals":[{"code":"charge-voltage","status":{"value":"ERROR","error":{"type":"MOOD","code":null}}}]}`), "error_code MOOD"},
		{"other shapes than are known", state(`"data":[1,{"a":2}],"meta":"x","triggers":{"a":1}`), ""},
		{"no JSON", `{"eventType":`, ""},
		{"no object", `[1]`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := names(examine([]byte(test.body))); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// What one event can bring is bounded.
func TestFindingsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, `,"%s":1`, strings.Repeat("a", 1+i%40)+string(rune('a'+i/40%26))+string(rune('a'+i/1040)))
	}
	if n := len(examine([]byte(`{"eventType":"VEHICLE_STATE"` + b.String() + `}`))); n != mostFindings {
		t.Errorf("%d", n)
	}
}

var shown = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_/.\-\[\]{}]*$`)

func FuzzExamine(f *testing.F) {
	f.Add([]byte(`{"eventType":"VEHICLE_STATE","data":{"signals":[{"code":"a-b","x":1}],"errors":[{"type":"A","code":"B"}]}}`))
	f.Add([]byte(`{"eventName":"x","meta":{"1d2c6d5e":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, found := range examine(body) {
			name := strings.ReplaceAll(found.name, NotShown, "x")
			if !shown.MatchString(name) || len(name) > 4*longestName {
				t.Fatalf("%q is shown", found.name)
			}
		}
	})
}

func BenchmarkExamine(b *testing.B) {
	body := smartcar.Sample{Size: 2048}.VehicleState()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		examine(body)
	}
}

// What a fleet of the simulator sends is known too.
func TestNoDriftInAFleet(t *testing.T) {
	p, err := fleet.NewPlan(fleet.Options{Vehicles: 4, Rate: 2, Count: 300, Seed: 7, Start: time.Unix(1763626501, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for d, more := p.Next(); more; d, more = p.Next() {
		if found := examine(d.Body(time.Unix(1763626501, 0).Add(d.At))); len(found) > 0 {
			t.Fatalf("event %d: %s", d.Seq, names(found))
		}
	}
}
