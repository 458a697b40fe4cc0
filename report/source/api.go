package source

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/sla"
)

// Exporter is the history of an exporter over its HTTP API.
type Exporter struct {
	*Client
	checks []health.CheckSummary // once they were read
	zone   string                // of the days, as the reports count them
}

// NewExporter returns the history of the exporter that a client reaches. Its days must be those of a time zone.
func NewExporter(c *Client, zone *time.Location) *Exporter {
	return &Exporter{Client: c, zone: zone.String()}
}

// Source reads the exporter's status.
func (e *Exporter) Source(ctx context.Context) (report.Source, error) {
	var s struct {
		Location string `json:"location"`
		Version  string `json:"version"`
		Policy   struct {
			SHA256 string `json:"sha256"`
		} `json:"policy"`
	}
	err := e.get(ctx, "status", nil, &s)
	return report.Source{
		Kind: "exporter", Address: e.base, Location: s.Location, PolicyHash: s.Policy.SHA256, Version: s.Version,
	}, err
}

// list reads the checks once.
func (e *Exporter) list(ctx context.Context) ([]health.CheckSummary, error) {
	if e.checks != nil {
		return e.checks, nil
	}
	var l struct {
		Checks  []health.CheckSummary `json:"checks"`
		Omitted int                   `json:"checks_omitted"`
	}
	if err := e.get(ctx, "checks", nil, &l); err != nil {
		return nil, err
	}
	if l.Omitted > 0 {
		return nil, fmt.Errorf("%s leaves out %d checks: read its state directory", e.base, l.Omitted)
	}
	e.checks = l.Checks
	return e.checks, nil
}

// history reads one check, nil if there is nothing of it.
func (e *Exporter) history(ctx context.Context, check, tenant string, r Range) (*health.History, error) {
	values := url.Values{
		"from": {r.Over.From.UTC().Format(time.RFC3339Nano)}, "to": {r.Over.To.UTC().Format(time.RFC3339Nano)},
	}
	if tenant != "" {
		values.Set("tenant", tenant)
	}
	var h health.History
	err := e.get(ctx, "checks/"+url.PathEscape(check), values, &h)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case len(h.Targets) > 0 && h.TimeZone != e.zone:
		return nil, fmt.Errorf("%s counts days of %s, not of %s: give it the policy of this report", e.base, h.TimeZone,
			e.zone)
	}
	return &h, nil
}

// Shared implements History.
func (e *Exporter) Shared(ctx context.Context, r Range) ([]sla.Target, error) {
	checks, err := e.list(ctx)
	if err != nil {
		return nil, err
	}
	var all []sla.Target
	for _, c := range checks {
		if c.PerTenant {
			continue
		}
		h, err := e.history(ctx, c.Check, "", r)
		if err != nil {
			return nil, err
		}
		if h == nil {
			continue
		}
		if h.TargetsOmitted > 0 && c.Configured {
			return nil, fmt.Errorf("%s leaves out targets of check %s: read its state directory", e.base, c.Check)
		}
		all = append(all, targetsOf(h, func(t *health.TargetHistory) bool { return t.Tenant == "" })...)
	}
	return all, nil
}

// Tenants implements History.
func (e *Exporter) Tenants(ctx context.Context, r Range) ([]string, error) {
	var all []string
	for after := ""; ; {
		var l struct {
			Tenants []string `json:"tenants"`
			Next    string   `json:"next"`
		}
		values := url.Values{"from": {r.First}, "to": {r.Last}}
		if after != "" {
			values.Set("after", after)
		}
		if err := e.get(ctx, "tenants", values, &l); err != nil {
			return nil, err
		}
		all = append(all, l.Tenants...)
		if l.Next == "" || l.Next <= after {
			return all, nil
		}
		after = l.Next
	}
}

// Prepare implements History: the API has no answer about all tenants.
func (e *Exporter) Prepare(ctx context.Context, _ Range) error {
	_, err := e.list(ctx)
	return err
}

// tenantAnswer is what is read of a tenant.
type tenantAnswer struct {
	Tier        string `json:"tier"`
	Registered  bool   `json:"registered"`
	Memberships []struct {
		Tier string     `json:"tier"`
		From *time.Time `json:"from"`
		To   *time.Time `json:"to"`
	} `json:"memberships"`
	TimeZone string `json:"time_zone"`
	Services []struct {
		AppService string      `json:"app_service"`
		Total      countAnswer `json:"total"`
	} `json:"services"`
	Unreadable []string `json:"unreadable_days"`
}

type countAnswer struct {
	Requests   uint64            `json:"requests"`
	Failed     uint64            `json:"failed"`
	Late       uint64            `json:"late"`
	LateFailed uint64            `json:"late_failed"`
	Slow       map[string]uint64 `json:"slow"`
}

// Tenant implements History.
func (e *Exporter) Tenant(ctx context.Context, name string, r Range) (Tenant, error) {
	var t Tenant
	checks, err := e.list(ctx)
	if err != nil {
		return t, err
	}
	for _, c := range checks {
		if !c.PerTenant && c.Configured {
			continue
		}
		h, err := e.history(ctx, c.Check, name, r)
		if err != nil {
			return t, err
		}
		if h != nil {
			t.Known = true
			t.Targets = append(t.Targets, targetsOf(h, func(o *health.TargetHistory) bool { return o.Tenant == name })...)
		}
	}
	var a tenantAnswer
	err = e.get(ctx, "tenants/"+url.PathEscape(name), url.Values{"from": {r.First}, "to": {r.Last}}, &a)
	if errors.Is(err, ErrNotFound) {
		return t, nil // of an exporter that counts no requests too
	}
	if err != nil {
		return t, err
	}
	if a.TimeZone != e.zone {
		return t, fmt.Errorf("%s counts days of %s, not of %s: give it the policy of this report", e.base, a.TimeZone, e.zone)
	}
	return t, t.take(&a)
}

func (t *Tenant) take(a *tenantAnswer) error {
	t.Known = true
	t.Unreadable = a.Unreadable
	for _, m := range a.Memberships {
		one := sla.Membership{Tier: m.Tier}
		if m.From != nil {
			one.From = *m.From
		}
		if m.To != nil {
			one.To = *m.To
		}
		t.Memberships = append(t.Memberships, one)
	}
	if len(t.Memberships) == 0 && a.Registered {
		t.Memberships = []sla.Membership{{Tier: a.Tier}}
	}
	for _, s := range a.Services {
		one := sla.Counted{
			AppService: s.AppService, Requests: s.Total.Requests, Failed: s.Total.Failed, Late: s.Total.Late,
			LateFailed: s.Total.LateFailed, Slow: map[time.Duration]uint64{},
		}
		for text, n := range s.Total.Slow {
			seconds, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return fmt.Errorf("invalid threshold %q", text)
			}
			one.Slow[duration(seconds)] = n
		}
		t.add(one)
	}
	slices.SortFunc(t.Requests, func(a, b sla.Counted) int {
		if a.AppService < b.AppService {
			return -1
		}
		return 1
	})
	return nil
}
