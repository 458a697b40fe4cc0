package review

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report"
)

// Forecast is when a resource runs out, and what that rests on.
type Forecast struct {
	Resource string         `json:"resource"`
	Kind     string         `json:"kind"`
	Day      report.Date    `json:"day"`
	In       report.Length  `json:"in_seconds"`
	Now      *report.Number `json:"used_ratio"`
	Basis    string         `json:"basis"`
}

// horizon is how far ahead forecasts reach: farther ones are guesses.
const horizon = 365 * 24 * time.Hour

// estimate is a resource whose end a record already foresees, or whose share of its limit grows.
type estimate struct {
	kind, basis string
	labels      []string
	// left is PromQL of the seconds left. Without it, used is the share of a limit that is extrapolated over the time that
	// has passed since back.
	left, used string
	back       time.Duration
}

func estimates(back time.Duration) []estimate {
	grown := fmt.Sprintf("the peak of the last %s beside that of the %[1]s four weeks before, in a straight line",
		report.Length(back))
	return []estimate{
		{
			kind: "filesystem", labels: []string{metric.LabelHost, metric.LabelMountpoint},
			basis: "low water of each day, falling as it did over three days (or sooner: over 6 hours, or 30 minutes)",
			left: fmt.Sprintf("min by (host, mountpoint) (%s or %s)", metric.FilesystemFull.Select("$env"),
				metric.FilesystemFullIn["3d"].Select("$env")),
		},
		{
			kind: "write-ahead log of a database", labels: []string{metric.LabelServer},
			basis: "growth of the write-ahead log beside the space left on its filesystem",
			left:  fmt.Sprintf("min by (server) (%s)", metric.ServerWALFullIn.Select("$env")),
		},
		{
			kind: "capacity of a service", labels: []string{metric.LabelAppService}, basis: grown, back: 28 * 24 * time.Hour,
			used: fmt.Sprintf("max by (app_service) (max_over_time(%s[$span]))", metric.ServiceUtilization.Select("$env")),
		},
		{
			kind: "memory of a machine", labels: []string{metric.LabelHost}, basis: grown, back: 28 * 24 * time.Hour,
			used: fmt.Sprintf("max by (host) (max_over_time(%s[$span]))", metric.HostMemoryUsed.Select("$env")),
		},
		{
			kind: "operations of a disk", labels: []string{metric.LabelHost, metric.LabelDevice, metric.LabelLimit},
			basis: grown, back: 28 * 24 * time.Hour,
			used: fmt.Sprintf("max by (host, device, limit) (max_over_time(%s[$span]))",
				metric.DeviceLimitUsed.Select("$env")),
		},
		{
			kind: "connections of a database", labels: []string{metric.LabelServer}, basis: grown, back: 28 * 24 * time.Hour,
			used: fmt.Sprintf("1 - min by (server) (min_over_time(%s[$span]))",
				metric.ServerConnectionsLeft.Select("$env")),
		},
		{
			kind: "registration of a domain", labels: []string{metric.LabelDomain},
			basis: "the date that the registry publishes",
			left:  fmt.Sprintf("min by (domain) (%s)", metric.DomainLeft.Select("$env")),
		},
		{
			kind: "certificate of a check", labels: []string{metric.LabelCheck}, basis: "the end of the certificate",
			left: fmt.Sprintf("min by (check) (%s)", metric.CertificateLeft.Select("$env")),
		},
	}
}

// forecasts reads what runs out within the horizon, the soonest first.
func (r *reader) forecasts(ctx context.Context, zone *time.Location) ([]Forecast, error) {
	all := []Forecast{}
	for _, e := range estimates(r.span) {
		t := &table{labels: e.labels}
		if e.left != "" {
			values, _, err := r.values(ctx, t, e.left, r.at)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.kind, err)
			}
			for key, left := range values {
				all = r.add(all, e, key, left, nil, zone)
			}
			continue
		}
		now, _, err := r.values(ctx, t, e.used, r.at)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.kind, err)
		}
		then, _, err := r.values(ctx, t, e.used, r.at.Add(-e.back))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.kind, err)
		}
		for key, used := range now {
			was, ok := then[key]
			share := report.Number(used)
			switch {
			case used >= 1:
				all = r.add(all, e, key, 0, &share, zone)
			case ok && used > was:
				all = r.add(all, e, key, (1-used)/(used-was)*e.back.Seconds(), &share, zone)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Forecast) int {
		switch {
		case a.In != b.In && a.In < b.In:
			return -1
		case a.In != b.In:
			return 1
		}
		return strings.Compare(a.Kind+a.Resource, b.Kind+b.Resource)
	})
	return all, nil
}

func (r *reader) add(all []Forecast, e estimate, key string, left float64, used *report.Number, zone *time.Location,
) []Forecast {
	if math.IsNaN(left) || left > horizon.Seconds() {
		return all
	}
	in := time.Duration(math.Round(max(left, 0))) * time.Second
	return append(all, Forecast{
		Resource: strings.ReplaceAll(key, "\x00", " "), Kind: e.kind, Basis: e.basis, Now: used,
		In: report.Length(in), Day: report.Date(r.at.Add(in).In(zone).Format(time.DateOnly)),
	})
}

// forecastSection is what runs out, as it is read.
func forecastSection(all []Forecast) report.Section {
	s := report.Section{
		Key: "forecast", Title: "What runs out", None: "Nothing is foreseen to run out within a year.",
		Table: &report.Table{Columns: []report.Column{
			{Key: "kind", Title: "Kind"},
			{Key: "resource", Title: "Resource"},
			{Key: "day", Title: "Runs out on"},
			{Key: "in", Title: "In"},
			{Key: "used", Title: "Used"},
			{Key: "basis", Title: "The estimate rests on"},
		}},
	}
	for _, f := range all {
		var used report.Cell
		if f.Now != nil {
			used = report.Bar(*f.Now)
		}
		in := report.Length(time.Duration(f.In).Truncate(time.Hour))
		s.Table.Rows = append(s.Table.Rows, []report.Cell{f.Kind, f.Resource, f.Day, in, used, f.Basis})
	}
	return s
}
