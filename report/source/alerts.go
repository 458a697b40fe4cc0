package source

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// alertStep is the step at which alerts are read.
const alertStep = time.Minute

// Firing is a time in which an alert fired.
type Firing struct {
	Alert    string
	Labels   map[string]string
	From, To time.Time
	// Open is whether it still fired at the end of what was read.
	Open bool
}

// Alerts returns the alerts of the bundle that fired in an environment, in the order of their beginnings. matchers are
// further ones, such as alertname="ThorbisCheckDown".
func (p *Prometheus) Alerts(ctx context.Context, environment string, from, to time.Time, progress func(float64),
	matchers ...string,
) ([]Firing, error) {
	all := append([]string{
		`alertstate="firing"`, metric.LabelBundle + "=" + strconv.Quote(metric.BundleThorbis),
		metric.LabelEnvironment + "=" + strconv.Quote(environment),
	}, matchers...)
	series, err := p.Between(ctx, "ALERTS{"+strings.Join(all, ",")+"}", from, to, alertStep, progress)
	if err != nil {
		return nil, err
	}
	var fired []Firing
	for _, s := range series {
		for i, point := range s.Points {
			if i == 0 || point.At.Sub(s.Points[i-1].At) > gap {
				fired = append(fired, Firing{Alert: s.Labels["alertname"], Labels: s.Labels, From: point.At})
			}
			last := &fired[len(fired)-1]
			last.To, last.Open = point.At.Add(alertStep), to.Sub(point.At) <= alertStep
		}
	}
	slices.SortStableFunc(fired, func(a, b Firing) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Alert, b.Alert))
	})
	return fired, nil
}

// Changes returns the values that a series had between two moments, each with when it was first seen. What it had at
// the beginning is left out.
func Changes(s Series) []Point {
	var all []Point
	for i, p := range s.Points {
		if i > 0 && p.Value != s.Points[i-1].Value {
			all = append(all, p)
		}
	}
	return all
}

// Value returns the value of an expression without labels at a moment, false where there is none.
func (p *Prometheus) Value(ctx context.Context, expr string, at time.Time) (float64, bool, error) {
	series, err := p.At(ctx, expr, at)
	if err != nil || len(series) == 0 || len(series[0].Points) == 0 {
		return 0, false, err
	}
	return series[0].Points[0].Value, true, nil
}
