package main

import (
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// sample is a VEHICLE_STATE of the given size and its event id.
func sample(size int) (body []byte, eventID string) {
	id := uuid.NewString()
	return smartcar.Sample{EventID: id, DeliveredAt: time.Now(), Mode: smartcar.ModeLive, Size: size}.VehicleState(), id
}
