package alertmanager

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/pkg/labels"
	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/alertmanagertest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/mixin/routetest"
)

// alertmanagerServer is a running Alertmanager whose receivers are webhooks of the test.
type alertmanagerServer struct {
	t       *testing.T
	address string

	mu        sync.Mutex
	groupKeys map[string][]string // by receiver
}

// serveAlertmanager serves the routes of a policy.
func serveAlertmanager(t *testing.T, release string, p *config.Policy) *alertmanagerServer {
	t.Helper()
	return runAlertmanager(t, release, func(hooks string) []byte { return hooked(t, p, hooks) })
}

// runAlertmanager runs Alertmanager on the configuration that is made for a webhook's address.
func runAlertmanager(t *testing.T, release string, configuration func(hooks string) []byte) *alertmanagerServer {
	t.Helper()
	s := &alertmanagerServer{t: t, groupKeys: map[string][]string{}}
	hooks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		var message struct{ GroupKey, Receiver string }
		if err := json.NewDecoder(req.Body).Decode(&message); err == nil {
			s.mu.Lock()
			s.groupKeys[message.Receiver] = append(s.groupKeys[message.Receiver], message.GroupKey)
			s.mu.Unlock()
		}
	}))
	t.Cleanup(hooks.Close)

	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "alertmanager.yaml"), configuration(hooks.URL))
	s.address = alertmanagertest.Start(t, release, dir)
	return s
}

// hooked returns the generated configuration with webhooks as receivers and without waits, so that tests are fast.
func hooked(t *testing.T, p *config.Policy, url string) []byte {
	t.Helper()
	text, err := Build(p)
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	delete(c, "templates")
	var receivers []any
	for _, r := range c["receivers"].([]any) {
		receivers = append(receivers, map[string]any{
			"name": r.(map[string]any)["name"], "webhook_configs": []any{map[string]any{"url": url}},
		})
	}
	c["receivers"] = receivers
	var hurry func(any)
	hurry = func(r any) {
		route := r.(map[string]any)
		if _, ok := route["group_wait"]; ok {
			route["group_wait"] = "0s"
		}
		children, _ := route["routes"].([]any)
		for _, child := range children {
			hurry(child)
		}
	}
	hurry(c["route"])
	out, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *alertmanagerServer) post(path string, body any) {
	s.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.Post("http://"+s.address+path, "application/json", bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		s.t.Fatalf("%s answered %s: %s", path, resp.Status, text)
	}
}

// listed is an alert as the server's API returns it.
type listed struct {
	Labels    map[string]string `json:"labels"`
	Receivers []struct {
		Name string `json:"name"`
	} `json:"receivers"`
	Status struct {
		SilencedBy  []string `json:"silencedBy"`
		InhibitedBy []string `json:"inhibitedBy"`
	} `json:"status"`
}

func (s *alertmanagerServer) alerts() []listed {
	s.t.Helper()
	resp, err := http.Get("http://" + s.address + "/api/v2/alerts")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var all []listed
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		s.t.Fatal(err)
	}
	return all
}

// TestTablesOnServer runs the shipped tables against Alertmanager. Each test has an environment of its own. The
// server's clock cannot be set, so only the offline tests cover time intervals.
func TestTablesOnServer(t *testing.T) {
	judgeOnServer(t, testPolicy(t), tables(t))
}

func judgeOnServer(t *testing.T, p *config.Policy, tables map[string]*routetest.Table) {
	t.Helper()
	for _, release := range []string{alertmanagertest.Oldest, alertmanagertest.Newest} {
		t.Run(release, func(t *testing.T) { judgeOn(t, release, p, tables) })
	}
}

func judgeOn(t *testing.T, release string, p *config.Policy, tables map[string]*routetest.Table) {
	t.Helper()
	s := serveAlertmanager(t, release, p)
	type row struct {
		test   routetest.Test
		prefix string
		labels map[string]string
	}
	var rows []row
	var silences, alerts []map[string]any
	for file, table := range tables {
		if table.Hours != nil {
			continue
		}
		for i, test := range table.Tests {
			prefix := fmt.Sprintf("%s-%d-", strings.TrimSuffix(filepath.Base(file), ".yaml"), i)
			own := func(set map[string]string) map[string]string {
				out := map[string]string{}
				for k, v := range set {
					if k == "environment" {
						v = prefix + v
					}
					out[k] = v
				}
				return out
			}
			rows = append(rows, row{test, prefix, own(test.Labels)})
			for _, set := range append([]map[string]string{test.Labels}, test.Firing...) {
				alerts = append(alerts, map[string]any{"labels": own(set)})
			}
			for _, matchers := range test.Silences {
				silences = append(silences, silenceOf(t, append(matchers, `environment=~"`+prefix+`.*"`)))
			}
		}
	}
	for _, silence := range silences {
		s.post("/api/v2/silences", silence)
	}
	s.post("/api/v2/alerts", alerts)
	testkit.Eventually(s.t, func() bool { return len(s.alerts()) == len(alerts) }, "every alert")
	// The server reports what hides an alert only once its first notification is due.
	find := func(all []listed, r row) int {
		return slices.IndexFunc(all, func(a listed) bool { return equalLabels(a.Labels, r.labels) })
	}
	for _, r := range rows {
		if r.test.Expect.Inhibited || r.test.Expect.Silenced {
			testkit.Eventually(s.t, func() bool {
				all := s.alerts()
				i := find(all, r)
				return i >= 0 && len(all[i].Status.InhibitedBy)+len(all[i].Status.SilencedBy) > 0
			}, "what hides the alert of %s", r.test.Name)
		}
	}
	all := s.alerts()

	for _, r := range rows {
		i := find(all, r)
		if i < 0 {
			t.Errorf("%s: the server does not list it", r.test.Name)
			continue
		}
		var receivers []string
		for _, one := range all[i].Receivers {
			receivers = append(receivers, one.Name)
		}
		if !slices.Equal(receivers, r.test.Expect.Receivers) {
			t.Errorf("%s: the server picks %v, want %v", r.test.Name, receivers, r.test.Expect.Receivers)
		}
		if got := len(all[i].Status.InhibitedBy) > 0; got != r.test.Expect.Inhibited {
			t.Errorf("%s: the server says inhibited %t", r.test.Name, got)
		}
		if got := len(all[i].Status.SilencedBy) > 0; got != r.test.Expect.Silenced {
			t.Errorf("%s: the server says silenced %t", r.test.Name, got)
		}
		for receiver, want := range r.test.Expect.GroupKeys {
			testkit.Eventually(s.t, func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return slices.ContainsFunc(s.groupKeys[receiver], func(key string) bool {
					return strings.Contains(key, r.prefix) && strings.ReplaceAll(key, r.prefix, "") == want
				})
			}, "group %s at %s of %s", want, receiver, r.test.Name)
		}
	}
	t.Logf("%d alerts fare on the server as in the tables", len(rows))
}

func silenceOf(t *testing.T, matchers []string) map[string]any {
	t.Helper()
	var list []map[string]any
	for _, text := range matchers {
		m, err := compat.Matcher(text, "test")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, map[string]any{
			"name": m.Name, "value": m.Value,
			"isRegex": m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp,
			"isEqual": m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp,
		})
	}
	return map[string]any{
		"matchers": list, "createdBy": "test", "comment": "test",
		"startsAt": time.Now().UTC().Format(time.RFC3339), "endsAt": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	}
}

func equalLabels(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}
