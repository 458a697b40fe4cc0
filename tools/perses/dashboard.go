package main

import (
	"errors"
	"fmt"
	"strings"

	v1 "github.com/perses/perses/pkg/model/api/v1"
	"github.com/perses/perses/pkg/model/api/v1/common"
	"github.com/perses/perses/pkg/model/api/v1/dashboard"
)

// columns are those of the grid.
const columns = 24

// validateDashboard checks the plugins of a dashboard, and what refers to something in it.
func validateDashboard(d v1.Dashboard, kinds map[string]int) error {
	var errs []error
	check := func(where string, p common.Plugin, queries int) {
		kinds[p.Kind]++
		if err := validatePlugin(p, queries); err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", where, p.Kind, err))
		}
	}
	sources := map[string]bool{} // variables that pick a data source
	for _, v := range d.Spec.Variables {
		list, ok := v.Spec.(*dashboard.ListVariableSpec)
		if !ok {
			errs = append(errs, fmt.Errorf("variable of the kind %s", v.Kind))
			continue
		}
		check("variable "+list.Name, list.Plugin, 0)
		if list.Plugin.Kind == "DatasourceVariable" {
			sources["$"+list.Name] = true
		}
		errs = append(errs, validateSource("variable "+list.Name, list.Plugin, sources))
	}
	placed, err := validateLayouts(d.Spec.Layouts)
	errs = append(errs, err)
	for name, panel := range d.Spec.Panels {
		if panel.Kind != "Panel" || placed[name] != 1 {
			errs = append(errs, fmt.Errorf("%s of the kind %q stands in %d places", name, panel.Kind, placed[name]))
		}
		where := fmt.Sprintf("%s %q", name, panel.Spec.Display.Name)
		check(where, panel.Spec.Plugin, len(panel.Spec.Queries))
		for _, q := range panel.Spec.Queries {
			if q.Kind != "TimeSeriesQuery" {
				errs = append(errs, fmt.Errorf("%s: unknown kind of query %q", where, q.Kind))
			}
			check(where, q.Spec.Plugin, 0)
			errs = append(errs, validateSource(where, q.Spec.Plugin, sources))
		}
	}
	return errors.Join(errs...)
}

// validateSource checks that a plugin refers to a data source that the viewer picked.
func validateSource(where string, p common.Plugin, sources map[string]bool) error {
	spec, _ := p.Spec.(map[string]any)
	source, ok := spec["datasource"].(string)
	if ok && !sources[source] {
		return fmt.Errorf("%s: no variable %s picks a data source", where, source)
	}
	return nil
}

// validateLayouts returns in how many places each panel stands. Perses checks that each is one of the dashboard.
func validateLayouts(layouts []dashboard.Layout) (map[string]int, error) {
	placed := map[string]int{}
	var errs []error
	for _, l := range layouts {
		grid, ok := l.Spec.(*dashboard.GridLayoutSpec)
		if !ok {
			return nil, fmt.Errorf("unknown layout %q", l.Kind)
		}
		for _, item := range grid.Items {
			name := strings.TrimPrefix(item.Content.Ref, "#/spec/panels/")
			placed[name]++
			if item.X < 0 || item.Y < 0 || item.Width < 1 || item.Height < 1 || item.X+item.Width > columns {
				errs = append(errs, fmt.Errorf("%s stands beside the grid: %+v", name, item))
			}
		}
	}
	return placed, errors.Join(errs...)
}
