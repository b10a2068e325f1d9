package sitecheck

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// refusals are the statuses with which a receiver refuses a request, or asks for it again.
var refusals = []int{400, 401, 405, 408, 413, 415, 429, 503}

// ErrorPages finds the error routes that make a 200 of what a receiver has refused.
func (s *Server) ErrorPages() []Finding {
	receivers := s.receivers()
	var found []Finding
	for i := range s.Errors.Routes {
		route := &s.Errors.Routes[i]
		hosts := route.hosts()
		if !slices.ContainsFunc(receivers, func(r receiver) bool { return overlap(hosts, r.hosts()) }) {
			continue
		}
		text := turnsGood(route)
		if text == "" {
			continue
		}
		site := hosts
		if site == nil && len(receivers) > 0 {
			site = receivers[0].hosts()
		}
		found = append(found, Finding{
			Site: s.name(site), Directive: "handle_errors",
			Text: text + ": Smartcar takes a 200 for a delivery and does not send the event again." +
				" Leave the status out, so that it stays the error's, as in `respond \"sorry\"`",
		})
	}
	return found
}

func overlap(a, b []string) bool {
	if a == nil || b == nil {
		return true
	}
	return slices.ContainsFunc(a, func(host string) bool { return slices.Contains(b, host) })
}

// turnsGood says how the route answers a refusal with success, "" if it does not.
func turnsGood(r *Route) string {
	if !r.takesRefusals() {
		return ""
	}
	for _, h := range r.Handle {
		for i := range h.Routes {
			if text := turnsGood(&h.Routes[i]); text != "" {
				return text
			}
		}
		code, err := strconv.Atoi(strings.Trim(string(h.StatusCode), `"`))
		if err == nil && code >= 200 && code < 300 {
			return fmt.Sprintf("an error page answers with status %d what the receiver has refused", code)
		}
		if h.Name == "reverse_proxy" && len(h.HandleResponse) == 0 {
			return "an error page comes from another server with that one's status, in place of the receiver's"
		}
	}
	return ""
}

var (
	number  = regexp.MustCompile(`[1-5][0-9][0-9]`)
	between = regexp.MustCompile(`>=|<=|<|>`)
)

// takesRefusals reports whether a refusal may come to the route. Caddy writes `handle_errors 4xx` as an
// expression over the status.
func (r *Route) takesRefusals() bool {
	if len(r.Match) == 0 {
		return true
	}
	return slices.ContainsFunc(r.Match, func(set map[string]json.RawMessage) bool {
		expression := expressionOf(set["expression"])
		if !strings.Contains(expression, "http.error.status_code") {
			return true
		}
		var codes []int
		for _, text := range number.FindAllString(expression, -1) {
			code, _ := strconv.Atoi(text)
			codes = append(codes, code)
		}
		if len(codes) == 0 || strings.Contains(expression, "!") {
			return true
		}
		ranges := between.MatchString(expression)
		return slices.ContainsFunc(refusals, func(code int) bool {
			return slices.Contains(codes, code) || ranges && code >= slices.Min(codes) && code <= slices.Max(codes)
		})
	})
}

// expressionOf reads both forms of the matcher.
func expressionOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct {
		Expr string `json:"expr"`
	}
	_ = json.Unmarshal(raw, &object)
	return object.Expr
}
