package metrics

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// vehicleFamilies are about the vehicles of each source, and what VEHICLE_ERRORs tell.
func vehicleFamilies() []family {
	return []family{
		gauge("vehicles", "Vehicles that are known. They are counted every 15 seconds, or seldomer where there are very many.",
			[]string{"source"}, perVehicleSource(func(c *api.VehicleCounts) int { return c.Vehicles })),
		gauge("vehicles_in_error", "Vehicles with an error that a VEHICLE_ERROR told and none has resolved since.",
			[]string{"source"}, perVehicleSource(func(c *api.VehicleCounts) int { return c.InError })),
		gauge("vehicles_silent", "Vehicles that nothing was heard of for silent_after, a day by default.",
			[]string{"source"}, perVehicleSource(func(c *api.VehicleCounts) int { return c.Silent })),
		gauge("vehicles_lately", "Vehicles that something was heard of within silent_after and a week before.",
			[]string{"source"}, perVehicleSource(func(c *api.VehicleCounts) int { return c.Lately })),
		gauge("vehicles_lately_silent", "Those of them that nothing was heard of for silent_after.",
			[]string{"source"}, perVehicleSource(func(c *api.VehicleCounts) int { return c.LatelySilent })),
		counter("vehicle_errors_total", "Errors that VEHICLE_ERRORs told. Types and codes are documented ones, or other; no"+
			" code is null. state is ERROR, RESOLVED or other.", []string{"source", "type", "code", "state"},
			func(s *api.Status, emit emitter) {
				if s.Vehicles == nil {
					return
				}
				for _, e := range s.Vehicles.Errors {
					emit(float64(e.Count), e.Source, e.Type, e.Code, e.State)
				}
			}),
	}
}

func perVehicleSource(value func(*api.VehicleCounts) int) func(*api.Status, emitter) {
	return func(s *api.Status, emit emitter) {
		if s.Vehicles == nil || s.Vehicles.CountedAt.IsZero() {
			return
		}
		counts := make(map[string]int, len(s.Sources))
		for i := range s.Sources {
			counts[s.Sources[i].Name] = 0
		}
		for i := range s.Vehicles.Sources {
			c := &s.Vehicles.Sources[i]
			counts[c.Source] = value(c)
		}
		for source, n := range counts {
			emit(float64(n), source)
		}
	}
}
