package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/send"
	"github.com/thorbis/thorbis_exporter/report/sla"
	"github.com/thorbis/thorbis_exporter/report/source"
)

// maxMonths is how many months the histories hold.
const maxMonths = 14

// reportSLA writes the contract of a month.
type reportSLA struct {
	*reports
	month, tenant, tier string
	all, overview       bool
}

func newReportSLA(family *kingpin.CmdClause, r *reports) {
	s := &reportSLA{reports: r}
	c := family.Command("sla", "Write what the contract of a month owes: availability, what is left out of it, outages, "+
		"credits.")
	c.Flag("month", "Month such as 2026-10, or the first and the last like 2026-01..2026-10; default is the last one "+
		"that is over.").StringVar(&s.month)
	c.Flag("tenant", "Tenant that the report is about; without it it is about the platform.").StringVar(&s.tenant)
	c.Flag("overview", "Write a line for each tenant instead of a report.").BoolVar(&s.overview)
	c.Flag("tier", "Write an overview of the tenants of a tier; with --all-tenants their reports too.").StringVar(&s.tier)
	c.Flag("all-tenants", "Write an overview of all tenants and, into the directory of --out, a report of each.").
		BoolVar(&s.all)
	c.Validate(func(*kingpin.CmdClause) error {
		switch {
		case s.tenant != "" && (s.all || s.overview || s.tier != ""):
			return errors.New("--tenant excludes --all-tenants, --overview and --tier")
		case s.all && r.out == "":
			return errors.New("--all-tenants needs --out: write the name of a directory")
		case strings.Contains(s.month, "..") && r.out == "":
			return errors.New("several months need --out: write the name of a directory")
		}
		return nil
	})
	r.run[c.FullCommand()] = s.write
}

