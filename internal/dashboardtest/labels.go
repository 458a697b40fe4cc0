// Package dashboardtest has what tests and benchmarks ask dashboards for: the queries of their panels with variables
// filled in, and series of every metric with labels that agree with each other.
package dashboardtest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/thorbis/thorbis_exporter/metric"
)

// thing is what labels name together, so that series of different metrics join.
type thing struct {
	label  string // whose presence decides that a metric is about it
	values []map[string]string
}

// things are looked through in this order.
var things = []thing{
	{"domain", []map[string]string{{"domain": "thorbis.com", "app_service": "web", "owner": "sre", "page": "P2"}}},
	{"transaction", []map[string]string{{
		"transaction": "orders", "app_service": "web", "owner": "sre", "page": "P1", "currency": "EUR", "store": "s1",
	}}},
	{"figure", []map[string]string{
		{
			"figure": "tickets", "app_service": "web", "kind": "open_tickets", "tenant": "", "class": "urgent", "owner": "sre",
			"page": "P3",
		},
		{
			"figure": "score", "app_service": "web", "kind": "satisfaction", "tenant": "", "class": "", "owner": "sre",
			"page": "P3",
		},
		{
			"figure": "users", "app_service": "web", "kind": "active_users", "tenant": "acme", "class": "", "owner": "sre",
			"page": "P3",
		},
	}},
	{"query", []map[string]string{{"query": "orders"}}},
	{"check", []map[string]string{
		{"check": "web-home", "app_service": "web", "tier": "none", "owner": "sre", "page": "P1"},
		{"check": "web-tls", "app_service": "web", "tier": "none", "owner": "sre", "page": "P1"},
		{
			"check": "tenant-home", "app_service": "web", "tenant": "acme", "tier": "enterprise", "owner": "sre", "page": "P2",
		},
		{
			"check": "tenant-home", "app_service": "web", "tenant": "globex", "tier": "standard", "owner": "sre", "page": "P4",
		},
	}},
	{"incident", []map[string]string{
		{"incident": "f1", "alert": "ThorbisCheckDown", "app_service": "web", "priority": "P1", "owner": "sre"},
		{"incident": "f2", "alert": "ThorbisTenantDown", "app_service": "web", "priority": "P2", "owner": "sre"},
	}},
	{"backup", []map[string]string{
		{
			"backup": "base", "repository": "repo1", "app_service": "web", "owner": "sre", "page": "P2", "program": "pgbackrest",
			"host": "db-1", "mountpoint": "/data",
		},
		{"backup": "base", "repository": "repo1", "tenant": "acme"},
	}},
	{"source", []map[string]string{{"source": "edge", "app_service": "web"}}},
	{"device", []map[string]string{
		{"device": "vda", "host": "db-1", "mountpoint": "/data", "fstype": "ext4", "name": "data"},
	}},
	{"mountpoint", []map[string]string{{"mountpoint": "/data", "host": "db-1", "fstype": "ext4"}}},
	{"host", []map[string]string{{"host": "db-1"}}},
	{"tenant", []map[string]string{
		{"tenant": "acme", "app_service": "web", "tier": "enterprise", "slo": "availability", "owner": "sre", "page": "P2"},
		{"tenant": "globex", "app_service": "web", "tier": "standard", "slo": "availability", "owner": "sre", "page": "P4"},
	}},
	{"server", []map[string]string{{"server": "main", "database": "app"}}},
	{"vendor", []map[string]string{{
		"vendor": "supabase", "component": "Database", "owner": "sre", "app_service": "web", "page": "P1",
	}}},
	{"deployment", []map[string]string{
		{"deployment": Deployments[0], "pull_request": "1234", "commit": Deployments[0], "app_service": "web"},
		{"deployment": Deployments[1], "pull_request": "1235", "commit": Deployments[1], "app_service": "web"},
	}},
	{"scan", []map[string]string{{
		"scan": "web-image", "report": "trivy.json", "app_service": "web", "owner": "security", "page": "P1",
	}}},
	{"secret", []map[string]string{{"secret": "signing-key", "app_service": "web", "owner": "security", "page": "P2"}}},
	{"access", []map[string]string{{"access": "github", "app_service": "web", "owner": "security", "page": "P1"}}},
	{"app_service", []map[string]string{{
		"app_service": "web", "tier": "enterprise", "owner": "sre", "page": "P1", "tenant_page": "P2", "slo": "availability",
	}}},
}

