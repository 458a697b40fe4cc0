package exporter

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/common/version"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/metric"
)

// maxStatusRows bounds each table; a page of ten thousand tenants would be unreadable.
const maxStatusRows = 1000

//go:embed status.html
var statusHTML string

var statusTemplate = template.Must(template.New("status").Funcs(template.FuncMap{
	"when": func(t time.Time) string {
		if t.IsZero() {
			return "never"
		}
		return t.UTC().Format("2006-01-02 15:04:05Z")
	},
	"explain": health.Explain,
	"round":   func(d time.Duration) time.Duration { return d.Round(time.Millisecond) },
}).Parse(statusHTML))

// statusPage is what the page shows.
type statusPage struct {
	Now, Started          time.Time
	Version               string
	Environment, Location string
	Outages               []health.CheckStatus
	Checks                []health.CheckStatus
	MoreOutages           int // left out
	MoreChecks            int
	Counts                []stateCount
	Filter                string
	Collectors            []collectors.Status
	Files, Warnings       []string
	Hash                  string
	Reload                reloadStatus
	HealthOff             bool
	Saving                health.SavingStatus
	References            []health.ReferenceStatus
	StoragePath           string
}

type stateCount struct {
	State string
	Count int
}

// For returns how long something has lasted, for a person.
func (p statusPage) For(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return max(p.Now.Sub(t), 0).Round(time.Second).String()
}

func (e *exporter) status(filter string) statusPage {
	inForce, reload := e.policy.get()
	p := statusPage{
		Now: time.Now(), Started: e.started, Version: version.Info(), Filter: filter,
		Collectors: e.supervisor.Status(), Reload: reload, HealthOff: e.checks == nil, StoragePath: e.StoragePath,
	}
	if inForce != nil {
		p.Environment, p.Location = inForce.Environment, inForce.Location
		p.Hash, p.Files = inForce.Hash(), inForce.Files()
		for _, w := range inForce.Warnings() {
			p.Warnings = append(p.Warnings, w.String())
		}
	}
	if e.checks != nil {
		p.addChecks(e.checks.Status())
		p.Saving, p.References = e.checks.Saving(), e.checks.References()
		if inForce != nil {
			if w, slow := inForce.PaceWarning(e.checks.Tenants()); slow {
				p.Warnings = append(p.Warnings, w.String())
			}
		}
	}
	return p
}

func (p *statusPage) addChecks(all []health.CheckStatus) {
	counts := map[string]int{}
	for _, c := range all {
		counts[c.State]++
		if !c.OutageSince.IsZero() {
			p.Outages = append(p.Outages, c)
		}
		if p.Filter == "" || c.State == p.Filter {
			p.Checks = append(p.Checks, c)
		}
	}
	for _, state := range metric.HealthStates {
		p.Counts = append(p.Counts, stateCount{state, counts[state]})
	}
	slices.SortStableFunc(p.Outages, func(a, b health.CheckStatus) int { return a.OutageSince.Compare(b.OutageSince) })
	// The worst first, so that what is cut off is what is up.
	rank := func(c health.CheckStatus) int {
		return slices.Index([]string{metric.StateDown, metric.StateUnknown, metric.StateMaintenance}, c.State)
	}
	slices.SortStableFunc(p.Checks, func(a, b health.CheckStatus) int {
		ra, rb := rank(a), rank(b)
		if ra < 0 {
			ra = len(metric.HealthStates)
		}
		if rb < 0 {
			rb = len(metric.HealthStates)
		}
		return ra - rb
	})
	p.Outages, p.MoreOutages = cut(p.Outages)
	p.Checks, p.MoreChecks = cut(p.Checks)
}

func cut(list []health.CheckStatus) ([]health.CheckStatus, int) {
	if len(list) <= maxStatusRows {
		return list, 0
	}
	return list[:maxStatusRows], len(list) - maxStatusRows
}

func (e *exporter) serveStatus(w http.ResponseWriter, r *http.Request) {
	filter := r.URL.Query().Get("state")
	if filter != "" && !slices.Contains(metric.HealthStates, filter) {
		http.Error(w, "The parameter state is one of up, down, unknown, maintenance.", http.StatusBadRequest)
		return
	}
	// Rendered as a whole first: half a page would look like a short list.
	var page bytes.Buffer
	if err := statusTemplate.Execute(&page, e.status(filter)); err != nil {
		e.Logger.Error("Rendering the status page failed", "err", err)
		http.Error(w, "The status page cannot be rendered; see the log.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = page.WriteTo(w)
}
