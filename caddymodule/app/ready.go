package app

import (
	"cmp"
	"errors"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
)

// defaultStoreTimeout is a receiver's own, where a config has no receiver.
const defaultStoreTimeout = 5 * time.Second

// NotReady returns why an event that came now would not be stored, in one word, "" if it would. It is cheap, and waits
// for no disk.
func (a *App) NotReady() (why string) {
	if why := NotLive(); why != "" {
		return why
	}
	if len(a.sites) == 0 {
		return api.StateNoReceiver
	}
	return status.NotReady(a.ref.engine.Receiving(), cmp.Or(a.storeTimeout, defaultStoreTimeout))
}

// NotReady is that of the config in force. While Caddy loads its first one it says so, even if the buffer is open:
// nothing may listen yet.
func NotReady() (why string) {
	if why := NotLive(); why != "" {
		return why
	}
	app, err := activeApp()
	switch {
	case errors.Is(err, ErrStarting):
		return api.StateStarting
	case err != nil:
		return api.StateNoReceiver
	}
	return app.NotReady()
}

// NotLive returns why this process does not go on, in one word, "" if it does: where it ends, whoever sends to it is
// to send elsewhere, although it still answers.
func NotLive() (why string) {
	if caddy.Exiting() {
		return api.StateStopping
	}
	return ""
}