// Deployments are the names of those that are exposed, the older one first.
var Deployments = []string{"4f1c0de4f1c0", "5a1c0de5a1c0"}

// choices are values of the labels that things do not give, each combined with each.
var choices = map[string][]string{
	"location": {"fra"}, "state": metric.HealthStates, "code_class": {"2xx", "4xx", "5xx"}, "code": metric.RefusalCodes,
	"threshold": {"0.3"},
	"operation": {"read", "write", "discard"}, "kind": {"full", "any"}, "reason": {"timeout"}, "phase": {"connect"},
	"result": {"success", "failure"}, "test": metric.BackupTests, "shift": metric.Shifts, "length": metric.Lengths,
	"priority": {"P1", "P2", "P3", "P4"}, "window": {"1m", "5m", "15m"}, "resource": {"cpu", "io"}, "process": {"app"},
	"canary": {"data"}, "collector": {"health"}, "mode": {"user", "idle"}, "object": {"relation"}, "context": {"normal"},
	"status": {"clientHold"}, "sha256": {"0"}, "version": {"1"}, "program": {"x"}, "format": {"nginx-json"},
	"tier": {"enterprise"}, "server": {"main"}, "impact": {metric.VendorImpactMajor},
	"queryid": {"42", metric.QueryOther}, "finding_severity": metric.FindingSeverities, "fixable": {"true", "false"},
	"account_kind": metric.AccountKinds, "use": metric.AccountUses,
}

// windows are those of the requests of tenants.
var windows = append(metric.BurnWindows(), metric.WindowPeriod)

// choicesOf are those of single metrics.
var choicesOf = map[string]map[string][]string{
	metric.IncidentsOpen.Name:        {"state": metric.IncidentStates},
	metric.IncidentResponses.Name:    {"result": metric.Responses},
	metric.PostgresTransactions.Name: {"result": {metric.ResultCommit, metric.ResultRollback}},
	metric.TenantReceiverPosts.Name:  {"result": {metric.PostAccepted, metric.PostUnauthorized}},
	metric.TenantWindowRequests.Name: {"window": windows}, metric.TenantWindowBadRequests.Name: {"window": windows},
	metric.TenantWindowCounted.Name:  {"window": windows},
	metric.PostgresIDAge.Name:        {"kind": {metric.KindTransaction, metric.KindMultixact}},
	metric.PostgresFreezeAge.Name:    {"kind": {metric.KindTransaction, metric.KindMultixact}},
	metric.HostPressure.Name:         {"kind": {metric.PressureSome}},
	metric.DeploymentFailed.Name:     {"reason": {metric.DeploymentRolledBack}},
	metric.DeploymentFailures.Name:   {"reason": metric.DeploymentFailureReasons},
	metric.ScanReportState.Name:      {"state": metric.ScanStates},
	metric.AccessState.Name:          {"state": metric.AccessStates},
	metric.VendorState.Name:          {"state": metric.VendorStates},
	metric.VendorPageState.Name:      {"state": metric.VendorStates},
	metric.VendorComponentState.Name: {"state": metric.VendorStates},
	metric.VendorMonthSeconds.Name:   {"state": metric.VendorStates},
	metric.VendorStateSeconds.Name:   {"state": metric.VendorStates},
	metric.VendorSince.Name:          {"state": {metric.VendorOperational, metric.VendorMajor}},
}

// Sets returns the labels of a metric's series.
func Sets(m *metric.Metric) []map[string]string {
	sets := []map[string]string{{}}
	has := map[string]bool{}
	for _, about := range things {
		if !m.Has(about.label) {
			continue
		}
		sets = nil
		for _, values := range about.values {
			set := map[string]string{}
			for l, v := range values {
				has[l] = true
				if m.Has(l) {
					set[l] = v
				}
			}
			sets = append(sets, set)
		}
		break
	}
	for _, l := range m.Labels {
		values := choices[l]
		if own := choicesOf[m.Name][l]; own != nil {
			values = own
		}
		if has[l] || values == nil {
			continue
		}
		var next []map[string]string
		for _, set := range sets {
			for _, v := range values {
				more := maps.Clone(set)
				more[l] = v
				next = append(next, more)
			}
		}
		sets = next
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(sets, func(set map[string]string) bool {
		key := fmt.Sprint(set)
		again := seen[key]
		seen[key] = true
		return again
	})
}
