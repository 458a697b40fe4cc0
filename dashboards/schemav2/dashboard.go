// Package schemav2 writes dashboards as Grafana's schema v2: whole resources of the API dashboard.grafana.app/v2, which
// Git Sync, gcx and the API take. Rows of what is not measured vanish.
package schemav2

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/dashboardv2"
	"github.com/grafana/grafana-foundation-sdk/go/resource"

	"github.com/thorbis/thorbis_exporter/dashboards"
)

// APIVersion is the version of the API whose resources these are: the stable one of Grafana 13.
const APIVersion = "dashboard.grafana.app/v2"

// refreshIntervals are offered to the viewer: those that Grafana offers by itself.
var refreshIntervals = []string{"5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h", "1d"}

// Build writes dashboards as resources, by file name: the uid. What this package cannot write as schema v2 is an error.
func Build(model []dashboard.Dashboard) (map[string][]byte, error) {
	files := make(map[string][]byte, len(model))
	for _, d := range model {
		spec, err := convert(d)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", *d.Uid, err)
		}
		text, err := json.MarshalIndent(resource.Manifest{
			ApiVersion: APIVersion, Kind: resource.DashboardKind, Metadata: resource.Metadata{Name: *d.Uid}, Spec: spec,
		}, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", *d.Uid, err)
		}
		files[*d.Uid+".json"] = append(text, '\n')
	}
	return files, nil
}

func convert(d dashboard.Dashboard) (dashboardv2.Dashboard, error) {
	none := dashboardv2.Dashboard{}
	rows, err := dashboards.Rows(d)
	if err != nil {
		return none, err
	}
	conditions := conditionsOf(rows)
	variables, err := variablesOf(d.Templating.List, conditions)
	if err != nil {
		return none, err
	}
	annotations, err := annotationsOf(d.Annotations.List)
	if err != nil {
		return none, err
	}
	elements := map[string]dashboardv2.Element{}
	for _, row := range rows {
		for _, p := range row.Panels {
			panel, err := panelOf(p)
			if err != nil {
				return none, fmt.Errorf("panel %q: %w", *p.Title, err)
			}
			elements[elementName(p)] = dashboardv2.Element{PanelKind: panel}
		}
	}
	if d.Timepicker != nil || d.Snapshot != nil || d.WeekStart != nil {
		return none, errors.New("schema v2 is not written for a time picker, a snapshot or a begin of the week")
	}
	return dashboardv2.Dashboard{
		Title: *d.Title, Description: d.Description, Tags: d.Tags, Editable: d.Editable,
		CursorSync: cursorSyncs[valueOr(d.GraphTooltip, dashboard.DashboardCursorSyncOff)],
		LiveNow:    d.LiveNow, Preload: valueOr(d.Preload, false),
		TimeSettings: dashboardv2.TimeSettingsSpec{
			Timezone: d.Timezone, From: d.Time.From, To: d.Time.To, AutoRefresh: valueOr(d.Refresh, ""),
			AutoRefreshIntervals: refreshIntervals, FiscalYearStartMonth: int64(valueOr(d.FiscalYearStartMonth, 0)),
		},
		Variables: variables, Annotations: annotations, Links: linksOf(d.Links),
		Elements: elements, Layout: layoutOf(rows, conditions),
	}, nil
}

var cursorSyncs = map[dashboard.DashboardCursorSync]dashboardv2.DashboardCursorSync{
	dashboard.DashboardCursorSyncOff:       dashboardv2.DashboardCursorSyncOff,
	dashboard.DashboardCursorSyncCrosshair: dashboardv2.DashboardCursorSyncCrosshair,
	dashboard.DashboardCursorSyncTooltip:   dashboardv2.DashboardCursorSyncTooltip,
}

// linksOf returns the links of a dashboard, which have the same fields in both schemas.
func linksOf(links []dashboard.DashboardLink) []dashboardv2.DashboardLink {
	converted := []dashboardv2.DashboardLink{}
	for _, l := range links {
		link := dashboardv2.DashboardLink{
			Title: l.Title, Type: dashboardv2.DashboardLinkType(l.Type), Icon: l.Icon, Tooltip: l.Tooltip, Url: l.Url,
			Tags: l.Tags, AsDropdown: l.AsDropdown, TargetBlank: l.TargetBlank, IncludeVars: l.IncludeVars,
			KeepTime: l.KeepTime,
		}
		if l.Placement != nil {
			link.Placement = new(dashboardv2.DashboardLinkPlacement(*l.Placement))
		}
		converted = append(converted, link)
	}
	return converted
}

// annotationsOf returns the annotations. Grafana reads those of Prometheus from the fields of the classic schema, which
// schema v2 calls legacy options.
func annotationsOf(queries []dashboard.AnnotationQuery) ([]dashboardv2.AnnotationQueryKind, error) {
	converted := []dashboardv2.AnnotationQueryKind{}
	for _, a := range queries {
		if a.Expr == nil || a.Target != nil || a.Filter != nil || a.Mappings != nil || a.Placement != nil {
			return nil, fmt.Errorf("annotation %q: schema v2 is written only for an expression on all panels", a.Name)
		}
		legacy := map[string]any{"expr": *a.Expr}
		for key, value := range map[string]*string{
			"titleFormat": a.TitleFormat, "textFormat": a.TextFormat, "step": a.Step, "tagKeys": a.TagKeys,
		} {
			if value != nil {
				legacy[key] = *value
			}
		}
		if a.UseValueForTime != nil {
			legacy["useValueForTime"] = *a.UseValueForTime
		}
		converted = append(converted, dashboardv2.AnnotationQueryKind{
			Kind: "AnnotationQuery",
			Spec: dashboardv2.AnnotationQuerySpec{
				Name: a.Name, Enable: a.Enable, Hide: valueOr(a.Hide, false), IconColor: a.IconColor,
				Query: dataQuery(a.Datasource, map[string]any{}), LegacyOptions: legacy,
			},
		})
	}
	return converted, nil
}

func valueOr[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}
