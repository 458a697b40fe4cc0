package delivery

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// only passes the one series of a metric whose labels are written as in result="success",source="github".
type only struct {
	prometheus.Collector
	name, labels string
}

func (o only) Collect(ch chan<- prometheus.Metric) {
	all := make(chan prometheus.Metric, 4096)
	o.Collector.Collect(all)
	close(all)
	for m := range all {
		var out dto.Metric
		if !strings.Contains(m.Desc().String(), `"`+o.name+`"`) || m.Write(&out) != nil {
			continue
		}
		var labels []string
		for _, l := range out.Label {
			labels = append(labels, l.GetName()+`="`+l.GetValue()+`"`)
		}
		slices.Sort(labels)
		if strings.Join(labels, ",") == o.labels {
			ch <- m
		}
	}
}
