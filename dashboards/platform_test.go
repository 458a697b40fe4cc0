package dashboards

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	promrules "github.com/prometheus/prometheus/rules"
	promstorage "github.com/prometheus/prometheus/storage"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/dashboardtest"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// platform is what a whole installation exposes: every metric of the catalogue once or more, with labels that agree
// with each other, and what Prometheus and Alertmanager expose of themselves. At the beginning of its outage nearly
// everything breaks.
type platform struct {
	*ruletest.World
	t      *testing.T
	outage int // the second at which it begins, 0 for never
	sums   map[string]float64
	boards map[string]lintDashboard // by file
}

const scrapeEvery = 15

func newPlatform(t *testing.T, outage int) *platform {
	t.Helper()
	policy, err := config.Load(filepath.Join("..", "rules", "testdata", "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := rules.Build(policy)
	if err != nil {
		t.Fatal(err)
	}
	w := ruletest.EmptyWorld(t)
	w.Load(b.Files())
	for _, g := range w.Groups {
		for _, r := range g.Rules() {
			if a, ok := r.(*promrules.AlertingRule); ok {
				a.SetRestored(true) // else it would not write ALERTS
			}
		}
	}
	return &platform{World: w, t: t, outage: outage, sums: map[string]float64{}, boards: parsed(t)}
}

// run scrapes and evaluates from one second until another.
func (p *platform) run(from, until int) {
	p.t.Helper()
	for at := from; at <= until; at += scrapeEvery {
		app := p.Store.AppenderV2(context.Background())
		add := func(name string, value float64, pairs ...string) {
			b := labels.NewBuilder(labels.FromStrings(pairs...))
			b.Set("__name__", name)
			if _, err := app.Append(0, b.Labels(), 0, ruletest.At(at).UnixMilli(), value, nil, nil,
				promstorage.AOptions{}); err != nil {
				p.t.Fatal(err)
			}
		}
		for _, m := range metric.All() {
			p.expose(m, at, add)
		}
		p.others(at, add)
		if err := app.Commit(); err != nil {
			p.t.Fatal(err)
		}
		p.Evaluate(at)
	}
}

// broken reports whether the outage is on.
func (p *platform) broken(at int) bool { return p.outage > 0 && at >= p.outage }

func (p *platform) expose(m *metric.Metric, at int, add func(string, float64, ...string)) {
	now := float64(ruletest.At(at).Unix())
	for _, set := range dashboardtest.Sets(m) {
		pairs := []string{"job", "thorbis", "instance", "a:9190", metric.LabelEnvironment, "production"}
		for _, l := range m.Labels {
			if set[l] != "" {
				pairs = append(pairs, l, set[l])
			}
		}
		key := m.Name + fmt.Sprint(pairs)
		switch m.Type {
		case metric.Counter:
			p.sums[key] += scrapeEvery * p.perSecond(m, set, at)
			add(m.Name, p.sums[key], pairs...)
		case metric.Histogram:
			for _, le := range []string{"0.1", "0.3", "1", "+Inf"} {
				p.sums[key+le] += scrapeEvery * 10
				add(m.Name+"_bucket", p.sums[key+le], append(slices.Clip(pairs), "le", le)...)
			}
		default:
			if value, ok := p.gauge(m, set, at, now); ok {
				add(m.Name, value, pairs...)
			}
		}
	}
}

// bad are parts of the names and labels of counters that stand still while nothing is wrong.
var bad = []string{
	"fail", "unknown", "down", "outages", "maintenance", "5xx", "slow", "late", "rejects", "errors", "deadlocks", "kills",
	"corruptions", "brief", "delayed", "unauthorized", "off", "opened", "responses",
}

func (p *platform) perSecond(m *metric.Metric, set map[string]string, at int) float64 {
	text := m.Name
	for _, l := range []string{metric.LabelCodeClass, metric.LabelResult, metric.LabelReason} {
		text += " " + set[l]
	}
	wrong := slices.ContainsFunc(bad, func(part string) bool { return strings.Contains(text, part) })
	observed := m == metric.HealthCheckObservedSeconds || m == metric.HealthCheckDownSeconds
	switch {
	case observed && wrong:
		return map[bool]float64{true: 1}[p.broken(at) && brokenCheck(set)]
	case observed:
		return 1
	case wrong && !p.broken(at):
		return 0
	case strings.Contains(text, "requests"), m == metric.StorageOperations:
		return 20
	case strings.Contains(text, "5xx"):
		return 5
	}
	return 1
}

// brokenCheck reports whether the outage hits a check: a service's own and one of a tenant.
func brokenCheck(set map[string]string) bool {
	return set[metric.LabelCheck] == "web-home" || set[metric.LabelTenant] == "acme"
}

// gauge is the value of a gauge, if it has one now.
func (p *platform) gauge(m *metric.Metric, set map[string]string, at int, now float64) (float64, bool) {
	broken := p.broken(at)
	one := map[bool]float64{true: 1}
	begun := float64(ruletest.At(p.outage).Unix())
	switch m {
	case metric.HealthCheckState:
		down := broken && brokenCheck(set)
		return one[set[metric.LabelState] == metric.StateDown && down || set[metric.LabelState] == metric.StateUp && !down],
			true
	case metric.HealthCheckOutageStart:
		return one[broken && brokenCheck(set)] * begun, true
	case metric.HealthCheckOutageDuration, metric.HealthCheckOutageEndAge:
		length := map[bool]float64{true: now - begun}[m == metric.HealthCheckOutageDuration]
		return length, broken && brokenCheck(set)
	case metric.HealthCheckCertificateExpiry:
		return now + 20*86400, set[metric.LabelCheck] != "web-home"
	case metric.HealthCheckExpectedCertificateWarning, metric.HealthCheckExpectedCertificateUrgent:
		return 14 * 86400, set[metric.LabelCheck] != "web-home"
	case metric.IncidentOpenSince:
		return begun + 60, broken
	case metric.IncidentWaitingSince:
		return begun + 60, broken && set[metric.LabelPriority] == "P1"
	case metric.IncidentAcknowledgedNow:
		return one[set[metric.LabelIncident] == "f2"], broken
	case metric.IncidentsOpen:
		return one[broken && (set[metric.LabelPriority] == "P1" && set[metric.LabelState] == metric.IncidentUnacknowledged ||
			set[metric.LabelPriority] == "P2" && set[metric.LabelState] == metric.IncidentAcknowledged)], true
	case metric.IncidentsNotListedWaiting:
		return 0, false
	case metric.VendorState, metric.VendorPageState, metric.VendorComponentState:
		state := metric.VendorOperational
		if broken {
			state = metric.VendorMajor
		}
		return one[set[metric.LabelState] == state], true
	case metric.ScanReportState:
		state := metric.ScanOK
		if broken {
			state = metric.ScanMalformed
		}
		return one[set[metric.LabelState] == state], true
	case metric.ScanReportTime, metric.FindingOldest, metric.FindingExploitedOldest:
		return begun, true
	case metric.VendorSince:
		return now - 60, broken == (set[metric.LabelState] == metric.VendorMajor)
	case metric.VendorOutageSince, metric.VendorOldestIncident:
		return begun, broken
	case metric.DeploymentLive, metric.DeploymentLead, metric.DeploymentFailed, metric.DeploymentRework:
		live := 600 // one in peace, one as the outage begins
		if set[metric.LabelDeployment] == dashboardtest.Deployments[1] {
			live = p.outage
		}
		if m == metric.DeploymentLive {
			return float64(ruletest.At(live).Unix()), at > live
		}
		return 60, at > live
	case metric.WorkflowFailing:
		return one[broken], true
	case metric.DomainExpiry:
		return now + 40*86400, true
	case metric.DomainStatus:
		return one[broken], true
	case metric.BackupTestSuccess, metric.PostgresUp, metric.CollectorSuccess:
		return one[!broken], true
	case metric.BackupLastSuccess, metric.BackupTestLastSuccess:
		if broken {
			return now - 30*86400, true
		}
		return now - 60, true
	case metric.TenantWindowCounted:
		if set[metric.LabelWindow] == metric.WindowPeriod {
			return float64(at) / (30 * 86400), true
		}
		return min(float64(at)/rule.Window(set[metric.LabelWindow]).Seconds(), 1), true
	case metric.TenantWindowRequests:
		return 80 * p.within(set[metric.LabelWindow], at, 0), true
	case metric.TenantWindowBadRequests:
		return 20 * p.within(set[metric.LabelWindow], at, p.outage), broken
	case metric.StorageFilesystemAvailable:
		if broken {
			return 40e9 - 20e6*float64(at-p.outage), true
		}
		return 40e9, true
	}
	if value, ok := gauges[m.Name]; ok {
		return value, true
	}
	switch {
	case strings.HasSuffix(m.Name, "_timestamp_seconds"):
		return now - 60, true
	case strings.Contains(m.Name, "expected_max_age"), strings.Contains(m.Name, "_expected_") && m.Unit == "seconds":
		return 86400, true
	}
	return 1, true
}

// within is how many seconds of a window that ends now lie after a moment.
func (p *platform) within(window string, at, after int) float64 {
	passed := time.Duration(at-after) * time.Second
	if window != metric.WindowPeriod {
		passed = min(passed, rule.Window(window))
	}
	return passed.Seconds()
}

// gauges are the values of gauges that differ from 1.
var gauges = map[string]float64{
	metric.StorageFilesystemSize.Name: 100e9, metric.StorageFilesystemFree.Name: 40e9,
	metric.StorageFilesystemInodes.Name: 1e6, metric.StorageFilesystemInodesFree.Name: 9e5,
	metric.StorageFilesystemReadOnly.Name: 0, metric.StorageFilesystemStale.Name: 0,
	metric.StorageFilesystemError.Name: 0,
	metric.HostMemoryTotal.Name:        16e9, metric.HostMemoryAvailable.Name: 8e9, metric.HostSwapTotal.Name: 2e9,
	metric.HostSwapFree.Name: 1e9, metric.HostProcessResident.Name: 1e8, metric.HostCPUs.Name: 4,
	metric.PostgresMaxConnections.Name: 100, metric.PostgresConnections.Name: 20, metric.PostgresDatabaseSize.Name: 1e9,
	metric.PostgresRecovery.Name: 1, metric.PostgresWALSize.Name: 1e9, metric.PostgresVersion.Name: 170000,
	metric.PostgresIDAge.Name: 3e8, metric.PostgresFreezeAge.Name: 2e8, metric.PostgresUnusedIndexBytes.Name: 1e8,
	metric.BackupLastSize.Name: 1e9, metric.BackupEarlierSize.Name: 1e9, metric.BackupLastStored.Name: 1e9,
	metric.BackupTestWALMissing.Name: 0, metric.BackupWALMissing.Name: 0,
	metric.StateUnsaved.Name: 0, metric.ServiceExpectedPeak.Name: 100,
	metric.StorageExpectedIOPS.Name: 100, metric.StorageExpectedThroughput.Name: 1e6, metric.PolicyWarnings.Name: 0,
	metric.IncidentsUntold.Name: 0, metric.MaintenanceSilences.Name: 0, metric.HealthReferencesDead.Name: 0,
	metric.TenantRegistryTenants.Name: 2,
}

// others are Prometheus and Alertmanager on themselves.
func (p *platform) others(at int, add func(string, float64, ...string)) {
	exporter := []string{"job", "thorbis", "instance", "a:9190"}
	prometheus := []string{"job", "prometheus", "instance", "p:9090"}
	alertmanager := []string{"job", "alertmanager", "instance", "m:9093"}
	for _, target := range [][]string{exporter, prometheus, alertmanager} {
		add(seriesUp, 1, target...)
		add(scrapeDuration, 0.01, target...)
		add(scrapeSamples, 500, target...)
		add(residentMemory, 5e7, target...)
		add(processSeconds, float64(at)/50, target...)
	}
	group := append(slices.Clone(prometheus), "rule_group", "slo.rules.yaml;thorbis-slo-fast")
	add(ruleGroupSeconds, 0.1, group...)
	add(ruleGroupInterval, 30, group...)
	add(ruleFailures, 0, group...)
	add(ruleMisses, 0, group...)
	add(alertmanagersKnown, 1, prometheus...)
	add(prometheusReload, 1, prometheus...)
	add(alertmanagerReload, 1, alertmanager...)
	peer := append(slices.Clone(prometheus), "alertmanager", "http://m:9093/api/v2/alerts")
	add(alertsNotDelivered, 0, peer...)
	add(alertsDropped, 0, prometheus...)
	integration := append(slices.Clone(alertmanager), "integration", "webhook")
	add(notificationsSent, float64(at/60), integration...)
	failed := 0
	if p.broken(at) {
		failed = (at - p.outage) / 60
	}
	add(notificationsFailed, float64(failed), append(slices.Clone(integration), "reason", "serverError")...)
	add(notificationSeconds, float64(at)/600, integration...)
	add(notificationsMeasured, float64(at/60), integration...)
	scaled := []string{
		"job", "kube-state-metrics", "instance", "k:8080", "namespace", "web", "horizontalpodautoscaler",
		"web",
	}
	add(metric.KubeReplicas, 3, scaled...)
	add(metric.KubeMaxReplicas, 10, scaled...)
	container := []string{
		"job", "kubelet", "instance", "n:10250", "namespace", "web", "pod", "web-1", "container", "web",
	}
	add(metric.ContainerMemory, 5e8, container...)
	add(metric.ContainerMemoryLimit, 1e9, container...)
	add(metric.ContainerPeriods, float64(at)*10, container...)
	add(metric.ContainerThrottled, float64(at), container...)
}

// ask evaluates a query at a second and returns the number of its series and of the samples that it read.
func (p *platform) ask(expr string, at int) (series int, samples int64) {
	p.t.Helper()
	q, err := p.Engine.NewInstantQuery(context.Background(), p.Store, nil, expr, ruletest.At(at))
	if err != nil {
		p.t.Fatalf("%s: %v", expr, err)
	}
	defer q.Close()
	result := q.Exec(context.Background())
	if result.Err != nil {
		p.t.Errorf("%s: %v", expr, result.Err)
		return 0, 0
	}
	v, err := result.Vector()
	if err != nil {
		return 1, q.Stats().Samples.TotalSamples // a scalar
	}
	return len(v), q.Stats().Samples.TotalSamples
}
