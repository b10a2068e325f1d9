package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/vehicles"
)

// vehicleParams pick vehicles.
var vehicleParams = []string{"source", "silent", "in_error"}

// vehiclesTimeout bounds the wait for what is known of vehicles, where the disk hangs.
const vehiclesTimeout = 10 * time.Second

// serveVehicles lists what is known of vehicles.
func serveVehicles(q *request) (any, error) {
	var pick vehicles.Query
	var err error
	if pick.Source, err = q.query.one("source"); err != nil {
		return nil, err
	}
	if pick.InError, err = q.query.bool("in_error"); err != nil {
		return nil, err
	}
	if pick.SilentFor, err = q.query.duration("silent"); err != nil {
		return nil, err
	}
	if pick.Limit, err = q.query.limit(); err != nil {
		return nil, err
	}
	if pick.After, err = q.query.cursor(vehicleCursor); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(q.Context(), vehiclesTimeout)
	defer cancel()
	found, err := q.Vehicles.List(ctx, pick)
	if err != nil {
		return nil, vehiclesError(err)
	}
	answer := viewVehicles(&found)
	if found.Next != "" {
		answer.NextCursor = makeCursor(vehicleCursor, found.Next)
	}
	return answer, nil
}

// serveVehicle shows what is known of one vehicle, at each source.
func serveVehicle(q *request) (any, error) {
	ctx, cancel := context.WithTimeout(q.Context(), vehiclesTimeout)
	defer cancel()
	id := q.PathValue("id")
	found, err := q.Vehicles.Find(ctx, id)
	if err != nil {
		return nil, vehiclesError(err)
	}
	if len(found.Vehicles) == 0 {
		return nil, noVehicle(id)
	}
	return viewVehicles(&found), nil
}

// forgetVehicle deletes what is known of one vehicle.
func forgetVehicle(q *request) (any, error) {
	ctx, cancel := context.WithTimeout(q.Context(), vehiclesTimeout)
	defer cancel()
	id := q.PathValue("id")
	sources, err := q.Vehicles.Forget(ctx, id)
	if err != nil {
		return nil, vehiclesError(err)
	}
	if sources == 0 {
		return nil, noVehicle(id)
	}
	return map[string]string{"forgotten": id}, nil
}

func noVehicle(id string) error {
	return apiErrorf(http.StatusNotFound, "nothing is known of a vehicle %q: ids are those that Smartcar gives", id)
}

// vehiclesError gives an error its status.
func vehiclesError(err error) error {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, vehicles.ErrOff):
		status = http.StatusNotFound
	case errors.Is(err, vehicles.ErrTooManyForgotten):
		status = http.StatusConflict
	case errors.Is(err, vehicles.ErrNotReady):
		status = http.StatusServiceUnavailable
	}
	return caddy.APIError{HTTPStatus: status, Err: err}
}

func viewVehicles(p *vehicles.Page) api.VehiclePage {
	answer := api.VehiclePage{Behind: p.Behind}
	answer.Items = make([]api.Vehicle, 0, len(p.Vehicles))
	for i := range p.Vehicles {
		v := &p.Vehicles[i]
		item := api.Vehicle{
			Source: v.Source, ID: v.ID, LastEventAt: v.LastEvent(), LastStateAt: v.LastState, LastErrorAt: v.LastError,
			LastOtherAt: v.LastOther, NewestReadingAt: v.NewestReading, OpenErrors: []api.OpenError{},
		}
		for _, e := range v.Open {
			item.OpenErrors = append(item.OpenErrors, api.OpenError{
				Type: e.Type, Code: e.Code, Resolution: e.Resolution, Since: e.Since, LastAt: e.Last,
			})
		}
		answer.Items = append(answer.Items, item)
	}
	return answer
}
