package status

import (
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/lossclock"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
)

// Receivers is whether requests come to the receivers of the config in force. The zero value: that is not known.
type Receivers struct {
	// None: the config has no receiver.
	None   bool
	Checks []selfcheck.Result
}

// addTo adds what is known to a status.
func (r Receivers) addTo(v *api.Status) {
	for _, c := range r.Checks {
		i := slices.IndexFunc(v.Sources, func(s api.Source) bool { return s.Name == c.Source })
		if i < 0 {
			v.Sources = append(v.Sources, api.Source{Name: c.Source, Loss: viewLoss(lossclock.Loss{Left: lossclock.Window})})
			i = len(v.Sources) - 1
		}
		v.Sources[i].SelfChecks = append(v.Sources[i].SelfChecks, api.SelfCheck{
			URL: c.URL(), Address: c.Address, State: string(c.State), At: api.UTC(c.At), Status: c.Status, Why: c.Why,
		})
	}
	if !v.Receiving.Healthy {
		return // what stops all receivers comes first
	}
	if r.None {
		v.Receiving = api.Receiving{State: api.StateNoReceiver, Why: "no site has a receiver"}
		return
	}
	if i := slices.IndexFunc(r.Checks, func(c selfcheck.Result) bool { return c.State.Fails() }); i >= 0 {
		v.Receiving = api.Receiving{State: api.StateUnreached, Why: r.Checks[i].Why}
	}
}

// attention is about receivers that requests do not come to.
func (r Receivers) attention() []api.Attention {
	if r.None {
		return []api.Attention{{
			Kind: api.NoReceiver, Level: api.LevelWarning, What: "nothing can be received: no site of the config has a receiver",
			Do: "write smartcar_webhook into a site, and reload",
		}}
	}
	var list []api.Attention
	for _, c := range r.Checks {
		if c.State.Fails() {
			list = append(list, api.Attention{
				Kind: api.ReceiverUnreached, Source: c.Source, About: c.URL(), Level: api.LevelError, Do: c.Do,
				What: c.Source + ": events do not get to the receiver of " + c.URL() + ": " + c.Why,
			})
		}
	}
	return list
}
