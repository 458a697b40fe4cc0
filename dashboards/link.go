package dashboards

import (
	"net/url"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Tags are on every dashboard of the bundle, so that each lists the others.
var Tags = []string{"thorbis"}

// TitlePrefix is what every title begins with.
const TitlePrefix = "Thorbis / "

// linkTo is the address of a dashboard with the time and the data source of this one. Variables are values of this
// row's
// columns by their title; environments are those picked unless they have a column.
func linkTo(uid string, variables map[string]string) string {
	var b strings.Builder
	b.WriteString("/d/" + uid + "?${__url_time_range}&${datasource:queryparam}")
	if variables[metric.LabelEnvironment] == "" {
		b.WriteString("&${environment:queryparam}")
	}
	for _, label := range sortedKeys(variables) {
		b.WriteString("&var-" + url.QueryEscape(label) + "=${__data.fields." + variables[label] + ":percentencode}")
	}
	return b.String()
}

// variablesOn are the variables of each dashboard beside the data source and the environment: what a link can set.
var variablesOn = map[string][]string{
	metric.SLODashboard:        {metric.LabelAppService, metric.LabelSLO},
	metric.HealthDashboard:     {metric.LabelAppService},
	metric.TenantsDashboard:    {metric.LabelAppService},
	metric.TenantDashboard:     {metric.LabelAppService, metric.LabelTenant},
	metric.StorageDashboard:    {metric.LabelHost},
	metric.DatabasesDashboard:  {metric.LabelServer},
	metric.ResourcesDashboard:  {metric.LabelHost},
	metric.BackupDashboard:     {metric.LabelBackup},
	metric.ProceduresDashboard: {metric.LabelProcedure},
	metric.DeliveryDashboard:   {metric.LabelAppService},
	metric.VendorsDashboard:    {metric.LabelVendor},
	metric.SecurityDashboard:   {metric.LabelScan},
	metric.BusinessDashboard:   {metric.LabelTransaction},
	metric.IncidentDashboard:   {},
	metric.ExporterDashboard:   {},
	metric.DailyDashboard:      {metric.LabelAppService},
	metric.WeeklyDashboard:     {metric.LabelAppService},
}

// variablesOf leaves of the keys of a row those that a dashboard has as variables.
func variablesOf(uid string, keys map[string]string) map[string]string {
	known := map[string]string{}
	for label, title := range keys {
		if label == metric.LabelEnvironment || slices.Contains(variablesOn[uid], label) {
			known[label] = title
		}
	}
	return known
}

// link is a link of a dashboard or a panel, shown where Grafana always showed it.
type link struct {
	title, url string
	dashboards bool // all others of the bundle, not one address
}

// Build implements cog.Builder.
func (l link) Build() (dashboard.DashboardLink, error) {
	d := *dashboard.NewDashboardLink()
	d.Title, d.KeepTime, d.IncludeVars = l.title, true, true
	d.Placement = nil
	d.Type = dashboard.DashboardLinkTypeLink
	if l.dashboards {
		d.Type, d.Tags, d.AsDropdown, d.Icon = dashboard.DashboardLinkTypeDashboards, Tags, true, "external link"
		return d, nil
	}
	d.Icon, d.Url = "dashboard", new(l.url)
	return d, nil
}

// more is the link of a panel to the dashboard that shows more of its subject.
func more(uid string) []cog.Builder[dashboard.DashboardLink] {
	return []cog.Builder[dashboard.DashboardLink]{dataLink{linkTo(uid, nil)}}
}

// dataLink is the link of a value.
type dataLink struct{ url string }

// Build implements cog.Builder.
func (l dataLink) Build() (dashboard.DashboardLink, error) {
	d := *dashboard.NewDashboardLink()
	d.Title, d.Type, d.Placement, d.Url = "Look closer", dashboard.DashboardLinkTypeLink, nil, new(l.url)
	return d, nil
}
