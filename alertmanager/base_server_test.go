package alertmanager

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/alertmanagertest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// theirs is a user's existing configuration. The format argument is the webhook address of its receivers.
const theirs = `# Hands off!
route:
    receiver: 'team-x'   # the default
    group_by: ["alertname"]
    group_wait: 0s
    routes:
    # databases first
    - matchers: [ 'service=~"mysql|cassandra"' ]
      receiver: dba
      group_wait: 0s

    - receiver: everybody
      matchers:
      -   severity = critical
      continue: true
      group_wait: 0s
    - receiver: night
      matchers: [ team="night" ]
      group_wait: 0s

inhibit_rules:
- source_matchers: [ severity="critical" ]
  target_matchers: [severity="warning"]
  equal: ['service']
receivers:
  - name: 'team-x'
    webhook_configs: [{url: "%[1]s"}]
  - name: dba
    webhook_configs:
      - url: "%[1]s"
  - name: everybody
    webhook_configs: [{url: "%[1]s"}]
  - name: night
    webhook_configs: [{url: "%[1]s"}]
`

// TestBaseOnServer runs Alertmanager on a user's file, without and with the bundle inserted. The user's alerts reach
// the same receivers in both cases, and the bundle's alerts reach the bundle's receivers. Every line of the user's
// file is kept, in order.
func TestBaseOnServer(t *testing.T) {
	for _, release := range []string{alertmanagertest.Oldest, alertmanagertest.Newest} {
		t.Run(release, func(t *testing.T) { baseOn(t, release) })
	}
}

func baseOn(t *testing.T, release string) {
	t.Helper()
	p := testPolicy(t)
	foreign := []map[string]string{
		{"alertname": "MySQLDown", "service": "mysql", "severity": "critical"},
		{"alertname": "MySQLSlow", "service": "mysql", "severity": "warning"},
		{"alertname": "Burning", "service": "shop", "severity": "critical"},
		{"alertname": "Paging", "priority": "P1", "environment": "production", "app_service": "web"},
		{"alertname": "Late", "team": "night", "bundle": "other"},
		{"alertname": "Odd"},
	}
	own := map[string]string{
		"alertname": "ThorbisCheckDown", "bundle": "thorbis", "environment": "production", "app_service": "web",
		"priority": "P1",
	}
	var fates []string
	for _, merged := range []bool{false, true} {
		s := runAlertmanager(t, release, func(hooks string) []byte {
			base := fmt.Appendf(nil, theirs, hooks)
			if !merged {
				return base
			}
			out, err := Insert(base, p)
			if err != nil {
				t.Fatal(err)
			}
			rest := out
			for line := range bytes.SplitAfterSeq(base, []byte("\n")) {
				i := bytes.Index(rest, line)
				if i < 0 {
					t.Fatalf("%q is gone from\n%s", line, out)
				}
				rest = rest[i+len(line):]
			}
			return out
		})
		var alerts []map[string]any
		for _, labels := range append(slices.Clone(foreign), own) {
			alerts = append(alerts, map[string]any{"labels": labels})
		}
		s.post("/api/v2/alerts", alerts)
		testkit.Eventually(s.t, func() bool { return len(s.alerts()) == len(alerts) }, "every alert")
		notified := []string{"dba", "everybody", "night", "team-x"}
		testkit.Eventually(s.t, func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return slices.Equal(slices.Sorted(maps.Keys(s.groupKeys)), notified)
		}, "every receiver of the base file being notified")
		fate := ""
		for _, labels := range foreign {
			fate += fmt.Sprintln(labels["alertname"], s.receivers(labels))
		}
		s.mu.Lock()
		for receiver, keys := range s.groupKeys {
			i := slices.IndexFunc(keys, func(key string) bool { return strings.Contains(key, own["alertname"]) })
			if merged && i >= 0 {
				t.Errorf("%s received our alert: %s", receiver, keys[i])
			}
		}
		s.mu.Unlock()
		fates = append(fates, fate)
		want := []string{"team-x"}
		if merged {
			want = nil
			for _, name := range p.Notify("P1") {
				want = append(want, basePrefix+name)
			}
		}
		if got := s.receivers(own); !slices.Equal(got, want) {
			t.Errorf("merged %t: our alert reaches %v, want %v", merged, got, want)
		}
	}
	if fates[0] != fates[1] {
		t.Errorf("their alerts went\n%sand now go\n%s", fates[0], fates[1])
	}
	if !strings.Contains(fates[0], "MySQLDown [dba]") || !strings.Contains(fates[0], "Burning [everybody]") {
		t.Errorf("their own routes do not work: %s", fates[0])
	}
}

// receivers are those that the server has picked for an alert.
func (s *alertmanagerServer) receivers(labels map[string]string) []string {
	s.t.Helper()
	all := s.alerts()
	i := slices.IndexFunc(all, func(a listed) bool { return equalLabels(a.Labels, labels) })
	if i < 0 {
		s.t.Fatalf("the server does not list %v", labels)
	}
	var names []string
	for _, r := range all[i].Receivers {
		names = append(names, r.Name)
	}
	return names
}
