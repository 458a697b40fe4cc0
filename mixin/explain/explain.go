// Package explain says of one service what a policy promises, measures, judges, routes and shows.
package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/alertmanager"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/mixin/paging"
	"github.com/thorbis/thorbis_exporter/mixin/routetest"
)

// Line is one fact about a service.
type Line struct {
	What string `json:"what"` // such as check home
	Text string `json:"text"`
}

// Alert is an alert that can fire for a service, at the priority that its page leads to.
type Alert struct {
	Name     string `json:"name"`
	Priority string `json:"priority"`
	What     string `json:"what"` // the condition, in a sentence
}

// Route is who is notified of the service's alerts of a priority.
type Route struct {
	Priority      string        `json:"priority"`
	RespondWithin string        `json:"respond_within"`
	Spans         []paging.Span `json:"notified"`
	Escalation    []Line        `json:"escalation,omitempty"`
}

// Service is what a policy means for one service.
type Service struct {
	Name       string   `json:"name"`
	Promised   []Line   `json:"promised"`
	Measured   []Line   `json:"measured"`
	Judged     []Alert  `json:"judged"`
	Routed     []Route  `json:"routed"`
	Dashboards []string `json:"dashboards"`
}

// Of explains a service of a policy. It is an error if the policy has no such service.
func Of(p *config.Policy, name string) (*Service, error) {
	of, ok := p.Service(name)
	if !ok {
		var known []string
		for _, s := range p.Services {
			known = append(known, s.Name)
		}
		return nil, fmt.Errorf("unknown service %q: %s", name, config.Suggest(name, known))
	}
	text, err := alertmanager.Build(p)
	if err != nil {
		return nil, err
	}
	tester, err := routetest.NewTester(text)
	if err != nil {
		return nil, err
	}
	s := &Service{Name: name, Promised: promised(p, of), Dashboards: []string{metric.OverviewDashboard}}
	shown := map[string]bool{}
	s.Measured = measured(p, name, shown)
	s.judged(p, of, shown)
	return s, s.routed(p, tester, of)
}

func promised(p *config.Policy, s *config.Service) []Line {
	availability, from := p.Objectives.Availability, "objectives"
	if !s.Availability.IsZero() {
		availability, from = s.Availability, "the service"
	}
	lines := []Line{
		{"availability", fmt.Sprintf("%s over %s (of %s)", availability.Percent(), p.Objectives.Period, from)},
	}
	for _, l := range p.Objectives.Latency {
		lines = append(lines, Line{"latency", fmt.Sprintf("%s of requests within %s", l.Ratio.Percent(), l.Threshold)})
	}
	for _, o := range p.SLOs {
		if o.AppService == s.Name {
			lines = append(lines, Line{"objective " + o.Name, o.Objective.Percent() + " of " + o.Unit})
		}
	}
	if !p.SLA.Availability.IsZero() {
		lines = append(lines, Line{"contract", p.SLA.Availability.Percent() + " of each calendar month"})
	}
	owner := s.Owner
	if owner == "" {
		owner = "none"
	}
	return append(lines, Line{"owner", owner}, Line{"page", s.Page + ": no alert on it is more urgent"})
}

// measured lists what is watched of a service, and notes the dashboards that show it.
func measured(p *config.Policy, name string, shown map[string]bool) []Line {
	var lines []Line
	add := func(service, kind, of, text string, dashboards ...string) {
		if service != name {
			return
		}
		lines = append(lines, Line{kind + " " + of, text})
		for _, d := range dashboards {
			shown[d] = true
		}
	}
	for _, c := range p.Health.Checks {
		text := fmt.Sprintf("%s by %s every %s", c.Target, c.Module, c.Interval)
		if c.PerTenant != nil {
			text += ", for each tenant"
		}
		add(c.AppService, "check", c.Name, text, metric.HealthDashboard, metric.SLODashboard)
	}
	for _, s := range p.Tenants.Sources {
		from := s.File
		switch {
		case s.Receive != "":
			from = "posts of " + s.Receive
		case s.Stdin:
			from = "standard input"
		}
		add(s.AppService, "requests", s.Name, fmt.Sprintf("%s, format %s", from, s.Format), metric.TenantsDashboard,
			metric.TenantDashboard, metric.SLODashboard)
	}
	for _, o := range p.SLOs {
		add(o.AppService, "objective", o.Name, o.Bad+" of "+o.Total, metric.SLODashboard)
	}
	for _, b := range p.Backups {
		add(b.AppService, "backup", b.Name, fmt.Sprintf("by %s, at most %s old", b.Source.Program, b.MaxAge),
			metric.BackupDashboard)
	}
	if d := p.Delivery(); d != nil {
		for _, one := range d.Services {
			add(one.AppService, "deployments", "", fmt.Sprintf("%d sources", len(one.Sources)), metric.DeliveryDashboard)
		}
	}
	for _, one := range p.Vendors() {
		if slices.Contains(one.Affects, name) {
			add(name, "vendor", one.Name, "its status page", metric.VendorsDashboard)
		}
	}
	if d := p.Domains(); d != nil {
		for _, one := range d.Names {
			add(one.AppService, "domain", one.Name, "when it expires", metric.HealthDashboard)
		}
	}
	if b := p.Business(); b != nil {
		for _, t := range b.Transactions {
			add(t.AppService, "transactions", t.Name, "every "+t.Interval.String(), metric.BusinessDashboard)
		}
		for _, f := range b.Figures {
			add(f.AppService, "figure", f.Name, "every "+f.Interval.String(), metric.BusinessDashboard)
		}
	}
	if c := p.Procedures(); c != nil {
		for _, one := range c.Expected {
			add(one.AppService, "procedure", one.Name, "its runs", metric.ProceduresDashboard)
		}
	}
	if c := p.Security(); c != nil {
		for _, one := range c.Scans {
			add(one.AppService, "scan", one.Name, fmt.Sprintf("every %s", one.Interval), metric.SecurityDashboard)
		}
		for _, one := range c.Secrets {
			add(one.AppService, "secret", one.Name, "ends "+one.Expires.Format(time.DateOnly), metric.SecurityDashboard)
		}
		for _, one := range c.Access {
			add(one.AppService, "access", one.Name, fmt.Sprintf("reviewed every %s", one.ReviewEvery), metric.SecurityDashboard)
		}
	}
	return lines
}

