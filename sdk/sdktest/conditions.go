package sdktest

import (
	"context"
	"iter"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// Conditions are what the plugin reports with [sdk.Report]: first all conditions that stand now, also where there are
// none, then all that stand after each change, until the plugin stops or ctx ends. Changes that come close together are
// told at once.
func (h *Host) Conditions(ctx context.Context) iter.Seq[[]sdk.Condition] {
	return func(yield func([]sdk.Condition) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := h.client.WatchConditions(ctx, &handlerv1.WatchConditionsRequest{})
		if err != nil {
			h.t.Errorf("calling WatchConditions: %v", err)
			return
		}
		for {
			told, err := stream.Recv()
			if err != nil {
				return // the plugin has stopped
			}
			var list []sdk.Condition
			for _, c := range told.GetConditions() {
				list = append(list, sdk.Condition{Name: c.GetName(), Text: c.GetText(), Advice: c.GetAdvice()})
			}
			if !yield(list) {
				return
			}
		}
	}
}
