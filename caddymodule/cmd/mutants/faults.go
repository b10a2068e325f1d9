package main

import "slices"

// The packages whose tests notice faults.
const (
	pkgReceiver  = "caddymodule"
	pkgSmartcar  = "sdk/smartcar"
	pkgSDK       = "sdk"
	pkgDisk      = "caddymodule/buffer/disk"
	pkgLog       = "caddymodule/buffer/disk/internal/eventlog"
	pkgDispatch  = "caddymodule/internal/dispatch"
	pkgFreshness = "caddymodule/internal/freshness"
	pkgReplay    = "caddymodule/internal/replay"
	pkgEngine    = "caddymodule/internal/engine"
	pkgHost      = "caddymodule/internal/pluginhost"
	pkgHTTP      = "plugins/http"
	pkgJSONL     = "plugins/jsonl"
)

// faults are all that are planted, in the order of an event's way.
var faults = slices.Concat(
	signatureFaults, receiverFaults,
	storeFaults, consumerFaults, roomFaults,
	deliveryFaults, orderFaults,
	reloadFaults, pluginFaults, replayFaults, freshnessFaults,
)