// months reads the flag --month.
func (s *reportSLA) months(zone *time.Location) ([]sla.Month, error) {
	if s.month == "" {
		return []sla.Month{sla.MonthOf(s.now(), zone).Add(-1)}, nil
	}
	first, last, several := strings.Cut(s.month, "..")
	if !several {
		last = first
	}
	begin, err := sla.ParseMonth(first, zone)
	if err != nil {
		return nil, fmt.Errorf("--month: %w", err)
	}
	end, err := sla.ParseMonth(last, zone)
	if err != nil {
		return nil, fmt.Errorf("--month: %w", err)
	}
	var all []sla.Month
	for m := begin; !m.Span().From.After(end.Span().From); m = m.Add(1) {
		if all = append(all, m); len(all) > maxMonths {
			return nil, fmt.Errorf("--month: too many months: write at most %d, as histories hold", maxMonths)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("--month: %s is after %s: write the earlier one first", first, last)
	}
	return all, nil
}

func (s *reportSLA) write(ctx context.Context, stderr io.Writer) (int, error) {
	p, err := s.load(ctx)
	if err != nil {
		return 1, err
	}
	months, err := s.months(p.SLA.Zone())
	if err != nil {
		return 1, err
	}
	if err := s.directory(); err != nil {
		return 1, err
	}
	in, err := s.open(ctx, p)
	if err != nil {
		return 1, err
	}
	doubtful := false
	bar := newProgress(stderr)
	defer bar.end()
	for _, m := range months {
		one := &slaMonth{reportSLA: s, inputs: in, policy: p, month: m, bar: bar, now: s.now()}
		doubt, err := one.write(ctx)
		if err != nil {
			return 1, err
		}
		doubtful = doubtful || doubt
	}
	bar.end()
	if doubtful {
		_, _ = fmt.Fprintln(stderr, "warning: a report rests on something that is missing or disagrees; "+
			"it says what under \"What makes these figures doubtful\"")
		return exitDoubtful, nil
	}
	return 0, nil
}

// slaMonth writes the reports of one month.
type slaMonth struct {
	*reportSLA
	*inputs
	policy  *config.Policy
	month   sla.Month
	now     time.Time
	bar     *progress
	reads   source.Range
	builder *sla.Builder
	read    []report.Incident // nil without a source of incidents
	// rebuilt are days of checks that are no tenant's own and of which no exporter has all, and compared the comparisons
	// of those checks.
	rebuilt  []sla.Target
	compared []sla.Comparison
}

func (m *slaMonth) write(ctx context.Context) (doubtful bool, err error) {
	m.reads = source.RangeOf(m.month, m.now)
	targets, err := m.shared(ctx, m.reads)
	if err != nil {
		return false, err
	}
	if m.rebuilt, err = m.lacking(ctx, "", targets); err != nil {
		return false, err
	}
	if m.builder, err = sla.NewBuilder(m.policy, m.month, m.now, slices.Concat(targets, m.rebuilt)); err != nil {
		return false, err
	}
	if err := m.second(ctx, targets); err != nil {
		return false, err
	}
	switch {
	case m.many():
		return m.tenants(ctx)
	case m.tenant == "":
		r := m.builder.Build(sla.Subject{Incidents: m.read})
		return m.emit(ctx, "sla-"+m.month.String(), r, nil)
	}
	r, unreadable, known, err := m.report(ctx, m.tenant)
	if err != nil {
		return false, err
	}
	if !known {
		return false, fmt.Errorf("unknown tenant %q: no exporter has a history of it in %s", m.tenant, m.month)
	}
	return m.emit(ctx, m.name(m.tenant), r, unreadable)
}

// name is that of the files of a tenant's report.
func (m *slaMonth) name(tenant string) string {
	return "sla-" + m.month.String() + "-" + url.PathEscape(tenant)
}

// second reads incidents, and from Prometheus what to compare the exporters' histories with.
func (m *slaMonth) second(ctx context.Context, targets []sla.Target) error {
	s := m.month.Span()
	if s.To.After(m.now) {
		s.To = m.now
	}
	incidents := m.incidents(m.policy, "",
		func(share float64) { m.bar.at("incidents of "+m.month.String(), share) })
	var err error
	if incidents != nil {
		if m.read, err = incidents.Incidents(ctx, s.From, s.To); err != nil {
			return err
		}
	}
	if m.prometheus == nil {
		return nil
	}
	counters, err := m.prometheus.Down(ctx, m.policy.Environment, "", s.From, s.To)
	m.compared = m.builder.Compare(targets, m.rebuilt, counters, m.scrape)
	return err
}

// lacking returns what Prometheus has of days of which the exporters do not have all, of a tenant's own checks or, for
// an empty name, of those of none.
func (m *slaMonth) lacking(ctx context.Context, tenant string, recorded []sla.Target) ([]sla.Target, error) {
	if m.prometheus == nil {
		return nil, nil
	}
	return m.prometheus.Lacking(ctx, source.Rebuild{
		Environment: m.policy.Environment, Tenant: tenant, Over: m.reads.Over, Zone: m.policy.SLA.Zone(), Scrape: m.scrape,
		Keep: func(check string) bool {
			_, ok := m.policy.Check(check)
			return ok
		},
	}, recorded)
}

// report builds the report of a tenant of what all exporters recorded of it.
func (m *slaMonth) report(ctx context.Context, tenant string,
) (r *sla.Report, unreadable []string, known bool, err error) {
	s := sla.Subject{Tenant: tenant, Incidents: m.read}
	for _, h := range m.histories {
		t, err := h.Tenant(ctx, tenant, m.reads)
		if err != nil {
			return nil, nil, false, err
		}
		known = known || t.Known
		if len(s.Memberships) == 0 {
			s.Memberships = t.Memberships
		}
		s.Targets = append(s.Targets, t.Targets...)
		s.Requests = append(s.Requests, t.Requests...)
		unreadable = append(unreadable, t.Unreadable...)
	}
	if m.prometheus == nil || m.many() {
		return m.builder.Build(s), unreadable, known, nil
	}
	recorded := s.Targets
	rebuilt, err := m.lacking(ctx, tenant, recorded)
	if err != nil {
		return nil, nil, false, err
	}
	s.Targets = slices.Concat(recorded, rebuilt)
	r = m.builder.Build(s)
	counters, err := m.prometheus.Down(ctx, m.policy.Environment, tenant, r.From, r.To)
	if err != nil {
		return nil, nil, false, err
	}
	r.Method.Comparisons = m.builder.Compare(recorded, rebuilt, counters, m.scrape)
	if note := m.builder.RebuiltNote(rebuilt); note != "" {
		r.Method.Notes = append(r.Method.Notes, note)
	}
	return r, unreadable, known || len(rebuilt) > 0, nil
}

// finish adds to a report what it rests on.
func (m *slaMonth) finish(r *sla.Report, unreadable []string) {
	r.Method.Generator = strings.TrimSpace("thorbis_exporter " + version.Version)
	r.Method.Sources = m.sources
	if note := m.builder.RebuiltNote(m.rebuilt); note != "" {
		r.Method.Notes = append(r.Method.Notes, note)
	}
	r.Method.Comparisons = slices.Concat(m.compared, r.Method.Comparisons)
	r.Method.Defects = append(r.Method.Defects, m.defects...)
	r.Method.Defects = append(r.Method.Defects, sla.Disagreements(r.Method.Comparisons)...)
	if len(unreadable) > 0 {
		slices.Sort(unreadable)
		r.Method.Defects = append(r.Method.Defects,
			"Requests of these days cannot be read: "+strings.Join(slices.Compact(unreadable), ", ")+".")
	}
}

func (m *slaMonth) emit(ctx context.Context, name string, r *sla.Report, unreadable []string,
) (doubtful bool, err error) {
	m.finish(r, unreadable)
	return len(r.Method.Defects) > 0, m.publish(ctx, m.policy, name, r.Document(), r)
}

// many reports whether the report is about more than one tenant.
func (s *reportSLA) many() bool { return s.all || s.overview || s.tier != "" }

// tenants writes a line for each tenant and, with --all-tenants, a report of each.
func (m *slaMonth) tenants(ctx context.Context) (doubtful bool, err error) {
	var names []string
	for _, h := range m.histories {
		more, err := h.Tenants(ctx, m.reads)
		if err == nil {
			err = h.Prepare(ctx, m.reads)
		}
		if err != nil {
			return false, err
		}
		names = append(names, more...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	lines, err := m.each(ctx, names)
	if err != nil {
		return false, err
	}
	o := m.builder.Overview(m.tier)
	for _, r := range lines {
		if r != nil {
			o.Add(r)
			doubtful = doubtful || len(r.Method.Defects) > 0
		}
	}
	name := "sla-" + m.month.String()
	if m.send == "" || m.out != "" || len(m.formats) > 0 {
		for _, format := range m.chosen(report.Formats) {
			full := format == "csv" || format == "json"
			if err := m.reports.write(name, []string{format}, o.Document(full), o); err != nil {
				return doubtful, err
			}
		}
	}
	if m.send != "" {
		err = send.Send(ctx, m.policy, m.send, send.Message{Name: name, Document: o.Document(false), Model: o})
	}
	return doubtful, err
}

// each builds the reports of tenants side by side, and writes them if that is asked for. What is returned has no more
// than the overview needs.
func (m *slaMonth) each(ctx context.Context, names []string) ([]*sla.Report, error) {
	lines := make([]*sla.Report, len(names))
	formats := m.formats
	if len(formats) == 0 {
		formats = []string{"html"}
	}
	work := make(chan int)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range work {
				r, err := m.one(ctx, names[i], formats)
				if err != nil {
					cancel(err)
					continue
				}
				lines[i] = r
			}
		})
	}
	for i := range names {
		select {
		case work <- i:
			m.bar.at("tenants of "+m.month.String(), float64(i)/float64(len(names)))
			continue
		case <-ctx.Done():
		}
		break
	}
	close(work)
	group.Wait()
	return lines, context.Cause(ctx)
}

// one builds the report of one of many tenants, nil if it is of another tier.
func (m *slaMonth) one(ctx context.Context, name string, formats []string) (*sla.Report, error) {
	r, unreadable, _, err := m.report(ctx, name)
	if err != nil {
		return nil, err
	}
	if m.tier != "" && !slices.ContainsFunc(r.Memberships, func(s sla.Membership) bool { return s.Tier == m.tier }) {
		return nil, nil
	}
	m.finish(r, unreadable)
	if m.all {
		if err := m.reports.write(m.name(name), formats, r.Document(), r); err != nil {
			return nil, err
		}
	}
	r.Services, r.Outages, r.Windows, r.Incidents, r.Method.Comparisons = nil, nil, nil, nil, nil
	return r, nil
}
