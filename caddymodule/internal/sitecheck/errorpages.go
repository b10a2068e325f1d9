package sitecheck

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// refusals are the statuses with which each refuses a request or asks for it again, or Caddy does for what stands behind.
var refusals = map[string][]int{
	receiverName: {400, 401, 405, 408, 413, 415, 429, 503},
	verifierName: {400, 401, 405, 408, 413, 415, 429, 500, 502, 503, 504},
}

// ErrorPages finds the error routes that make a 200 of what a receiver or verifier has refused, or an application behind
// it has not taken.
func (s *Server) ErrorPages() []Finding {
	takers := s.takers()
	var found []Finding
	for i := range s.Errors.Routes {
		route := &s.Errors.Routes[i]
		hosts := route.hosts()
		var of []receiver
		for _, r := range takers {
			if overlap(hosts, r.hosts()) {
				of = append(of, r)
			}
		}
		text := turnsGood(route, statusesOf(of))
		if text == "" {
			continue
		}
		site := hosts
		if site == nil {
			site = of[0].hosts()
		}
		found = append(found, Finding{
			Site: s.name(site), Directive: "handle_errors",
			Text: text + ": Smartcar takes a 200 for a delivery and does not send the event again." +
				" Leave the status out, so that it stays the error's, as in `respond \"sorry\"`",
		})
	}
	return found
}

// statusesOf are those that an error page must leave as they are, none where nothing takes webhooks.
func statusesOf(takers []receiver) []int {
	var statuses []int
	for _, r := range takers {
		statuses = append(statuses, refusals[r.handler().Name]...)
	}
	return statuses
}

func overlap(a, b []string) bool {
	if a == nil || b == nil {
		return true
	}
	return slices.ContainsFunc(a, func(host string) bool { return slices.Contains(b, host) })
}

// turnsGood says how the route answers one of the statuses with success, "" if it does not.
func turnsGood(r *Route, statuses []int) string {
	if !r.takes(statuses) {
		return ""
	}
	for _, h := range r.Handle {
		for i := range h.Routes {
			if text := turnsGood(&h.Routes[i], statuses); text != "" {
				return text
			}
		}
		code, err := strconv.Atoi(strings.Trim(string(h.StatusCode), `"`))
		if err == nil && code >= 200 && code < 300 {
			return fmt.Sprintf("an error page answers with status %d what was not taken", code)
		}
		if h.Name == "reverse_proxy" && len(h.HandleResponse) == 0 {
			return "an error page comes from another server with that one's status, in place of the error's"
		}
	}
	return ""
}

var (
	number  = regexp.MustCompile(`[1-5][0-9][0-9]`)
	between = regexp.MustCompile(`>=|<=|<|>`)
)

// takes reports whether an error with one of the statuses may come to the route. Caddy writes `handle_errors 4xx` as an
// expression over the status.
func (r *Route) takes(statuses []int) bool {
	if len(statuses) == 0 {
		return false
	}
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
		return slices.ContainsFunc(statuses, func(code int) bool {
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