// judged lists the alerts on what the dashboards of a service show. A service's alert has the less urgent of what the
// alert is worth and of the service's page.
func (s *Service) judged(p *config.Policy, of *config.Service, shown map[string]bool) {
	for _, d := range metric.Dashboards {
		if shown[d] {
			s.Dashboards = append(s.Dashboards, d)
		}
	}
	for _, a := range metric.Alerts() {
		if !a.Page || len(a.Priorities) == 0 || !shown[a.Dashboard] || !possible(p, a, of.Name) {
			continue
		}
		priority := a.Priorities[len(a.Priorities)-1]
		for _, one := range slices.Backward(a.Priorities) {
			if config.PriorityRank(one) >= config.PriorityRank(of.Page) {
				priority = one
			}
		}
		s.Judged = append(s.Judged, Alert{a.Name, priority, a.What})
	}
	slices.SortStableFunc(s.Judged, func(a, b Alert) int { return strings.Compare(a.Priority, b.Priority) })
}

// possible reports whether a service has what an alert rests on: requests or checks of tenants, objectives of its own
// or domains.
func possible(p *config.Policy, a *metric.Alert, service string) bool {
	switch {
	case a.Level == metric.LevelTenant, a.Level == metric.LevelTier, a.Level == metric.LevelManyTenants:
		return slices.ContainsFunc(p.Tenants.Sources, func(s *config.Source) bool { return s.AppService == service }) ||
			slices.ContainsFunc(p.Health.Checks, func(c *config.Check) bool {
				return c.AppService == service && c.PerTenant != nil
			})
	case strings.HasPrefix(a.Name, "ThorbisObjective"):
		return slices.ContainsFunc(p.SLOs, func(o *config.SLO) bool { return o.AppService == service })
	case strings.HasPrefix(a.Name, "ThorbisDomain"):
		return p.Domains() != nil
	}
	return true
}

func (s *Service) routed(p *config.Policy, tester *routetest.Tester, of *config.Service) error {
	for _, priority := range config.Priorities {
		if !slices.ContainsFunc(s.Judged, func(a Alert) bool { return a.Priority == priority }) {
			continue
		}
		week, err := paging.Of(tester, p, paging.Labels(p, priority, s.Name, of.Owner))
		if err != nil {
			return err
		}
		r := Route{Priority: priority, RespondWithin: p.Priorities[priority].RespondWithin.String(), Spans: week.Spans()}
		ladder := p.Escalation.Ladder(priority)
		for _, layer := range config.Layers {
			if after := ladder.After(layer); after > 0 {
				channels := strings.Join(p.LayerChannels(layer), ", ")
				r.Escalation = append(r.Escalation, Line{config.Duration(after).String(), layer + ": " + channels})
			}
		}
		s.Routed = append(s.Routed, r)
	}
	return nil
}

// Write prints the explanation for a person.
func (s *Service) Write(out io.Writer, p *config.Policy) {
	fmt.Fprintf(out, "service %s\n", s.Name)
	section := func(title string, lines []Line) {
		fmt.Fprintf(out, "\n%s:\n", title)
		for _, l := range lines {
			fmt.Fprintf(out, "  %-33s %s\n", strings.TrimSpace(l.What), l.Text)
		}
		if len(lines) == 0 {
			fmt.Fprintln(out, "  nothing")
		}
	}
	section("promised", s.Promised)
	section("measured", s.Measured)
	var judged []Line
	for _, a := range s.Judged {
		judged = append(judged, Line{a.Priority + " " + a.Name, a.What})
	}
	section("judged, by the priority of the service's page", judged)
	var routed []Line
	for _, r := range s.Routed {
		what := r.Priority + ", within " + r.RespondWithin
		for _, span := range r.Spans {
			routed = append(routed, Line{what, span.String()})
			what = ""
		}
		for _, e := range r.Escalation {
			routed = append(routed, Line{"  unacknowledged " + e.What, e.Text})
		}
	}
	section("notified, in "+p.Hours.TimeZone, routed)
	var shown []Line
	for _, d := range s.Dashboards {
		link := ""
		if p.Links.Grafana != "" {
			link = strings.TrimSuffix(p.Links.Grafana, "/") + "/d/" + d
		}
		shown = append(shown, Line{d, link})
	}
	section("shown", shown)
}
