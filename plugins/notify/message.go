package notify

import (
	"encoding/json"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
)

// payload is the JSON that a webhook gets.
type payload struct {
	// ID is the same where a message comes again.
	ID string `json:"id"`
	// Kind is error, resolved, condition or digest.
	Kind    string `json:"kind"`
	Handler string `json:"handler"`
	Title   string `json:"title"`
	Text    string `json:"text"`
	// The rest of what one notice is about; a digest has Groups instead.
	Source        string     `json:"source,omitempty"`
	Vehicle       string     `json:"vehicle,omitempty"`
	Type          string     `json:"type,omitempty"`
	Code          string     `json:"code,omitempty"`
	Resolution    string     `json:"resolution,omitempty"`
	ResolutionURL string     `json:"resolution_url,omitempty"`
	DocURL        string     `json:"doc_url,omitempty"`
	EventID       string     `json:"event_id,omitempty"`
	ReceivedAt    *time.Time `json:"received_at,omitempty"`
	Groups        []group    `json:"groups,omitempty"`
}

// message is what is sent of a notice. failed: a template could not be run on it, and the default one was.
func (t *templates) message(handler string, n notice) (m send.Message, failed bool) {
	f := n.facts
	title, text, failed := t.write(f)
	return encode(payload{
		ID: n.id.String(), Kind: f.Kind, Handler: handler, Title: title, Text: text,
		Source: f.Source, Vehicle: f.Vehicle, Type: f.Type, Code: f.Code, Resolution: f.Resolution,
		ResolutionURL: f.ResolutionURL, DocURL: f.DocURL, EventID: f.Event, ReceivedAt: &f.ReceivedAt,
	}), failed
}

func encode(p payload) send.Message {
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err) // it has nothing but texts, numbers and times
	}
	return send.Message{Title: p.Title, Text: p.Text, JSON: raw}
}
