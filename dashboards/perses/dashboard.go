// Package perses writes dashboards for Perses: whole resources with the plugins that Perses 0.53 ships. What has no
// counterpart there is listed, and a panel of a kind that is not known is an error.
package perses

import (
	"errors"
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/thorbis/thorbis_exporter/dashboards"
)

// Difference is something of a dashboard that Perses cannot show.
type Difference struct {
	// Dashboard and Panel are titles.
	Dashboard, Panel string
	// Lost is what is missing, and what is shown instead.
	Lost string
}

// Build writes dashboards as resources of a project, and lists what is lost in order.
func Build(model []dashboard.Dashboard, project string) ([]Resource, []Difference, error) {
	var resources []Resource
	var lost []Difference
	for _, d := range model {
		spec, differences, err := convert(d, model)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", *d.Uid, err)
		}
		resources = append(resources, Resource{
			Kind: KindDashboard, Metadata: Metadata{Name: *d.Uid, Project: project}, Spec: spec,
		})
		lost = append(lost, differences...)
	}
	return resources, lost, nil
}

// Project is the project to which the dashboards belong.
func Project(name string) Resource {
	return Resource{Kind: KindProject, Metadata: Metadata{Name: name}, Spec: struct{}{}}
}

func convert(d dashboard.Dashboard, model []dashboard.Dashboard) (Spec, []Difference, error) {
	spec := Spec{
		Display: Display{Name: *d.Title, Description: *d.Description}, Panels: map[string]panel{},
		RefreshInterval: *d.Refresh,
	}
	begin, ok := strings.CutPrefix(d.Time.From, "now-")
	if !ok || d.Time.To != "now" {
		return spec, nil, fmt.Errorf("invalid range %s to %s: Perses needs one that ends now", d.Time.From, d.Time.To)
	}
	spec.Duration = begin
	if d.Timepicker != nil || d.Snapshot != nil || d.WeekStart != nil {
		return spec, nil, errors.New("a time picker, a snapshot and a begin of the week are not written for Perses")
	}
	for _, v := range d.Templating.List {
		converted, err := variableOf(v)
		if err != nil {
			return spec, nil, fmt.Errorf("variable %q: %w", v.Name, err)
		}
		spec.Variables = append(spec.Variables, converted)
	}
	links, err := linksOf(d, model)
	if err != nil {
		return spec, nil, err
	}
	spec.Links = links
	rows, err := dashboards.Rows(d)
	if err != nil {
		return spec, nil, err
	}
	var lost []Difference
	for _, row := range rows {
		if row.Repeat != "" {
			return spec, nil, fmt.Errorf("row %q: repeated rows are not written for Perses", row.Title)
		}
		for _, p := range row.Panels {
			converted, missing, err := panelOf(p)
			if err != nil {
				return spec, nil, fmt.Errorf("panel %q: %w", *p.Title, err)
			}
			spec.Panels[panelName(p)] = converted
			for _, m := range missing {
				lost = append(lost, Difference{Dashboard: *d.Title, Panel: *p.Title, Lost: m})
			}
		}
		spec.Layouts = append(spec.Layouts, layoutOf(row))
	}
	var marks []string
	for _, a := range d.Annotations.List {
		marks = append(marks, strings.ToLower(a.Name))
	}
	if len(marks) > 0 {
		lost = append(lost, Difference{Dashboard: *d.Title, Lost: "annotations: " + strings.Join(marks, ", ")})
	}
	return spec, lost, nil
}

// panelName is the name by which the layout refers to a panel.
func panelName(p dashboard.Panel) string { return fmt.Sprintf("panel-%d", *p.Id) }

// layoutOf is the grid of a row, which the viewer can fold.
func layoutOf(row dashboards.Row) layout {
	grid := gridSpec{Items: []gridItem{}}
	if row.Title != "" {
		grid.Display = &gridDisplay{Title: row.Title, Collapse: collapse{Open: !row.Collapsed}}
	}
	for _, p := range row.Panels {
		grid.Items = append(grid.Items, gridItem{
			X: int(p.GridPos.X), Y: int(p.GridPos.Y) - int(row.Top), Width: int(p.GridPos.W), Height: int(p.GridPos.H),
			Content: reference{Ref: "#/spec/panels/" + panelName(p)},
		})
	}
	return layout{Kind: kindGrid, Spec: grid}
}
