package pager

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// incident is an open incident of PagerDuty.
type incident struct {
	number       int
	key, title   string
	service      string // named as its routing key is
	created      time.Time
	acknowledged []time.Time
}

// follow keeps PagerDuty's incidents. A trigger with the key of an open incident, acknowledged or not, adds to its log
// and sends no page. A resolve without an open incident does nothing, and a later trigger opens another one. The
// caller holds the lock.
func (r *Receiver) follow(p Page) string {
	open := r.incidents[p.DedupKey]
	switch {
	case p.DedupKey == "":
	case p.Action == "resolve":
		delete(r.incidents, p.DedupKey)
	case p.Action == "acknowledge" && open != nil:
		open.acknowledged = append(open.acknowledged, p.At)
	case p.Action == "trigger" && open != nil:
		return "update"
	case p.Action == "trigger" && len(r.incidents) < maxPages:
		r.numbers++
		r.incidents[p.DedupKey] = &incident{
			number: r.numbers, key: p.DedupKey, title: p.Summary, service: p.RoutingKey, created: p.At,
		}
	}
	return p.Action
}

// Acknowledge acknowledges an open PagerDuty incident as a person does with the telephone.
func (r *Receiver) Acknowledge(dedupKey string, at time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	open, ok := r.incidents[dedupKey]
	if !ok {
		return fmt.Errorf("no open incident has the key %q", dedupKey)
	}
	open.acknowledged = append(open.acknowledged, at)
	return nil
}

// listIncidents speaks as much of the REST API v2 as lists open incidents:
// https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents.
func (r *Receiver) listIncidents(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if !strings.HasPrefix(req.Header.Get("Authorization"), "Token token=") {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":{"message":"Unauthorized","code":2006}}`))
		return
	}
	query := req.URL.Query()
	limit, offset := 25, 0
	if n, err := strconv.Atoi(query.Get("limit")); err == nil && 0 < n && n <= 100 {
		limit = n
	}
	if n, err := strconv.Atoi(query.Get("offset")); err == nil && n > 0 {
		offset = n
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []map[string]any{}
	for _, i := range r.incidents {
		status, changed := "triggered", i.created
		acknowledgements := []map[string]any{}
		for _, at := range i.acknowledged {
			status = "acknowledged"
			acknowledgements = append(acknowledgements, map[string]any{"at": at.UTC().Format(time.RFC3339)})
		}
		if len(i.acknowledged) > 0 {
			changed = i.acknowledged[0]
		}
		if wanted := query["statuses[]"]; len(wanted) > 0 && !slices.Contains(wanted, status) {
			continue
		}
		list = append(list, map[string]any{
			"id": "P" + strconv.Itoa(i.number), "incident_number": i.number, "title": i.title, "status": status,
			"incident_key": i.key,
			"created_at":   i.created.UTC().Format(time.RFC3339), "last_status_change_at": changed.UTC().Format(time.RFC3339),
			"service": map[string]any{"summary": i.service}, "acknowledgements": acknowledgements,
		})
	}
	slices.SortFunc(list, func(a, b map[string]any) int { return a["incident_number"].(int) - b["incident_number"].(int) })
	more := len(list) > offset+limit
	list = list[min(offset, len(list)):min(offset+limit, len(list))]
	_ = json.NewEncoder(w).Encode(
		map[string]any{"incidents": list, "limit": limit, "offset": offset, "more": more, "total": nil})
}
