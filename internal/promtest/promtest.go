// Package promtest is a Prometheus for tests, which answers what a test says.
package promtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"
)

// Sample is a series with a value at a moment.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Serve starts a server that ends with the test and returns its address. A query for a range is asked once for each
// step: what at is answered then are the points of its series.
func Serve(t testing.TB, at func(query string, at time.Time) []Sample) string {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		moment := func(name string) time.Time {
			seconds, err := strconv.ParseFloat(r.FormValue(name), 64)
			if err != nil {
				t.Errorf("%s of %s: %v", name, query, err)
			}
			return time.UnixMilli(int64(seconds * 1000)).UTC()
		}
		type series struct {
			Metric map[string]string `json:"metric"`
			Value  []any             `json:"value,omitempty"`
			Values [][]any           `json:"values,omitempty"`
		}
		pair := func(at time.Time, v float64) []any { return []any{at.Unix(), fmt.Sprint(v)} }
		result := []*series{}
		if r.URL.Path == "/api/v1/query" {
			now := moment("time")
			for _, s := range at(query, now) {
				result = append(result, &series{Metric: s.Labels, Value: pair(now, s.Value)})
			}
		} else {
			step, _ := strconv.ParseFloat(r.FormValue("step"), 64)
			index := map[string]*series{}
			for now := moment("start"); !now.After(moment("end")); now = now.Add(time.Duration(step) * time.Second) {
				for _, s := range at(query, now) {
					key, _ := json.Marshal(s.Labels)
					if index[string(key)] == nil {
						index[string(key)] = &series{Metric: s.Labels}
						result = append(result, index[string(key)])
					}
					one := index[string(key)]
					one.Values = append(one.Values, pair(now, s.Value))
				}
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"result": result}})
	}))
	t.Cleanup(site.Close)
	return site.URL
}
