package preview

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds of a directory of dashboards.
const (
	maxDashboards    = 500
	maxDashboardSize = 8 << 20
)

// listed is a dashboard in the list of all.
type listed struct {
	UID         string          `json:"uid"`
	Title       string          `json:"title"`
	Description string          `json:"description,omitempty"`
	Tags        []string        `json:"tags,omitempty"`
	text        json.RawMessage // the whole
}

// read returns the dashboards in the order of their titles. A dashboard without uid has that of its file's name.
func (o Options) read() ([]listed, error) {
	texts, err := o.Dashboards()
	if err != nil {
		return nil, err
	}
	var all []listed
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		d, err := decode(texts[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		d.UID = cmp.Or(d.UID, strings.TrimSuffix(filepath.Base(name), ".json"))
		d.Title = cmp.Or(d.Title, d.UID)
		all = append(all, d)
	}
	slices.SortStableFunc(all, func(a, b listed) int { return cmp.Compare(a.Title, b.Title) })
	return all, nil
}

// decode reads a dashboard of the classic schema, also as the API of Grafana wraps it.
func decode(text []byte) (listed, error) {
	var wrapped struct {
		listed
		APIVersion string          `json:"apiVersion"`
		Elements   json.RawMessage `json:"elements"`
		Dashboard  json.RawMessage `json:"dashboard"`
	}
	if err := json.Unmarshal(text, &wrapped); err != nil {
		return listed{}, fmt.Errorf("invalid JSON: %w", err)
	}
	switch {
	case wrapped.APIVersion != "" || wrapped.Elements != nil:
		return listed{}, fmt.Errorf("invalid dashboard: it is of schema version 2; export it as classic JSON")
	case len(wrapped.Dashboard) > 0 && wrapped.Dashboard[0] == '{':
		inner := wrapped.Dashboard
		if err := json.Unmarshal(inner, &wrapped.listed); err != nil {
			return listed{}, fmt.Errorf("invalid JSON: %w", err)
		}
		wrapped.text = inner
	default:
		wrapped.text = text
	}
	return wrapped.listed, nil
}

func (o Options) list() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		all, err := o.read()
		if err != nil {
			refuse(w, http.StatusInternalServerError, err.Error())
			return
		}
		answer(w, all)
	})
}

func (o Options) dashboard() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, err := o.read()
		if err != nil {
			refuse(w, http.StatusInternalServerError, err.Error())
			return
		}
		i := slices.IndexFunc(all, func(d listed) bool { return d.UID == r.PathValue("uid") })
		if i < 0 {
			refuse(w, http.StatusNotFound, fmt.Sprintf("unknown dashboard %q", r.PathValue("uid")))
			return
		}
		answer(w, all[i].text)
	})
}

// Directory reads the *.json of a directory each time it is called, so that a change needs no restart.
func Directory(dir string) func() (map[string][]byte, error) {
	return func() (map[string][]byte, error) {
		names, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil || len(names) == 0 || len(names) > maxDashboards {
			return nil, fmt.Errorf("%s has %d files *.json, must be 1 to %d", dir, len(names), maxDashboards)
		}
		texts := make(map[string][]byte, len(names))
		for _, name := range names {
			if texts[name], err = readFile(name); err != nil {
				return nil, err
			}
		}
		return texts, nil
	}
}

func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxDashboardSize {
		return nil, fmt.Errorf("%s: must be a regular file of at most %d MiB", name, maxDashboardSize>>20)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxDashboardSize))
}
