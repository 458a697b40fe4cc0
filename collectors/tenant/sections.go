package tenant

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/receive"
	"github.com/thorbis/thorbis_exporter/config"
)

// shownTenants bounds the lists of busy and of troubled tenants.
const shownTenants = 10

// rejectShown is how long a source that rejected a line is shown as not well.
const rejectShown = 15 * time.Minute

// Sections implements collectors.Sections: the sources of requests, the tenants in trouble, and the busiest.
func (c *Collector) Sections(r collectors.SectionRequest) []collectors.Section {
	s, st := c.current.Load(), c.store.Load()
	if s == nil || st == nil || len(s.sources) == 0 {
		return nil
	}
	now := count(st, r.Now)
	tenants, since := c.activity.since(now)
	return append([]collectors.Section{c.sourceSection(s, r)}, s.tenantSections(tenants, since, r)...)
}

func (c *Collector) sourceSection(s *setup, r collectors.SectionRequest) collectors.Section {
	out := collectors.Section{
		Key: "sources", Title: "Sources of requests",
		Columns: []collectors.Column{
			{Key: "source", Title: "Source"},
			{Key: "app_service", Title: "Service"},
			{Key: "state", Title: "State"},
			{Key: "lag_bytes", Title: "Lag"},
			{Key: "newest_event", Title: "Newest event"},
			{Key: "lines", Title: "Lines"},
			{Key: "rejected", Title: "Rejected"},
			{Key: "last_rejected", Title: "Last rejected"},
			{Key: "rejected_like", Title: "Written like"},
		},
	}
	if tenants, read := s.registered(); !s.names.known {
		out.Note = "The tenants are not known yet: the registry has not been read. Sources wait."
	} else if s.registry != nil {
		out.Note = fmt.Sprintf("The registry has %d tenants, read at %s.", tenants, read.UTC().Format("15:04:05Z"))
	}
	for _, source := range s.sources {
		out.Rows = append(out.Rows, c.sourceRow(source, r.Now))
	}
	out.WorstFirst()
	out.Cut(r.Limit)
	return out
}

func (s *setup) registered() (tenants int, read time.Time) {
	if s.registry != nil {
		tenants, read, _ = s.registry.Status()
	}
	return tenants, read
}

func (c *Collector) sourceRow(r *running, now time.Time) collectors.Row {
	conf := r.config
	reads, state := conf.File, "reading"
	switch {
	case conf.Stdin:
		reads = "standard input"
	case conf.Receive != "":
		reads, state = "/api/v1/receive/"+conf.Receive, "receiving"
		if conf.Forward != nil {
			state = "forwarding"
		}
	case conf.Streams():
		reads = r.follows()
	}
	row := collectors.Row{Level: collectors.LevelOK}
	saved, read := c.store.Load().Source(r.number)
	rejected, newest := uint64(0), time.Time{}
	if read {
		for v := decode.Syntax; v.Rejected(); v++ {
			rejected += saved.Outcomes[v]
		}
		if saved.Newest > 0 {
			newest = time.UnixMilli(saved.Newest)
		}
	}
	var at, like any
	if last := r.status.Rejected.Load(); last != nil {
		at = collectors.Explained{Text: last.At, Detail: last.Reason}
		like = collectors.Explained{Text: collectors.Code(last.Like), Detail: last.Where}
		if now.Sub(last.At) < rejectShown {
			row.Level = collectors.LevelWarning
			row.Cure = fmt.Sprintf("Compare the format of the source (%s) with what the server writes; "+
				"thorbis_exporter tenants --once --format=%s FILE reads a file without counting it.", conf.Format, conf.Format)
		}
	}
	switch {
	case !r.status.Up.Load() && conf.Receive != "":
		row.Level, state = collectors.LevelBad, "refuses everything"
		row.Cure = "Give the exporter its secret: secret_file cannot be read, so no sender can be authenticated."
	case !r.status.Up.Load() && r.lag != nil:
		row.Level, state = collectors.LevelBad, "cannot be read"
		row.Cure = "Look at the exporter's log: the log engine does not answer, or another shard has read some partitions."
	case !r.status.Up.Load():
		row.Level, state = collectors.LevelBad, "cannot be read"
		row.Cure = "Look at the exporter's log: the file is missing, or this user may not read it."
	case receive.Refusing(&r.status.Status, now):
		row.Level, state = collectors.LevelBad, "refuses posts"
		row.Cure = "Look at the disk of --storage.path: what is received cannot be saved. Senders try again."
	case !read:
		state = "nothing yet"
	}
	row.Cells = []any{
		collectors.Explained{Text: conf.Name, Detail: reads},
		conf.AppService, collectors.State(state),
		collectors.Bytes(r.status.Lag.Load()), newest, saved.Lines, rejected, at, like,
	}
	return row
}

