package review

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/incident"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report"
)

// Pages are the incidents that began within the review and woke people if they had to: those of a critical priority.
type Pages struct {
	// TimeZone is that of the policy's business hours, by which hours and nights are counted.
	TimeZone string `json:"time_zone"`
	Total    int    `json:"pages"`
	// Hours are the 24 hours of the day.
	Hours  []HourOfPages `json:"hours"`
	Groups []Group       `json:"groups"`
}

// HourOfPages is an hour of the day.
type HourOfPages struct {
	Hour  int  `json:"hour"`
	Night bool `json:"night"`
	Pages int  `json:"pages"`
	// Unneeded are those of them that ended without an acknowledgement: nothing had to be done.
	Unneeded int `json:"unneeded"`
}

// Kinds of groups.
const (
	groupShift  = "shift"
	groupOwner  = "owner"
	groupLayer  = "escalated to"
	groupPerson = "acknowledged by"
)

// Group is the pages of a shift, an owner, a layer of the escalation or a person.
type Group struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Pages int    `json:"pages"`
	// Night are those between 22:00 and 8:00 outside business hours.
	Night        int `json:"night"`
	Acknowledged int `json:"acknowledged"`
	Late         int `json:"late"` // acknowledged after it was due
	Unneeded     int `json:"unneeded"`
	// Median and Slowest are of the times to acknowledge, nil without one.
	Median  *report.Length `json:"median_acknowledge_seconds"`
	Slowest *report.Length `json:"slowest_acknowledge_seconds"`

	times []time.Duration
}

// maxGroups bounds the owners and the people that are listed, those with the most pages first.
const maxGroups = 25

// notRecorded stands for a person or an owner that is not known.
const notRecorded = "not recorded"

// shiftNames are the parts of the day as people read them.
var shiftNames = map[string]string{
	metric.ShiftBusiness: "business hours", metric.ShiftOff: "off hours", metric.ShiftSleep: "night, 22:00 to 08:00",
}

// pages counts the incidents of critical priorities that began within a time.
func pages(p *config.Policy, all []report.Incident, from, to time.Time) *Pages {
	out := &Pages{TimeZone: p.Hours.Local(from).Location().String(), Hours: make([]HourOfPages, 24), Groups: []Group{}}
	for hour := range out.Hours {
		out.Hours[hour].Hour, out.Hours[hour].Night = hour, hour < 8 || hour >= 22
	}
	groups := map[[2]string]*Group{}
	group := func(kind, name string) *Group {
		key := [2]string{kind, cmp.Or(name, notRecorded)}
		if groups[key] == nil {
			groups[key] = &Group{Kind: kind, Name: key[1]}
		}
		return groups[key]
	}
	for _, shift := range metric.Shifts {
		group(groupShift, shiftNames[shift])
	}
	for _, i := range all {
		if metric.Severities[i.Priority] != "critical" || i.Began.Before(from) || !i.Began.Before(to) {
			continue
		}
		out.Total++
		hour := &out.Hours[p.Hours.Local(i.Began).Hour()]
		hour.Pages++
		if unneeded(i) {
			hour.Unneeded++
		}
		shift := incident.Shift(p, i.Began)
		due := p.Deadline(i.Priority, i.Began)
		group(groupShift, shiftNames[shift]).add(i, shift, due)
		group(groupOwner, i.Owner).add(i, shift, due)
		if i.Acknowledged != nil {
			group(groupPerson, i.AcknowledgedBy).add(i, shift, due)
		}
	}
	for _, g := range groups {
		g.conclude()
		out.Groups = append(out.Groups, *g)
	}
	out.order()
	return out
}

// unneeded reports whether an incident ended without an acknowledgement.
func unneeded(i report.Incident) bool { return i.Acknowledged == nil && i.Resolved != nil }

func (g *Group) add(i report.Incident, shift string, due time.Time) {
	g.Pages++
	if shift == metric.ShiftSleep {
		g.Night++
	}
	if unneeded(i) {
		g.Unneeded++
	}
	if i.Acknowledged == nil {
		return
	}
	g.Acknowledged++
	if i.Acknowledged.After(due) {
		g.Late++
	}
	g.times = append(g.times, max(i.Acknowledged.Sub(i.Began), 0))
}

// conclude computes the times. Of an even number of them the median is the lower middle one: a time that there was.
func (g *Group) conclude() {
	if len(g.times) == 0 {
		return
	}
	slices.Sort(g.times)
	median := report.Length(g.times[(len(g.times)-1)/2].Round(time.Second))
	slowest := report.Length(g.times[len(g.times)-1].Round(time.Second))
	g.Median, g.Slowest = &median, &slowest
}

