package source

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/history"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/sla"
)

// Directory is the history of an exporter in its state directory. The exporter may run meanwhile. The requests of the
// day at hand are not in it.
type Directory struct {
	path    string
	policy  *config.Policy
	checks  *health.Stored
	names   []string // of all checks
	members *tenants.Record
	days    *history.Dir

	prepared   Range
	all        map[string]*Tenant // requests, once they were prepared
	unreadable []string
}

// OpenDirectory reads a state directory, apart from requests.
func OpenDirectory(path string, p *config.Policy) (*Directory, error) {
	checks, err := health.ReadStored(path, p.SLA.Zone())
	if err != nil {
		return nil, fmt.Errorf("state directory %s: %w", path, err)
	}
	members, err := tenants.ReadMemberships(path)
	if err != nil {
		return nil, fmt.Errorf("state directory %s: %w", path, err)
	}
	if len(checks.Checks()) == 0 && len(members.Members(time.Time{}, time.Now())) == 0 {
		return nil, fmt.Errorf("state directory %s: it holds no history: write that of an exporter's --storage.path", path)
	}
	return &Directory{
		path: path, policy: p, checks: checks, names: checks.Checks(), members: members,
		days: history.Open(filepath.Join(path, "tenant-history")),
	}, nil
}

// Source implements History.
func (d *Directory) Source(context.Context) (report.Source, error) {
	s := report.Source{Kind: "state directory", Address: d.path}
	if !d.checks.Taken.IsZero() {
		s.Note = "saved until " + d.checks.Taken.UTC().Format(time.RFC3339)
	}
	if len(d.checks.Damaged) > 0 {
		s.Note += fmt.Sprintf("; %d months are damaged", len(d.checks.Damaged))
	}
	return s, nil
}

// perTenant reports whether a check is one of tenants. It is not known of a check that the policy no longer has.
func (d *Directory) perTenant(check string) (is, known bool) {
	c, ok := d.policy.Check(check)
	return ok && c.PerTenant != nil, ok
}

func (d *Directory) history(check, tenant string, r Range) []sla.Target {
	var all []sla.Target
	for _, t := range d.checks.Recorded(health.HistoryQuery{
		Check: check, Tenant: tenant, From: r.Over.From, To: r.Over.To,
	}) {
		if t.Tenant != tenant {
			continue
		}
		one := sla.Target{
			Check: check, Tenant: tenant, Location: t.Location, Omitted: t.OutagesOmitted,
			Days: make([]sla.DaySeconds, len(t.Days)),
		}
		for i, day := range t.Days {
			one.Days[i] = sla.DaySeconds(day)
		}
		for _, o := range t.Outages {
			one.Outages = append(one.Outages, sla.Seen{Begin: o.Begin, End: o.End, Down: o.Down, Reason: o.Reason})
		}
		all = append(all, one)
	}
	return all
}

// Shared implements History.
func (d *Directory) Shared(_ context.Context, r Range) ([]sla.Target, error) {
	var all []sla.Target
	for _, name := range d.names {
		if is, _ := d.perTenant(name); !is {
			all = append(all, d.history(name, "", r)...)
		}
	}
	return all, nil
}

// Tenants implements History.
func (d *Directory) Tenants(_ context.Context, r Range) ([]string, error) {
	zone := d.policy.SLA.Zone()
	from, err := time.ParseInLocation(time.DateOnly, r.First, zone)
	if err != nil {
		return nil, err
	}
	to, err := time.ParseInLocation(time.DateOnly, r.Last, zone)
	if err != nil {
		return nil, err
	}
	return d.members.Members(from, to.AddDate(0, 0, 1)), nil
}

// Prepare implements History: it reads each day once.
func (d *Directory) Prepare(ctx context.Context, r Range) error {
	d.all, d.prepared = map[string]*Tenant{}, r
	unreadable, err := d.days.Each(ctx, history.Date(r.First), history.Date(r.Last), func(one history.Record) {
		t := d.all[one.Tenant]
		if t == nil {
			t = &Tenant{}
			d.all[one.Tenant] = t
		}
		t.record(&one)
	})
	if err != nil && len(unreadable) == 0 {
		return err
	}
	d.unreadable = dates(unreadable)
	return nil
}

// record adds what was counted on a day.
func (t *Tenant) record(r *history.Record) {
	i := slices.IndexFunc(t.Requests, func(o sla.Counted) bool { return o.AppService == r.Service })
	if i < 0 {
		t.Requests = append(t.Requests, sla.Counted{AppService: r.Service, Slow: map[time.Duration]uint64{}})
		i = len(t.Requests) - 1
	}
	sum := &t.Requests[i]
	sum.Requests += r.Requests
	sum.Failed += r.Failed
	sum.Late += r.Late
	sum.LateFailed += r.LateFailed
	for j, threshold := range r.Thresholds[:min(len(r.Thresholds), len(r.Slow))] {
		sum.Slow[time.Duration(threshold)] += r.Slow[j]
	}
}

func dates(all []history.Date) []string {
	var texts []string
	for _, d := range all {
		texts = append(texts, string(d))
	}
	return texts
}

// Tenant implements History. It may be called from several goroutines.
func (d *Directory) Tenant(ctx context.Context, name string, r Range) (Tenant, error) {
	var t Tenant
	for _, check := range d.names {
		if is, known := d.perTenant(check); is || !known {
			t.Targets = append(t.Targets, d.history(check, name, r)...)
		}
	}
	for _, m := range d.members.Of(name) {
		t.Memberships = append(t.Memberships, sla.Membership{Tier: m.Tier, From: m.From, To: m.To})
	}
	if d.all != nil && d.prepared == r {
		if read := d.all[name]; read != nil {
			t.Requests = slices.Clone(read.Requests)
		}
		t.Unreadable = d.unreadable
	} else {
		records, unreadable, err := d.days.Read(ctx, name, history.Date(r.First), history.Date(r.Last))
		if err != nil && len(unreadable) == 0 {
			return t, err
		}
		for i := range records {
			t.record(&records[i])
		}
		t.Unreadable = dates(unreadable)
	}
	slices.SortFunc(t.Requests, func(a, b sla.Counted) int { return cmp.Compare(a.AppService, b.AppService) })
	t.Known = len(t.Targets)+len(t.Memberships)+len(t.Requests) > 0
	return t, nil
}