func (s *setup) tenantSections(all map[tenantKey]lately, since time.Time, r collectors.SectionRequest) (
	out []collectors.Section,
) {
	columns := []collectors.Column{
		{Key: "tenant", Title: "Tenant"},
		{Key: "app_service", Title: "Service"},
		{Key: "tier", Title: "Tier"},
		{Key: "requests_per_second", Title: "Requests/s"},
		{Key: "failed", Title: "5xx"},
		{Key: "failed_ratio", Title: "Share"},
		{Key: "failed_ratio_expected", Title: "At most"},
		{Key: "slow_ratio", Title: "Slow"},
		{Key: "slow_ratio_expected", Title: "At most"},
	}
	troubled := collectors.Section{
		Key: "tenants_troubled", Title: "Tenants in trouble", Columns: columns,
		None: "None: no tenant has more failed or slow requests than its objectives permit.",
	}
	busiest := collectors.Section{
		Key: "tenants_busiest", Title: "Busiest tenants", Columns: columns, None: "No requests yet.",
	}
	if since.IsZero() {
		busiest.Note = "Counting since a moment ago; this takes a minute after a start."
		return []collectors.Section{busiest}
	}
	p := period{s, max(r.Now.Sub(since), time.Second), all}
	busiest.Note = fmt.Sprintf("In the last %s.", strings.TrimSuffix(p.length.Round(time.Minute).String(), "0s"))
	if l := s.policy.Objectives.Latency; len(l) > 0 {
		busiest.Note += fmt.Sprintf(" Slow is more than %s.", l[0].Threshold)
	}
	troubled.Note = busiest.Note
	keys := slices.Collect(maps.Keys(all))
	byName := func(a, b tenantKey) int {
		return cmp.Or(strings.Compare(a.service, b.service), strings.Compare(a.tenant, b.tenant))
	}
	slices.SortFunc(keys, func(a, b tenantKey) int {
		return cmp.Or(cmp.Compare(all[b].requests, all[a].requests), byName(a, b))
	})
	for _, key := range keys[:min(len(keys), shownTenants)] {
		busiest.Rows = append(busiest.Rows, p.row(key))
	}
	busiest.More = len(keys) - len(busiest.Rows)
	keys = slices.DeleteFunc(keys, func(k tenantKey) bool { return p.excess(k) <= 0 })
	slices.SortFunc(keys, func(a, b tenantKey) int {
		return cmp.Or(cmp.Compare(p.excess(b), p.excess(a)), byName(a, b))
	})
	for _, key := range keys[:min(len(keys), shownTenants)] {
		row := p.row(key)
		row.Level, row.Cells[0] = collectors.LevelWarning, collectors.State(key.tenant)
		row.Cure = "Look at the dashboard Tenant: if other tenants of the service are well, it is this one's data or load; " +
			"if not, look at what was deployed last, and at databases and disks."
		troubled.Rows = append(troubled.Rows, row)
	}
	troubled.More = len(keys) - len(troubled.Rows)
	return []collectors.Section{troubled, busiest}
}

// period is what tenants did in a time, beside what their objectives permit.
type period struct {
	*setup
	length time.Duration
	all    map[tenantKey]lately
}

func (p period) row(key tenantKey) collectors.Row {
	n, tier := p.all[key], p.tier(key.tenant)
	requests := float64(n.requests)
	row := collectors.Row{Level: collectors.LevelOK, Cells: []any{
		key.tenant, key.service, tier, requests / p.length.Seconds(), n.failed,
		collectors.Ratio(float64(n.failed) / requests), collectors.Ratio(p.permitted(tier)), nil, nil,
	}}
	if slow, measured := p.permittedSlow(); measured {
		row.Cells[7], row.Cells[8] = collectors.Ratio(float64(n.slow)/requests), collectors.Ratio(slow)
	}
	return row
}

// excess is how many requests failed, or were slow, beyond what is permitted.
func (p period) excess(key tenantKey) float64 {
	n := p.all[key]
	excess := float64(n.failed) - p.permitted(p.tier(key.tenant))*float64(n.requests)
	if slow, measured := p.permittedSlow(); measured {
		excess = max(excess, float64(n.slow)-slow*float64(n.requests))
	}
	return excess
}

// permittedSlow is the share of requests that may take longer than the first threshold, if there is one.
func (s *setup) permittedSlow() (share float64, measured bool) {
	if l := s.policy.Objectives.Latency; len(l) > 0 {
		return budgetOf(l[0].Ratio), true
	}
	return 0, false
}

// permitted is the share of requests of a tier that may fail.
func (s *setup) permitted(tier string) float64 {
	objective := s.policy.Objectives.Availability
	if t, ok := s.policy.Tiers[tier]; ok && !t.Availability.IsZero() {
		objective = t.Availability
	}
	return budgetOf(objective)
}

func budgetOf(r config.Ratio) float64 {
	budget, _ := r.Budget().Float64()
	return budget
}

var _ collectors.Sections = (*Collector)(nil)