// order sorts the groups by their kind, those of a day in its order and the others by their pages, and bounds them.
func (p *Pages) order() {
	kinds := []string{groupShift, groupOwner, groupLayer, groupPerson}
	fixed := []string{
		shiftNames[metric.ShiftBusiness], shiftNames[metric.ShiftOff], shiftNames[metric.ShiftSleep], config.LayerSecondary,
		config.LayerManager, config.LayerEveryone,
	}
	slices.SortFunc(p.Groups, func(a, b Group) int {
		place := 0
		if a.Kind == groupShift || a.Kind == groupLayer {
			place = cmp.Compare(slices.Index(fixed, a.Name), slices.Index(fixed, b.Name))
		}
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), place,
			cmp.Compare(b.Pages, a.Pages), strings.Compare(a.Name, b.Name))
	})
	count := map[string]int{}
	p.Groups = slices.DeleteFunc(p.Groups, func(g Group) bool {
		count[g.Kind]++
		return count[g.Kind] > maxGroups
	})
}

// escalations adds how often each layer was notified, as Prometheus has it.
func (p *Pages) escalations(ctx context.Context, o *Options, from time.Time) error {
	fired, err := o.Prometheus.Alerts(ctx, o.Policy.Environment, from, o.To, nil,
		fmt.Sprintf("alertname=%q", metric.UnacknowledgedAlert.Name), metric.LabelPriority+`=~"P1|P2"`)
	if err != nil {
		return err
	}
	layers := map[string]*Group{}
	for _, f := range fired {
		layer := f.Labels[metric.LabelLayer]
		if !f.From.After(from) || !slices.Contains(config.Layers, layer) { // one that fired before belongs to another review
			continue
		}
		if layers[layer] == nil {
			layers[layer] = &Group{Kind: groupLayer, Name: layer}
		}
		layers[layer].Pages++
		if incident.Shift(o.Policy, f.From) == metric.ShiftSleep {
			layers[layer].Night++
		}
	}
	for _, g := range layers {
		p.Groups = append(p.Groups, *g)
	}
	p.order()
	return nil
}

// sections are the pages as they are read: by hour, and by shift, owner, layer and person.
func (p *Pages) sections() []report.Section {
	hours := report.Section{
		Key: "pages_by_hour", Title: "Pages by hour of the day", None: "There was no page.",
		Table: &report.Table{Columns: []report.Column{
			{Key: "hour", Title: "Hour"},
			{Key: "pages", Title: "Pages"},
			{Key: "unneeded", Title: "Needed nothing done"},
		}},
	}
	groups := report.Section{
		Key: "pages", Title: "Pages by shift, owner and person", None: "There was no page.",
		Table: &report.Table{Columns: []report.Column{
			{Key: "kind", Title: "By"},
			{Key: "name", Title: "Name"},
			{Key: "pages", Title: "Pages"},
			{Key: "night", Title: "At night"},
			{Key: "acknowledged", Title: "Acknowledged"},
			{Key: "late", Title: "Late"},
			{Key: "median", Title: "Half of them within"},
			{Key: "slowest", Title: "Slowest"},
			{Key: "unneeded", Title: "Needed nothing done"},
		}},
	}
	if p.Total == 0 && len(p.Groups) <= len(metric.Shifts) {
		return []report.Section{hours}
	}
	hours.Text = []string{
		"Incidents of P1 and P2 by the hour in which they began, on the clock of " + p.TimeZone + ". One that ended " +
			"without an acknowledgement needed nothing done.",
	}
	hours.Chart = &report.Chart{
		Title: "Pages of each hour", Unit: "pages", Series: []report.Series{
			{Name: "needed somebody", Kind: "value"}, {Name: "needed nothing done", Kind: "unknown"},
		},
	}
	for _, h := range p.Hours {
		label := fmt.Sprintf("%02d:00", h.Hour)
		hours.Chart.Labels = append(hours.Chart.Labels, label)
		hours.Chart.Series[0].Values = append(hours.Chart.Series[0].Values, float64(h.Pages-h.Unneeded))
		hours.Chart.Series[1].Values = append(hours.Chart.Series[1].Values, float64(h.Unneeded))
		if h.Pages > 0 {
			hours.Table.Rows = append(hours.Table.Rows, []report.Cell{label, h.Pages, h.Unneeded})
		}
	}
	groups.Text = []string{
		"Who acknowledged is known of incidents that exporters recorded (--exporter.url). Layers are those of the " +
			"escalation.",
	}
	for i := range p.Groups {
		groups.Table.Rows = append(groups.Table.Rows, p.Groups[i].row())
	}
	return []report.Section{hours, groups}
}

func (g *Group) row() []report.Cell {
	row := []report.Cell{g.Kind, g.Name, g.Pages, g.Night, nil, nil, nil, nil, nil}
	if g.Kind == groupLayer { // who answered is not known of a layer
		return row
	}
	row[4], row[5] = g.Acknowledged, g.Late
	if g.Median != nil {
		row[6], row[7] = *g.Median, *g.Slowest
	}
	if g.Kind != groupPerson {
		row[8] = g.Unneeded
	}
	return row
}
