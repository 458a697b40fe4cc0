package backtest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// TestSummary compares all that programs read of a report; stretches are there only if they are listed.
func TestSummary(t *testing.T) {
	p, _ := load(t, policy)
	at := func(hour, minute int) time.Time { return time.Date(2026, 3, 1, hour, minute, 0, 0, time.UTC) }
	of := labels.FromStrings("alertname", "ThorbisSLOBurn", "priority", "P1", "environment", "shop", "app_service", "shop",
		"owner", "sre")
	r := Report{
		From: at(0, 0), To: at(24, 0), Series: 2, Rules: 118, Samples: 11520, Silent: []string{"ThorbisCheckDown"},
		Episodes: []Episode{
			{Labels: of, From: at(3, 2), To: at(3, 19), Description: "Budget burns."},
			{Labels: of, From: at(23, 52), To: at(24, 0), Open: true},
		},
		Failures: map[string]string{"a:b:c": "timed out"},
	}
	const plain = `{"from":"2026-03-01T00:00:00Z","to":"2026-03-02T00:00:00Z","samples":11520,"selectors":2,"rules":118,` +
		`"alerts":[{"alert":"ThorbisSLOBurn","priority":"P1","fired":2,"seconds":1500,"longest_seconds":1020}],` +
		`"notifications":[{"priority":"P1","count":2,"to":[{"channel":"pager"},{"channel":"chat","owner":"sre"}]}],` +
		`"not_judged":["ThorbisCheckDown"],"failures":{"a:b:c":"timed out"}`
	const stretch = `{"labels":{"alertname":"ThorbisSLOBurn","app_service":"shop","environment":"shop","owner":"sre",` +
		`"priority":"P1"},`
	for list, want := range map[bool]string{
		false: plain + "}",
		true: plain + `,"episodes":[` + stretch + `"from":"2026-03-01T03:02:00Z","to":"2026-03-01T03:19:00Z","open":false,` +
			`"description":"Budget burns."},` + stretch + `"from":"2026-03-01T23:52:00Z","to":"2026-03-02T00:00:00Z",` +
			`"open":true,"description":""}]}`,
	} {
		got, err := json.Marshal(r.Summary(p, list))
		if err != nil || string(got) != want {
			t.Errorf("listed %t: %v\n%s\nwant\n%s", list, err, got, want)
		}
	}
	got, err := json.Marshal((&Report{From: at(0, 0), To: at(1, 0)}).Summary(p, true))
	const empty = `{"from":"2026-03-01T00:00:00Z","to":"2026-03-01T01:00:00Z","samples":0,"selectors":0,"rules":0,` +
		`"alerts":[],"notifications":[],"not_judged":[],"episodes":[]}`
	if err != nil || string(got) != empty {
		t.Errorf("%v\n%s\nwant\n%s", err, got, empty)
	}
}
