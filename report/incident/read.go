package incident

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/maintenance"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/source"
)

// before is how long before an incident the timeline begins: what led to it may have begun earlier.
const before = 30 * time.Minute

// instanceLabel is the label by which Prometheus names an exporter.
const instanceLabel = "instance"

// maxTenants bounds the tenants that are listed.
const maxTenants = 20

// Options are what a draft is made of.
type Options struct {
	Policy     *config.Policy
	Prometheus *source.Prometheus
	Incidents  report.Incidents // of the one incident
	ID         string
	// From and To are the time in which the incident is looked for.
	From, To time.Time
}

// errUnknown is why there is no draft.
var errUnknown = errors.New("no incident of this name was open: write the fingerprint that its page or /status names")

// Build drafts the write-up of the newest incident of a name.
func Build(ctx context.Context, o Options) (*Report, error) {
	all, err := o.Incidents.Incidents(ctx, o.From, o.To)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("incident %s, %s to %s: %w", o.ID, o.From.Format(time.DateOnly), o.To.Format(time.DateOnly),
			errUnknown)
	}
	p := o.Policy
	r := &Report{
		Report: "incident", Platform: p.Platform, Environment: p.Environment, TimeZone: p.SLA.Zone().String(),
		Incident: all[len(all)-1], Until: o.To, PolicyHash: p.Hash(), Budgets: []Budget{}, Tenants: []Tenant{},
		Unmeasured: []string{
			"Who deployed is with the pull request. Deployments that no exporter reads (delivery) are not listed.",
			"Which runbooks were opened, and what was done by hand, is not recorded.",
		},
	}
	if r.Resolved != nil {
		r.Until = *r.Resolved
	}
	if priority := p.Priorities[r.Priority]; priority != nil {
		r.RespondWithin = report.Length(priority.RespondWithin)
	}
	r.Due = p.Deadline(r.Priority, r.Began)
	for _, step := range []func(context.Context, *Options) error{
		r.alerts, r.changes, r.deployments, r.vendors, r.budgets, r.tenants, r.revenue,
	} {
		if err := step(ctx, &o); err != nil {
			return nil, err
		}
	}
	r.own()
	if err := r.planned(p); err != nil {
		return nil, err
	}
	slices.SortStableFunc(r.Timeline, func(a, b Event) int { return a.At.Compare(b.At) })
	return r, nil
}

// own adds what is known of the incident itself.
func (r *Report) own() {
	add := func(at time.Time, kind, format string, args ...any) {
		r.Timeline = append(r.Timeline, Event{at, kind, fmt.Sprintf(format, args...)})
	}
	add(r.Began, "incident", "%s began: %s, notified by its priority's channels", r.Alert, r.Priority)
	if r.Acknowledged != nil {
		by := ""
		if r.AcknowledgedBy != "" {
			by = " by " + r.AcknowledgedBy
		}
		add(*r.Acknowledged, "acknowledgement", "acknowledged%s after %s", by, report.Length(r.Acknowledged.Sub(r.Began)))
	} else if r.Due.Before(r.Until) {
		add(r.Due, "deadline", "an acknowledgement was due; there was none")
	}
	if r.Resolved != nil {
		add(*r.Resolved, "incident", "%s resolved after %s", r.Alert, report.Length(r.Resolved.Sub(r.Began)))
	}
}

