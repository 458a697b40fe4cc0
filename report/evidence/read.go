package evidence

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/source"
)

// step is the step at which runs are read: of two runs within it, the last one is listed.
const step = 5 * time.Minute

// Options are what evidence is made of.
type Options struct {
	Policy     *config.Policy
	Prometheus *source.Prometheus
	Incidents  report.Incidents
	// Exporters are read for who signed tasks; none is read for an empty list.
	Exporters []*source.Exporter
	From, To  time.Time
	// Progress is called with the share that is done; nil is none.
	Progress func(share float64)
}

// collection is evidence that is being read.
type collection struct {
	*Options
	populations []*Population
	defects     []string
}

// Collect reads the populations of a time.
func Collect(ctx context.Context, o Options) ([]*Population, []string, error) {
	c := &collection{Options: &o}
	steps := []func(context.Context) error{
		c.reach, c.backups, c.tests, c.procedures, c.incidents, c.changes, c.deployments, c.vendors,
		c.scans, c.alerts, c.signers,
	}
	for i, step := range steps {
		if err := step(ctx); err != nil {
			return nil, nil, err
		}
		if o.Progress != nil {
			o.Progress(float64(i+1) / float64(len(steps)))
		}
	}
	for _, p := range c.populations {
		p.order()
	}
	return c.populations, c.defects, nil
}

func (c *collection) add(p *Population) { c.populations = append(c.populations, p) }

func (c *collection) environment() string {
	return metric.LabelEnvironment + "=" + strconv.Quote(c.Policy.Environment)
}

// reach notes where Prometheus has nothing of the time's beginning.
func (c *collection) reach(ctx context.Context) error {
	expr := fmt.Sprintf("count(last_over_time(%s[1h]))", metric.PolicyInfo.Select(c.environment()))
	_, ok, err := c.Prometheus.Value(ctx, expr, c.From.Add(time.Hour))
	if err == nil && !ok {
		c.defects = append(c.defects, fmt.Sprintf("Prometheus has nothing of %s: the populations begin later.",
			c.From.Format(time.RFC3339)))
	}
	return err
}

// runs returns the times that a timestamp series took within the time, each once.
func (c *collection) runs(ctx context.Context, expr string) ([]source.Series, error) {
	series, err := c.Prometheus.Between(ctx, expr, c.From, c.To, step, nil)
	if err != nil {
		return nil, err
	}
	for i := range series {
		var times []source.Point
		for _, p := range series[i].Points {
			at := time.UnixMilli(int64(p.Value * 1000)).UTC()
			if at.Before(c.From) || !at.Before(c.To) {
				continue
			}
			if n := len(times); n == 0 || times[n-1].Value != p.Value {
				times = append(times, source.Point{At: at, Value: p.Value})
			}
		}
		series[i].Points = times
	}
	return series, nil
}

func (c *collection) backups(ctx context.Context) error {
	p := &Population{
		Key: "backup_runs", Title: "Backup runs", Criteria: []string{"A1.2"},
		Basis: "times of the newest success of each backup, read every 5 minutes; missed runs are alerts",
	}
	labels := []string{metric.LabelBackup, metric.LabelKind, metric.LabelRepository, metric.LabelTenant}
	series, err := c.runs(ctx, fmt.Sprintf("max by (%s) (%s)", strings.Join(labels, ", "),
		metric.BackupLastSuccess.Select(c.environment())))
	if err != nil {
		return err
	}
	for _, s := range series {
		name := s.Labels[metric.LabelBackup]
		artefact := strings.Trim(strings.Join([]string{
			s.Labels[metric.LabelKind], s.Labels[metric.LabelRepository], s.Labels[metric.LabelTenant],
		}, " "), " ")
		for _, at := range s.Points {
			p.Items = append(p.Items, Item{at.At, name, resultSuccess, c.backupOwner(name), artefact, ""})
		}
	}
	missed, err := c.Prometheus.Alerts(ctx, c.Policy.Environment, c.From, c.To, nil,
		fmt.Sprintf("alertname=%q", metric.BackupMissedAlert.Name))
	if err != nil {
		return err
	}
	for _, f := range missed {
		name := f.Labels[metric.LabelBackup]
		p.Items = append(p.Items, Item{f.From, name, resultMissed, c.backupOwner(name), "alert " + f.Alert, ended(f)})
	}
	c.add(p)
	return nil
}

func (c *collection) backupOwner(name string) string {
	if b, ok := c.Policy.Backup(name); ok {
		return c.owner(b.Owner, b.AppService)
	}
	return ""
}

// owner is an owner of its own, else that of the service.
func (c *collection) owner(own, appService string) string {
	if s, ok := c.Policy.Service(appService); ok && own == "" {
		return s.Owner
	}
	return own
}

func ended(f source.Firing) string {
	if f.Open {
		return "still the case at the end of the time"
	}
	return "until " + f.To.Format(time.RFC3339)
}

