package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/stack"
	"github.com/thorbis/thorbis_exporter/metric"
)

// mayBeEmpty are the panels, as dashboard/panel, that show nothing on the demonstration, and why.
var mayBeEmpty = map[string]string{
	"Thorbis / Storage/First full in":                 "the disk may not fill",
	"Thorbis / Storage/Full in":                       "the disk may not fill",
	"Thorbis / Storage/Most of a limit used":          "which disk there is, the policy does not know",
	"Thorbis / Storage/Limit used":                    "which disk there is, the policy does not know",
	"Thorbis / Storage/Servers":                       "there is no PostgreSQL",
	"Thorbis / Storage/Transactions":                  "there is no PostgreSQL",
	"Thorbis / Storage/Cache hits":                    "there is no PostgreSQL",
	"Thorbis / Storage/Databases":                     "there is no PostgreSQL",
	"Thorbis / Storage/Input and output":              "there is no PostgreSQL",
	"Thorbis / Storage/Discards and flushes":          "not every kernel counts them",
	"Thorbis / Storage/Space left":                    "the machine may have no filesystem on a disk",
	"Thorbis / Storage/Filesystems":                   "the machine may have no filesystem on a disk",
	"Thorbis / Storage/Fullest filesystem":            "the machine may have no filesystem on a disk",
	"Thorbis / Backups/Duration of the newest backup": "a file does not record how long it took to write",
	"Thorbis / Resources/Scaling":                     "there is no Kubernetes",
	"Thorbis / Resources/Autoscalers":                 "there is no Kubernetes",
	"Thorbis / Resources/Container throttled":         "only a container has a share of CPU",
	"Thorbis / Resources/Pressure":                    "not every kernel reports it",
	"Thorbis / Incidents/Time to acknowledge":         "no incident is acknowledged; escalation_test.go covers that",
	"Thorbis / Incidents/Answered late":               "no answer is due before the outage is over",
	"Thorbis / Incidents/Time to resolve":             "an incident is over a minute and a half after its alert",
	"Thorbis / Incidents/Over within five minutes":    "an incident is over a minute and a half after its alert",
	"Thorbis / Health and SLA/Probes that could not be judged, by reason": "every probe of the demonstration can be " +
		"judged",
	"Thorbis / Health and SLA/Domains by expiry":        "no registry can be asked",
	"Thorbis / Objectives/Budget empty after":           "nothing burns in good health",
	"Thorbis / Objectives/Bad events of tiers":          "no request is bad in good health",
	"Thorbis / Objectives/Tiers":                        "no request is bad in good health",
	"Thorbis / Objectives/Tenants with bad events":      "no request is bad in good health",
	"Thorbis / Objectives/Answered in time":             "no answer is due in good health",
	"Thorbis / Objectives/Budget left for late answers": "no answer is due in good health",
	"Thorbis / Tenant/Budget left for the tenant":       "a tenant without bad requests has all of it",
	"Thorbis / Tenant/Budget of the tenant empty after": "nothing burns in good health",
	"Thorbis / Tenant/Bad requests in a day":            "no request is bad in good health",
}

// onRequests are the dashboards that show requests; the demonstration may have none.
var onRequests = []string{"Thorbis / Objectives", "Thorbis / Tenants", "Thorbis / Tenant"}

// variables are Grafana's variables as the dashboards use them, with everything picked.
var variables = regexp.MustCompile(`\$\{?(\w+)(:\w+)?\}?`)

func interpolate(expr string) string {
	return variables.ReplaceAllStringFunc(expr, func(v string) string {
		switch name := variables.FindStringSubmatch(v)[1]; name {
		case "__rate_interval", "__interval":
			return "1m"
		case "__range":
			return "15m"
		default:
			return ".*"
		}
	})
}

type panel struct {
	Title   string
	Targets []struct{ Expr string }
	Panels  []panel
}

// checkDashboards asks Prometheus for every query of every dashboard of the bundle. A query that fails is a
// defect, and so is a panel that shows nothing, unless it is known to and why.
func checkDashboards(t *testing.T, s *stack.Stack) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Dir, "bundle", "dashboards", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no dashboards", err)
	}
	requests, err := query(s.Prometheus, metric.TenantRequests.Name)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Title  string
			Panels []panel
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		panels := slices.Clone(d.Panels)
		for _, p := range d.Panels {
			panels = append(panels, p.Panels...)
		}
		for _, p := range panels {
			name := d.Title + "/" + p.Title
			seen[name] = true
			series := 0
			for _, q := range p.Targets {
				n, err := query(s.Prometheus, interpolate(q.Expr))
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				series += n
			}
			if requests == 0 && slices.Contains(onRequests, d.Title) {
				continue
			}
			if _, expected := mayBeEmpty[name]; len(p.Targets) > 0 && series == 0 && !expected {
				t.Errorf("%s shows nothing", name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(mayBeEmpty)) {
		if !seen[name] {
			t.Errorf("there is no panel %s any more; take it out of the list", name)
		}
	}
}

// query returns how many series the last five minutes of a query have.
func query(prometheus, expr string) (int, error) {
	now := time.Now()
	return series(prometheus, "query_range", url.Values{
		"query": {expr}, "start": {fmt.Sprint(now.Add(-5 * time.Minute).Unix())}, "end": {fmt.Sprint(now.Unix())},
		"step": {"15"},
	})
}

// holds is true for a query that has a series now.
func holds(prometheus, expr string) (bool, error) {
	n, err := series(prometheus, "query", url.Values{"query": {expr}})
	return n > 0, err
}

// series asks Prometheus and returns how many series the answer has.
func series(prometheus, endpoint string, asked url.Values) (int, error) {
	resp, err := http.Get("http://" + prometheus + "/api/v1/" + endpoint + "?" + asked.Encode())
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return 0, err
	}
	if answer.Status != "success" {
		return 0, fmt.Errorf("%s: %s", strings.TrimSpace(asked.Get("query")), answer.Error)
	}
	return len(answer.Data.Result), nil
}
