package exporter

import (
	"math"
	"net/http"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// statusAnswer is the status page for programs: the same rows, with values instead of texts.
type statusAnswer struct {
	Environment string           `json:"environment"`
	Location    string           `json:"location"`
	Now         time.Time        `json:"now"`
	Started     time.Time        `json:"started"`
	Version     string           `json:"version"`
	Level       collectors.Level `json:"level"` // the worst of all sections
	Policy      statusPolicy     `json:"policy"`
	State       statusState      `json:"state"`
	Sections    []statusSection  `json:"sections"`
}

type statusPolicy struct {
	SHA256   string   `json:"sha256"`
	Files    []string `json:"files"`
	Loaded   any      `json:"loaded"`
	Warnings []string `json:"warnings"`
	// Error is why the last reload failed, empty if it did not.
	Error string `json:"error"`
}

// statusState is how saving fares.
type statusState struct {
	Path      string `json:"path"`
	Unsaved   bool   `json:"unsaved"`
	LastSaved any    `json:"last_saved"`
}

type statusSection struct {
	Key   string           `json:"key"`
	Title string           `json:"title"`
	Level collectors.Level `json:"level"`
	Note  string           `json:"note,omitempty"`
	Rows  []map[string]any `json:"rows"`
	More  int              `json:"rows_omitted"`
}

// statusEndpoint serves the status as JSON.
func (e *exporter) statusEndpoint() collectors.Endpoint {
	return collectors.Endpoint{Path: "status", Answer: func(r *http.Request) (any, error) {
		request, err := statusRequest(r, maxStatusJSON)
		if err != nil {
			return nil, err
		}
		return e.status(request).answer(), nil
	}}
}

func (s status) answer() statusAnswer {
	a := statusAnswer{
		Environment: s.Environment, Location: s.Location, Now: s.Now.UTC(), Started: s.Started.UTC(), Version: s.Version,
		Policy: statusPolicy{
			SHA256: s.Hash, Files: list(s.Files), Loaded: value(s.Reload.Loaded), Warnings: list(s.Warnings),
			Error: s.Reload.Err,
		},
		State:    statusState{s.StoragePath, s.Saving.Live, value(s.Saving.LastSaved)},
		Sections: []statusSection{},
	}
	var all collectors.Section
	for _, section := range s.Sections {
		worst, _ := level(&section)
		all.Rows = append(all.Rows, collectors.Row{Level: worst})
		out := statusSection{
			Key: section.Key, Title: section.Title, Level: worst, Note: section.Note, Rows: []map[string]any{},
			More: section.More,
		}
		for _, r := range section.Rows {
			row := map[string]any{"level": r.Level}
			if r.Cure != "" {
				row["cure"] = r.Cure
			}
			for i, column := range section.Columns {
				if e, ok := r.Cells[i].(collectors.Explained); ok {
					row[column.Key] = value(e.Text)
					if e.Detail != "" {
						row[column.Key+"_detail"] = e.Detail
					}
					continue
				}
				row[column.Key] = value(r.Cells[i])
			}
			out.Rows = append(out.Rows, row)
		}
		a.Sections = append(a.Sections, out)
	}
	a.Level, _ = level(&all)
	return a
}

// value returns a cell as JSON has it: lengths in seconds, times in UTC, and null for a time that never was.
func value(v any) any {
	switch v := v.(type) {
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v.UTC()
	case time.Duration:
		return math.Round(v.Seconds()*1000) / 1000
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
	case collectors.Ratio:
		return value(float64(v))
	}
	return v
}

func list(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}
