package health

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/thorbis/thorbis_exporter/metric"
)

// located adds the location to a histogram, which outlives the policy that says where it is.
type located struct {
	prometheus.Metric
	location string
}

// Write implements prometheus.Metric.
func (l located) Write(out *dto.Metric) error {
	if err := l.Metric.Write(out); err != nil {
		return err
	}
	name := metric.LabelLocation
	out.Label = append(slices.Clone(out.GetLabel()), &dto.LabelPair{Name: &name, Value: &l.location})
	slices.SortFunc(out.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	return nil
}