// alerts adds the alerts that fired around the incident, escalations among them, and their runbooks.
func (r *Report) alerts(ctx context.Context, o *Options) error {
	until := r.Until.Add(alertsAfter)
	if until.After(o.To) {
		until = o.To
	}
	firing, err := o.Prometheus.Alerts(ctx, r.Environment, r.Began.Add(-before), until, nil)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	runbook := func(alert string) {
		if base := strings.TrimSuffix(o.Policy.Links.Runbooks, "/"); !seen[alert] && base != "" {
			seen[alert] = true
			r.Runbooks = append(r.Runbooks, Runbook{alert, base + "/" + alert + ".md"})
		}
	}
	runbook(r.Alert)
	for _, f := range firing {
		if f.Alert == metric.UnacknowledgedAlert.Name {
			if f.Labels[metric.LabelFingerprint] != r.ID {
				continue
			}
			r.Timeline = append(r.Timeline, Event{f.From, "escalation", "escalated to " + f.Labels[metric.LabelLayer]})
			continue
		}
		if f.Alert == metric.WatchdogAlert.Name {
			continue
		}
		text := f.Alert
		if about := aboutOf(f.Labels); about != "" {
			text += " of " + about
		}
		text += " (" + f.Labels[metric.LabelPriority] + ")"
		runbook(f.Alert)
		r.Timeline = append(r.Timeline, Event{f.From, "alert", text + " fired"})
		if !f.Open {
			r.Timeline = append(r.Timeline, Event{f.To, "alert", text + " ended"})
		}
	}
	return nil
}

// alertsAfter is for how long after an incident alerts are listed.
const alertsAfter = 15 * time.Minute

func aboutOf(labels map[string]string) string {
	var parts []string
	for _, name := range []string{
		metric.LabelAppService, metric.LabelCheck, metric.LabelTenant, metric.LabelHost, metric.LabelBackup,
		metric.LabelProcedure,
	} {
		if labels[name] != "" {
			parts = append(parts, labels[name])
		}
	}
	return strings.Join(parts, ", ")
}

// changes adds the policies that exporters took into force.
func (r *Report) changes(ctx context.Context, o *Options) error {
	expr := fmt.Sprintf("max by (%s) (%s)", instanceLabel,
		metric.ConfigReloadTimestamp.Select(metric.LabelEnvironment+"="+strconv.Quote(r.Environment)))
	series, err := o.Prometheus.Between(ctx, expr, r.Began.Add(-before), r.Until, time.Minute, nil)
	if err != nil {
		return err
	}
	for _, s := range series {
		for _, c := range source.Changes(s) {
			r.Timeline = append(r.Timeline, Event{
				time.UnixMilli(int64(c.Value * 1000)).UTC(), "change",
				"a policy came into force at " + s.Labels[instanceLabel],
			})
		}
	}
	return nil
}

// planned adds the maintenance windows of the policy.
func (r *Report) planned(p *config.Policy) error {
	for _, m := range p.Maintenance {
		w, err := maintenance.New(m)
		if err != nil {
			return err
		}
		for _, o := range w.Between(r.Began.Add(-before), r.Until) {
			r.Timeline = append(r.Timeline, Event{o.From, "maintenance", "window " + m.Name + " began"},
				Event{o.To, "maintenance", "window " + m.Name + " ended"})
		}
	}
	return nil
}

// window is the length of the incident as PromQL has it.
func (r *Report) window() string {
	return strconv.FormatInt(int64(math.Ceil(max(r.Until.Sub(r.Began), time.Minute).Seconds())), 10) + "s"
}