// tests are verifications and restore tests: a run whose time is that of the newest success has succeeded.
func (c *collection) tests(ctx context.Context) error {
	by := fmt.Sprintf("max by (%s, %s) ", metric.LabelBackup, metric.LabelTest)
	runs, err := c.runs(ctx, by+"("+metric.BackupTested.Select(c.environment())+")")
	if err != nil {
		return err
	}
	good, err := c.runs(ctx, by+"("+metric.BackupProven.Select(c.environment())+")")
	if err != nil {
		return err
	}
	succeeded := map[string]bool{}
	key := func(s source.Series, at source.Point) string {
		return s.Labels[metric.LabelBackup] + "\x00" + s.Labels[metric.LabelTest] + "\x00" + fmt.Sprint(at.Value)
	}
	for _, s := range good {
		for _, at := range s.Points {
			succeeded[key(s, at)] = true
		}
	}
	p := &Population{
		Key: "restore_tests", Title: "Verifications and restore tests", Criteria: []string{"A1.2", "A1.3"},
		Basis: "times of the last run and of the last success of each test, read every 5 minutes",
	}
	for _, s := range runs {
		name, test := s.Labels[metric.LabelBackup], s.Labels[metric.LabelTest]
		for _, at := range s.Points {
			result := resultFailure
			if succeeded[key(s, at)] {
				result = resultSuccess
			}
			p.Items = append(p.Items, Item{at.At, name + " " + test, result, c.backupOwner(name), "result file of " + name, ""})
		}
	}
	c.add(p)
	return nil
}

// procedures are the runs that the policy expects, by kind.
func (c *collection) procedures(ctx context.Context) error {
	all := make([]*Population, len(procedureKinds))
	for i, k := range procedureKinds {
		all[i] = &Population{
			Key: k.key, Title: k.title, Criteria: k.criteria,
			Basis: "runs that exporters list, with who signed a task and the link of the signature; of those that none lists, " +
				"times of the newest success and failure of each procedure of the policy, read every 5 minutes",
		}
		c.add(all[i])
	}
	owners := map[string]string{}
	if p := c.Policy.Procedures(); p != nil {
		for _, e := range p.Expected {
			owners[e.Name] = c.owner(e.Owner, e.AppService)
		}
	}
	listed, err := c.listed(ctx)
	if err != nil {
		return err
	}
	for name, runs := range listed {
		p := all[kindOf(name)]
		for _, r := range runs {
			p.Items = append(p.Items, signed(name, owners[name], r))
		}
	}
	for result, m := range map[string]*metric.Metric{
		resultSuccess: metric.ProcedureLastSuccess, resultFailure: metric.ProcedureLastFailure,
	} {
		series, err := c.runs(ctx, fmt.Sprintf("max by (%s) (%s)", metric.LabelProcedure, m.Select(c.environment())))
		if err != nil {
			return err
		}
		for _, s := range series {
			name := s.Labels[metric.LabelProcedure]
			p := all[kindOf(name)]
			for _, at := range s.Points {
				if !lists(listed[name], at.At, result) {
					p.Items = append(p.Items, Item{at.At, name, result, owners[name], reportOfProcedure, ""})
				}
			}
		}
	}
	return nil
}

// capacityAlerts are the alerts on what runs out, and gapAlerts those on monitoring that was not there.
var (
	capacityAlerts = []*metric.Alert{
		metric.DiskFillingAlert, metric.DiskFullAlert, metric.InodesAlert, metric.DiskLimitAlert, metric.CPUAlert,
		metric.MemoryAlert, metric.NearPeakAlert, metric.ConnectionsAlert, metric.ScalingMaximumAlert,
	}
	gapAlerts = []*metric.Alert{
		metric.ExporterDownAlert, metric.LocationSilentAlert, metric.ProberOfflineAlert, metric.CheckSilentAlert,
		metric.CollectorFailingAlert, metric.EnvironmentUnwatchedAlert, metric.ServiceUnwatchedAlert,
	}
)

func (c *collection) alerts(ctx context.Context) error {
	gap, names := map[string]bool{}, []string{}
	for _, a := range slices.Concat(capacityAlerts, gapAlerts) {
		gap[a.Name] = slices.Contains(gapAlerts, a)
		names = append(names, a.Name)
	}
	fired, err := c.Prometheus.Alerts(ctx, c.Policy.Environment, c.From, c.To, nil,
		fmt.Sprintf("alertname=~%q", strings.Join(names, "|")))
	if err != nil {
		return err
	}
	capacity := &Population{
		Key: "capacity_alerts", Title: "Capacity alerts", Criteria: []string{"A1.1"},
		Basis: "alerts that fired, to the minute",
	}
	gaps := &Population{
		Key: "monitoring_gaps", Title: "Gaps in monitoring", Criteria: []string{"CC7.2", "A1.1"},
		Basis: "alerts that fired on monitoring itself, to the minute",
	}
	for _, f := range fired {
		var about []string
		for _, name := range []string{
			metric.LabelAppService, metric.LabelHost, metric.LabelMountpoint, metric.LabelDevice, metric.LabelServer,
			metric.LabelLocation, metric.LabelCheck, "instance",
		} {
			if v := f.Labels[name]; v != "" {
				about = append(about, v)
			}
		}
		to := capacity
		if gap[f.Alert] {
			to = gaps
		}
		to.Items = append(to.Items, Item{
			f.From, f.Alert, "fired", f.Labels[metric.LabelOwner], strings.Join(about, " "), ended(f),
		})
	}
	c.add(capacity)
	c.add(gaps)
	return nil
}
