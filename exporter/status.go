package exporter

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/common/version"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/metric"
)

// maxStatusRows bounds each table of the page, maxStatusJSON each list of its JSON form. What is left out is the best.
const (
	maxStatusRows = 200
	maxStatusJSON = 1000
)

//go:embed status.html
var statusHTML string

var statusTemplate = template.Must(template.New("status").Funcs(template.FuncMap{
	"when": func(t time.Time) string {
		if t.IsZero() {
			return "never"
		}
		return t.UTC().Format("2006-01-02 15:04:05Z")
	},
}).Parse(statusHTML))

// status is what the page and its JSON form show. All of it was read from memory.
type status struct {
	Now, Started          time.Time
	Version               string
	Environment, Location string
	Sections              []collectors.Section
	Files, Warnings       []string
	Hash                  string
	Reload                reloadStatus
	HealthOff             bool
	Saving                health.SavingStatus
	StoragePath           string
}

func (e *exporter) status(r collectors.SectionRequest) status {
	inForce, reload := e.policy.get()
	s := status{
		Now: r.Now, Started: e.started, Version: version.Info(),
		Reload: reload, HealthOff: e.checks == nil, StoragePath: e.StoragePath,
	}
	if inForce != nil {
		s.Environment, s.Location = inForce.Environment, inForce.Location
		s.Hash, s.Files = inForce.Hash(), inForce.Files()
		for _, w := range inForce.Warnings() {
			s.Warnings = append(s.Warnings, w.String())
		}
	}
	if e.checks != nil {
		s.Saving = e.checks.Saving()
		if inForce != nil {
			if w, slow := inForce.PaceWarning(e.checks.Tenants()); slow {
				s.Warnings = append(s.Warnings, w.String())
			}
		}
	}
	for _, c := range e.collectors {
		reporter, ok := c.Collector.(collectors.Sections)
		if !ok {
			continue
		}
		err := collectors.Guard(func() error {
			sections := reporter.Sections(r)
			for i := range sections {
				if err := sections[i].Validate(); err != nil {
					return err
				}
			}
			s.Sections = append(s.Sections, sections...)
			return nil
		})
		if err != nil { // a defect in one collector must not cost the page
			collectors.LogPanic(e.Logger, err)
			e.Logger.Error("A part of the status cannot be shown", "collector", c.name, "err", err)
			s.Sections = append(s.Sections, collectors.Section{
				Key: c.name, Title: "Collector " + c.name, Columns: []collectors.Column{{Key: "state", Title: "State"}},
				Rows: []collectors.Row{{
					Level: collectors.LevelBad, Cells: []any{collectors.State("cannot be shown")},
					Cure: "Look at the exporter's log and report the defect; the collector itself goes on.",
				}},
			})
		}
	}
	s.Sections = append(s.Sections, collectorSection(e.supervisor.Status()))
	return s
}

// collectorSection shows how the collectors fare.
func collectorSection(all []collectors.Status) collectors.Section {
	s := collectors.Section{
		Key: "collectors", Title: "Collectors", None: "None is switched on.",
		Columns: []collectors.Column{
			{Key: "collector", Title: "Collector"},
			{Key: "state", Title: "Last run"},
			{Key: "took_seconds", Title: "Took"},
			{Key: "last_success", Title: "Last success"},
			{Key: "last_error", Title: "Last error"},
			{Key: "last_error_at", Title: "At"},
		},
	}
	for _, c := range all {
		row := collectors.Row{Level: collectors.LevelOK, Cells: []any{
			c.Name, collectors.State("succeeded"), c.Duration, c.LastSuccess, c.LastError, nil,
		}}
		if c.LastError != "" {
			row.Cells[5] = c.LastErrorAt
		}
		switch {
		case c.Success:
		case c.LastError == "":
			row.Level, row.Cells[1] = collectors.LevelUnknown, collectors.State("not yet")
		default:
			row.Level, row.Cells[1] = collectors.LevelBad, collectors.State("failed")
			row.Cure = "Correct what the error names; the collector tries again by itself. What it measured stays on /metrics."
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

// level returns the worst of a section's rows, and how many are as bad.
func level(s *collectors.Section) (worst collectors.Level, n int) {
	worst = collectors.LevelOK
	for _, r := range s.Rows {
		switch slices.Index(collectors.Levels, r.Level) - slices.Index(collectors.Levels, worst) {
		case 0:
			n++
		case 1, 2, 3:
			worst, n = r.Level, 1
		}
	}
	return worst, n
}

// statusRequest reads the parameters of a page; text is why they are refused.
func statusRequest(r *http.Request, limit int) (request collectors.SectionRequest, refused error) {
	request = collectors.SectionRequest{Now: time.Now(), Limit: limit, State: r.URL.Query().Get("state")}
	if request.State != "" && !slices.Contains(metric.HealthStates, request.State) {
		return request, collectors.InvalidRequest("invalid state %q: write one of up, down, unknown, maintenance",
			request.State)
	}
	return request, nil
}

func (e *exporter) serveStatus(w http.ResponseWriter, r *http.Request) {
	request, refused := statusRequest(r, maxStatusRows)
	if refused != nil {
		http.Error(w, refused.Error(), http.StatusBadRequest)
		return
	}
	// Rendered as a whole first: half a page would look like a short list.
	page, err := e.status(request).page()
	if err != nil {
		e.Logger.Error("Rendering the status page failed", "err", err)
		http.Error(w, "The status page cannot be rendered; see the log.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(page)
}

// page renders the status for a browser.
func (s status) page() ([]byte, error) {
	var out bytes.Buffer
	if err := statusTemplate.Execute(&out, newStatusPage(s)); err != nil {
		return nil, fmt.Errorf("status page: %w", err)
	}
	return out.Bytes(), nil
}
