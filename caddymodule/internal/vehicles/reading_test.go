package vehicles

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// noon is when the tests take place.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestNewestReading(t *testing.T) {
	at := func(minutes int) int64 { return noon.Add(time.Duration(minutes) * time.Minute).UnixMilli() }
	signal := func(value string) string {
		return `{"meta":{"oemUpdatedAt":` + value + `,"retrievedAt":` + fmt.Sprint(at(0)) + `}}`
	}
	for _, test := range []struct {
		name, body string
		want       int64
	}{
		{"none", `{"eventType":"VEHICLE_STATE"}`, 0},
		{"the newest of several", signal(fmt.Sprint(at(-9))) + signal(fmt.Sprint(at(-3))) + signal(fmt.Sprint(at(-7))), at(-3)},
		{"one that is ahead is not believed", signal(fmt.Sprint(at(-3))) + signal(fmt.Sprint(at(30))), at(-3)},
		{"clocks may be apart by a minute", signal(fmt.Sprint(at(1))), at(1)},
		{"0 is unknown", signal("0"), 0},
		{"seconds are unknown", signal(fmt.Sprint(noon.Unix())), 0},
		{"a fraction", signal(fmt.Sprintf("%d.75", at(-1))), at(-1)},
		{"an exponent", signal("17e11"), 0},
		{"a date", signal(`"2026-03-01T11:59:00.000Z"`), at(-1)},
		{"digits in a text", signal(fmt.Sprintf("%q", fmt.Sprint(at(-1)))), at(-1)},
		{"another text", signal(`"12 o'clock"`), 0},
		{"null", signal("null"), 0},
		{"blanks", `{"oemUpdatedAt" : ` + fmt.Sprint(at(-1)) + `}`, at(-1)},
		{"too many digits", signal("99999999999999999999999999"), 0},
		{"a value, not a key", `{"oemUpdatedAt":` + fmt.Sprint(at(-5)) + `,"x":"oemUpdatedAt","y":` + fmt.Sprint(at(-1)) + `}`, at(-5)},
		{"within a text", `{"description":"said \"oemUpdatedAt\":` + fmt.Sprint(at(-1)) + ` twice"}`, 0},
		{"a key that ends so", `{"x\"oemUpdatedAt":` + fmt.Sprint(at(-1)) + `,"myoemUpdatedAt":` + fmt.Sprint(at(-1)) + `}`, 0},
		{"another key", `{"UpdatedAt":` + fmt.Sprint(at(-1)) + `}`, 0},
		{"cut off", `{"meta":{"oemUpdatedAt`, 0},
		{"cut off behind the key", `{"meta":{"oemUpdatedAt"`, 0},
		{"cut off behind the colon", `{"meta":{"oemUpdatedAt":`, 0},
		{"cut off in a text", `{"meta":{"oemUpdatedAt":"20`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := newestReading([]byte(test.body), noon.Add(apart).UnixMilli()); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

// The scan finds what the parser finds.
func TestNewestReadingIsThatOfTheParser(t *testing.T) {
	for _, size := range []int{0, 2000, 8000} {
		body := smartcar.Sample{Size: size, RecordedAt: noon}.VehicleState()
		index, ok := smartcar.IndexSignals(body)
		if !ok {
			t.Fatal("no index")
		}
		var want time.Time
		for _, s := range index.Signals {
			if s.OEMUpdatedAt.After(want) {
				want = s.OEMUpdatedAt
			}
		}
		if got := timeOf(newestReading(body, noon.Add(time.Hour).UnixMilli())); !got.Equal(want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A body that is made to cost time costs little.
func TestNewestReadingIsBounded(t *testing.T) {
	body := bytes.Repeat([]byte(`"oemUpdatedAt":1,`), 100_000)
	body = append(body, fmt.Sprintf(`"oemUpdatedAt":%d`, noon.UnixMilli())...)
	if got := newestReading(body, noon.UnixMilli()); got != 0 {
		t.Error("it has looked at all of it")
	}
}

func FuzzNewestReading(f *testing.F) {
	f.Add([]byte(`{"oemUpdatedAt":1763626501000,"oemUpdatedAt" : "2026-03-01T11:59:00.000Z"}`))
	f.Add([]byte(strings.Repeat(`\"oemUpdatedAt":1`, 3)))
	f.Fuzz(func(t *testing.T, body []byte) {
		limit := noon.UnixMilli()
		if got := newestReading(body, limit); got != 0 && (got < minMillis || got > limit) {
			t.Fatalf("%d", got)
		}
	})
}

func BenchmarkNewestReading(b *testing.B) {
	body := smartcar.Sample{Size: 2048, RecordedAt: noon}.VehicleState()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		newestReading(body, noon.Add(time.Hour).UnixMilli())
	}
}
