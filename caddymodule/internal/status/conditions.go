package status

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

func viewConditions(list []pluginhost.Condition) []api.Condition {
	var view []api.Condition
	for _, c := range list {
		view = append(view, api.Condition{Name: c.Name, Text: c.Text, Advice: c.Advice, Since: api.UTC(c.Since)})
	}
	return view
}

// conditionAttention is about the trouble that a plugin reports. Of a program that is not ours both text and advice are
// its own words, at the end of What, so that neither leaves the machine.
func conditionAttention(h *api.Handler) []api.Attention {
	var list []api.Attention
	for _, c := range h.Conditions {
		a := api.Attention{
			Kind: api.HandlerTrouble, Level: api.LevelWarning, Handler: h.Name, About: c.Name,
			Do: "see to it; it ends when " + h.Name + " says that it is over",
		}
		words := c.Text
		switch {
		case h.Bundled && c.Advice != "":
			a.Do = c.Advice
		case c.Advice != "":
			words = text.Because(c.Text, c.Advice)
		}
		if !h.Bundled {
			a.Said = words
		}
		a.What = text.Because(h.Name+" reports "+c.Name, words)
		list = append(list, a)
	}
	return list
}

// leaveOutConditions leaves of the words of a program that is not ours no more than the names.
func leaveOutConditions(h *api.Handler) {
	if h.Bundled {
		return
	}
	var view []api.Condition
	for _, c := range h.Conditions {
		c.Text, c.Advice = leftOut(c.Text), leftOut(c.Advice)
		view = append(view, c)
	}
	h.Conditions = view
}
