package route

import "testing"

func BenchmarkMatch(b *testing.B) {
	for _, bm := range []struct{ name, source string }{
		{"closure/equal", `event.type == "VEHICLE_STATE" && event.mode == "LIVE"`},
		{"closure/contains", `contains(["VEHICLE_ERROR", "VEHICLE_STATE"], event.type)`},
		{"closure/matches", `matches("^3f8e", event.vehicle)`},
		{"closure/lower", `lower(event.mode) == "live"`},
		{"hcl/conditional", `event.mode == "LIVE" ? event.type == "VEHICLE_STATE" : false`},
		{"hcl/template", `"${event.source}/${event.mode}" == "production/LIVE"`},
	} {
		b.Run(bm.name, func(b *testing.B) {
			e := compile(b, bm.source)
			b.ReportAllocs()
			for b.Loop() {
				if !e.Match(state) {
					b.Fatal("no match")
				}
			}
		})
	}
}
