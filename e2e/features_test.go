package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/saas"
	"github.com/thorbis/thorbis_exporter/demo/stack"
	"github.com/thorbis/thorbis_exporter/metric"
)

// TestFeaturesOfPrometheus: the bundle is evaluated without an error, and an outage pages in time, while features of
// Prometheus are on that change labels, what is stored and the order of evaluation; and without native histograms.
func TestFeaturesOfPrometheus(t *testing.T) {
	for name, o := range map[string]stack.Options{
		"features": {Features: []string{"type-and-unit-labels", "created-timestamp-zero-ingestion", "concurrent-rule-eval"}},
		"classic":  {Classic: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var err error
			o.Addresses, err = stack.FreeAddresses(1)
			must(t, err)
			o.Bin, o.Progress, o.Pages, o.Traffic = bin(), t.Output(), t.Output(), 20
			o.Alertmanager, o.Secondary, o.Manager = "alertmanager-newest", time.Hour, time.Hour
			s, err := stack.Start(t.Context(), o)
			must(t, err)
			t.Cleanup(s.Stop)
			took(t, s, o)
			began := time.Now()
			must(t, s.SaaS.Break(saas.Refuse))
			eventually(t, pageTime+10*time.Second, "the page", func() bool { return len(pages(s, "trigger")) > 0 })
			page := pages(s, "trigger")[0]
			check(t, page)
			if took := page.At.Sub(began); took > pageTime {
				t.Errorf("the page came %s after the outage, want at most %s", took, pageTime)
			}
			eventually(t, slowGroups, "every rule evaluated during the outage, none with an error", func() bool {
				return healthy(t, s)
			})
			for expr, want := range map[string]bool{
				"prometheus_rule_evaluation_failures_total > 0":                       false,
				"prometheus_rule_evaluations_total > 0":                               true,
				metric.ServiceRate.Name + " > 0":                                      true,
				"ALERTS{alertname=\"" + metric.RuleFailingAlert.Name + "\"}":          false,
				`count(count by (__name__) ({__name__=~".+:thorbis_.+"})) > 100`:      true,
				metric.HealthCheckProbes.Select(`__type__="counter"`):                 len(o.Features) > 0,
				`histogram_count(sum(` + metric.TenantRequestDuration.Name + `)) > 0`: !o.Classic,
			} {
				if got, err := holds(s.Prometheus, expr); err != nil || got != want {
					t.Errorf("%s holds %t, want %t (%v)", expr, got, want, err)
				}
			}
			must(t, s.Ended())
		})
	}
}

// took expects that Prometheus knows the features of the test: it only warns of one that it does not.
func took(t *testing.T, s *stack.Stack, o stack.Options) {
	t.Helper()
	text, err := body("http://" + s.Prometheus + "/api/v1/status/flags")
	must(t, err)
	if !strings.Contains(text, `"enable-feature":"`+strings.Join(o.Features, ",")+`"`) {
		t.Errorf("the features are not on: %s", text)
	}
}

// slowGroups is the interval of the slowest groups whose first evaluation is awaited; one more has 5 minutes.
const slowGroups = 2 * time.Minute

// healthy reports whether every rule of those groups was evaluated without an error. A rule with an error fails the
// test.
func healthy(t *testing.T, s *stack.Stack) bool {
	t.Helper()
	resp, err := http.Get("http://" + s.Prometheus + "/api/v1/rules?" + url.Values{"exclude_alerts": {"true"}}.Encode())
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	must(t, err)
	var answer struct {
		Data struct {
			Groups []struct {
				Interval float64
				Rules    []struct{ Name, Health, LastError string }
			}
		}
	}
	must(t, json.Unmarshal(text, &answer))
	rules, waiting := 0, 0
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			rules++
			switch {
			case r.LastError != "":
				t.Fatalf("%s: %s", r.Name, r.LastError)
			case r.Health != "ok" && g.Interval <= slowGroups.Seconds():
				waiting++
			}
		}
	}
	if rules < 500 {
		t.Fatalf("%d rules are loaded", rules)
	}
	return waiting == 0
}
