package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/prometheus"

	"github.com/thorbis/thorbis_exporter/metric"
)

// quantile reads a native histogram where Prometheus stores it, classic buckets where it does not. by are the labels
// that distinguish lines, none for one line.
func quantile(q, by string, selected func(selecter, ...string) string, m *metric.Metric) string {
	classic := metric.Metric{Name: m.Name + "_bucket"}
	native, buckets := "", " by (le)"
	if by != "" {
		native, buckets = " by ("+by+")", " by (le, "+by+")"
	}
	return fmt.Sprintf(`histogram_quantile(%[1]s, sum%[2]s (rate(%[3]s[$__rate_interval]))) or `+
		`histogram_quantile(%[1]s, sum%[4]s (rate(%[5]s[$__rate_interval])))`,
		q, native, selected(m), buckets, selected(&classic))
}

// recordedQuantiles are the queries of the median, 95 and 99 of 100 as rules record them, by service.
func recordedQuantiles(selected func(selecter, ...string) string) []*prometheus.DataqueryBuilder {
	var queries []*prometheus.DataqueryBuilder
	for i, q := range [][2]string{{"0.5", "p50"}, {"0.95", "p95"}, {"0.99", "p99"}} {
		queries = append(queries, query(letter(i), selected(metric.RequestDurationQuantile, fmt.Sprintf("quantile=%q", q[0])),
			"{{app_service}} "+q[1]))
	}
	return queries
}

// threeQuantiles are the queries of the median, 95 and 99 of 100.
func threeQuantiles(selected func(selecter, ...string) string, m *metric.Metric) []*prometheus.DataqueryBuilder {
	var queries []*prometheus.DataqueryBuilder
	for i, q := range []string{"50", "95", "99"} {
		queries = append(queries, query(letter(i), quantile("0."+q, "", selected, m), "p"+q))
	}
	return queries
}
