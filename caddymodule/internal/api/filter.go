package api

import "net/url"

// Bounds of a page of a list.
const (
	// DefaultLimit is how many items a page has when nothing is said.
	DefaultLimit = 50
	// MaxLimit is the most that a page may have.
	MaxLimit = 1000
)

// Filter is a filter in a JSON body. What is left out does not restrict.
type Filter struct {
	DeadLetterIDs []string `json:"dead_letter_ids,omitempty"`
	EventIDs      []string `json:"event_ids,omitempty"`
	Handler       string   `json:"handler,omitempty"`
	Reason        string   `json:"reason,omitempty"`
	Source        string   `json:"source,omitempty"`
	Vehicle       string   `json:"vehicle,omitempty"`
	Type          string   `json:"type,omitempty"`
	Mode          string   `json:"mode,omitempty"`
	Webhook       string   `json:"webhook,omitempty"`
	Since         string   `json:"since,omitempty"`
	Until         string   `json:"until,omitempty"`
}

// Query is the filter as parameters of a request.
func (o Filter) Query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"handler": o.Handler, "reason": o.Reason, "source": o.Source, "vehicle": o.Vehicle, "type": o.Type,
		"mode": o.Mode, "webhook": o.Webhook, "since": o.Since, "until": o.Until,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for _, id := range o.DeadLetterIDs {
		q.Add("dead_letter_id", id)
	}
	for _, id := range o.EventIDs {
		q.Add("event_id", id)
	}
	return q
}

// Empty reports whether the filter picks everything.
func (o Filter) Empty() bool { return len(o.Query()) == 0 }