// budgets adds what the objectives of the service lost.
func (r *Report) budgets(ctx context.Context, o *Options) error {
	if r.AppService == "" {
		return nil
	}
	service := metric.LabelAppService + "=" + strconv.Quote(r.AppService)
	environment := metric.LabelEnvironment + "=" + strconv.Quote(r.Environment)
	gained := func(m *metric.Metric, window string, matchers ...string) string {
		return fmt.Sprintf("sum(increase(%s[%s]))", m.Select(append(matchers, service, environment)...), window)
	}
	// As the rules record them, for as long as they measure; counters may have begun later.
	events := fmt.Sprintf("max(%s) or %s", metric.EventsIncrease["_period"].Select(service, environment,
		metric.LabelSLO+"="+strconv.Quote(metric.SLOAvailability)),
		gained(metric.ServiceRequests, o.Policy.Objectives.Period.String()))
	add := func(name string, bad string, budget config.Ratio) error {
		one := Budget{Objective: name}
		var err error
		if one.Bad, _, err = o.Prometheus.Value(ctx, bad, r.Until); err != nil {
			return err
		}
		var ok bool
		one.All, ok, err = o.Prometheus.Value(ctx, gained(metric.ServiceRequests, r.window()), r.Until)
		if err != nil || !ok {
			return err
		}
		one.Share = report.Ratio{Part: int64(math.Round(one.Bad)), Whole: int64(math.Round(one.All))}
		all, ok, err := o.Prometheus.Value(ctx, events, r.Until)
		if err != nil {
			return err
		}
		// The budget is that of the whole period: what was not measured of it is taken to have the traffic of what was.
		coverage, known, err := o.Prometheus.Value(ctx, "max("+metric.SLOCoverage.Select(service, environment)+")", r.Until)
		if err != nil {
			return err
		}
		if !known || coverage <= 0 {
			coverage = 1
		}
		if share, _ := budget.Budget().Float64(); ok && all*share > 0 {
			spent := one.Bad * coverage / (all * share)
			one.Spent = &spent
		}
		r.Budgets = append(r.Budgets, one)
		return nil
	}
	target := o.Policy.Objectives.Availability
	if s, ok := o.Policy.Service(r.AppService); ok && !s.Availability.IsZero() {
		target = s.Availability
	}
	err := add("availability "+target.Percent(),
		gained(metric.ServiceRequests, r.window(), metric.LabelCodeClass+`="5xx"`), target)
	for _, l := range o.Policy.Objectives.Latency {
		if err == nil {
			threshold := metric.LabelThreshold + "=" + strconv.Quote(strconv.FormatFloat(l.Threshold.Seconds(), 'f', -1, 64))
			err = add(l.Ratio.Percent()+" within "+l.Threshold.String(),
				gained(metric.ServiceSlowRequests, r.window(), threshold), l.Ratio)
		}
	}
	return err
}

// tenants adds whose requests failed.
func (r *Report) tenants(ctx context.Context, o *Options) error {
	if r.AppService == "" {
		return nil
	}
	selector := func(matchers ...string) string {
		return metric.TenantRequests.Select(append(matchers, metric.LabelAppService+"="+strconv.Quote(r.AppService),
			metric.LabelEnvironment+"="+strconv.Quote(r.Environment))...)
	}
	failed := fmt.Sprintf("sum by (%s) (increase(%s[%s])) > 0.5", metric.LabelTenant,
		selector(metric.LabelCodeClass+`="5xx"`), r.window())
	series, err := o.Prometheus.At(ctx, failed, r.Until)
	if err != nil {
		return err
	}
	all, err := o.Prometheus.At(ctx, fmt.Sprintf("sum by (%s) (increase(%s[%s])) and on (%[1]s) (%[4]s)",
		metric.LabelTenant, selector(), r.window(), failed), r.Until)
	if err != nil {
		return err
	}
	tiers, err := o.Prometheus.At(ctx, fmt.Sprintf("max by (%s, %s) (%s)", metric.LabelTenant, metric.LabelTier,
		metric.TenantInfo.Select(metric.LabelEnvironment+"="+strconv.Quote(r.Environment))), r.Until)
	if err != nil {
		return err
	}
	requests, tier := map[string]float64{}, map[string]string{}
	for _, s := range all {
		requests[s.Labels[metric.LabelTenant]] = s.Points[0].Value
	}
	for _, s := range tiers {
		tier[s.Labels[metric.LabelTenant]] = s.Labels[metric.LabelTier]
	}
	for _, s := range series {
		name := s.Labels[metric.LabelTenant]
		t := Tenant{Tenant: name, Tier: tier[name], Failed: math.Round(s.Points[0].Value), All: math.Round(requests[name])}
		t.Share = report.Ratio{Part: int64(t.Failed), Whole: int64(t.All)}
		r.Tenants = append(r.Tenants, t)
	}
	slices.SortFunc(r.Tenants, func(a, b Tenant) int {
		return cmp.Or(cmp.Compare(b.Failed, a.Failed), cmp.Compare(a.Tenant, b.Tenant))
	})
	r.TenantsHit = len(r.Tenants)
	r.Tenants = r.Tenants[:min(len(r.Tenants), maxTenants)]
	return nil
}
