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

// mayBeEmpty are the panels, as dashboard/panel, that may show nothing on the demonstration once its outage is over,
// and why. What each query returns in peace and in an outage, TestEveryQueryReturnsData of package dashboards holds in
// a simulation of a whole installation.
var mayBeEmpty = map[string]string{
	"Thorbis / SLOs/Bad events of tiers":                                  "no request is bad in good health",
	"Thorbis / SLOs/Tiers":                                                "no request is bad in good health",
	"Thorbis / SLOs/Tenants that spent the budget":                        "no request is bad in good health",
	"Thorbis / SLOs/Answered in time":                                     "no answer is due in good health",
	"Thorbis / SLOs/Budget left for late answers":                         "no answer is due in good health",
	"Thorbis / Storage and IOPS/First full in":                            "the disk may not fill",
	"Thorbis / Storage and IOPS/Full in":                                  "the disk may not fill",
	"Thorbis / Storage and IOPS/Most of a limit used":                     "which disk there is, the policy does not know",
	"Thorbis / Storage and IOPS/Limit used":                               "which disk there is, the policy does not know",
	"Thorbis / Storage and IOPS/Discards and flushes":                     "not every kernel counts them",
	"Thorbis / Storage and IOPS/Canary":                                   "the policy has no canary",
	"Thorbis / Storage and IOPS/Space left":                               "the machine may have no filesystem on a disk",
	"Thorbis / Storage and IOPS/Filesystems":                              "the machine may have no filesystem on a disk",
	"Thorbis / Storage and IOPS/Fullest filesystem":                       "the machine may have no filesystem on a disk",
	"Thorbis / Storage and IOPS/Filesystems that do not answer":           "the machine may have no filesystem on a disk",
	"Thorbis / Delivery/Beside the thirty days before":                    "there is no month before",
	"Thorbis / Delivery/Failed deployments by reason":                     "a hotfix is judged after two minutes",
	"Thorbis / Business/*":                                                "without a PostgreSQL",
	"Thorbis / Databases/*":                                               "without a PostgreSQL",
	"Thorbis / Backups/Duration of the newest backup":                     "a file does not record how long it took",
	"Thorbis / Resources/Scaling":                                         "nothing runs in Kubernetes",
	"Thorbis / Resources/Autoscalers":                                     "nothing runs in Kubernetes",
	"Thorbis / Resources/Memory of containers":                            "nothing runs in Kubernetes",
	"Thorbis / Resources/Containers at their CPU limit":                   "nothing runs in Kubernetes",
	"Thorbis / Resources/Container throttled":                             "only a container has a share of CPU",
	"Thorbis / Resources/Pressure":                                        "not every kernel reports it",
	"Thorbis / Resources/Killed for want of memory":                       "not every kernel counts them",
	"Thorbis / Incidents and on-call/Incidents that are open":             "the outage is over",
	"Thorbis / Incidents and on-call/Alerts that fire":                    "the outage is over",
	"Thorbis / Incidents and on-call/Time to notify":                      "no Alertmanager with events is demonstrated",
	"Thorbis / Incidents and on-call/Pages a week by recipient":           "no Alertmanager with events is demonstrated",
	"Thorbis / Incidents and on-call/Pages a week by shift":               "no Alertmanager with events is demonstrated",
	"Thorbis / Incidents and on-call/Notifications an hour by reason":     "no Alertmanager with events is demonstrated",
	"Thorbis / Incidents and on-call/Muted alerts":                        "no Alertmanager with events is demonstrated",
	"Thorbis / Incidents and on-call/Incidents to write up":               "the policy asks for no write-ups",
	"Thorbis / Incidents and on-call/Time to acknowledge":                 "no incident is acknowledged",
	"Thorbis / Incidents and on-call/Answered late":                       "no answer is due before the outage is over",
	"Thorbis / Incidents and on-call/Needed no action":                    "an incident outlasts its alert",
	"Thorbis / Incidents and on-call/Time to resolve":                     "an incident outlasts its alert",
	"Thorbis / Incidents and on-call/Over within five minutes":            "an incident outlasts its alert",
	"Thorbis / Health and SLA/Open outages":                               "the outage is over",
	"Thorbis / Health and SLA/Failed probes by reason":                    "the outage is over",
	"Thorbis / Health and SLA/Probes that could not be judged, by reason": "every probe can be judged",
	"Thorbis / Health and SLA/Domains by expiry":                          "no registry can be asked",
	"Thorbis / Tenant/Budget left for the tenant":                         "a tenant without bad requests has all of it",
	"Thorbis / Tenant/Budget of the tenant empty after":                   "nothing burns in good health",
	"Thorbis / Tenant/Bad in five minutes":                                "no request is bad in good health",
	"Thorbis / Tenant/Burn in five minutes":                               "no request is bad in good health",
	"Thorbis / Tenants/Slowest and failing tenants":                       "no request is bad in good health",
	"Thorbis / Overview/What is wrong":                                    "the outage is over",
	"Thorbis / Overview/Tenants in trouble, worst first":                  "the outage is over",
	"Thorbis / Overview/Cost so far":                                      "without a PostgreSQL",
	"Thorbis / Overview/Databases":                                        "without a PostgreSQL",
	"Thorbis / Exporter and paging path/Errors of collectors":             "no collector fails",
	"Thorbis / Daily review/Checks that were down":                        "the outage may be younger than its total",
	"Thorbis / Daily review/Posts refused":                                "nothing receives posts",
	"Thorbis / Daily review/Domains by expiry":                            "no registry can be asked",
	"Thorbis / Daily review/Incidents that are open":                      "the outage is over",
	"Thorbis / Daily review/Tenants with the most bad requests of a day":  "no request is bad in good health",
	"Thorbis / Security/Posts refused":                                    "nothing receives posts",
	"Thorbis / Weekly review/Filesystems that will be full":               "the disk may not fill",
	"Thorbis / Weekly review/Databases that grow":                         "without a PostgreSQL",
}

// onRequests are the dashboards that show requests; the demonstration may have none.
var onRequests = []string{"Thorbis / SLOs", "Thorbis / Tenants", "Thorbis / Tenant", "Thorbis / Daily review"}

// variables are Grafana's variables as the dashboards use them, with everything picked.
var variables = regexp.MustCompile(`\$\{?([a-z_]\w*)(:\w+)?\}?`)

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
			seen[name], seen[d.Title+"/*"] = true, true
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
			_, expected := mayBeEmpty[name]
			_, all := mayBeEmpty[d.Title+"/*"]
			if len(p.Targets) > 0 && series == 0 && !expected && !all {
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
