package packaging

import (
	"bytes"
	"fmt"
	"strconv"
)

// operator packs what the Prometheus Operator reads: rules, and how exporters are scraped, in the cluster and outside.
var operator = Packaging{
	Name: "operator",
	Help: "PrometheusRules, ServiceMonitors and, of exporters outside the cluster, ScrapeConfigs of the Prometheus " +
		"Operator",
	pack: func(b Bundle) (map[string][]byte, error) {
		packed := map[string][]byte{
			"prometheus-rules.yaml": []byte(header + b.prometheusRules()),
			"service-monitors.yaml": []byte(header + b.serviceMonitors()),
		}
		if len(b.Targets) > 0 {
			packed["scrape-configs.yaml"] = []byte(header + b.scrapeConfigs())
		}
		return packed, nil
	},
}

// page is one path that an exporter serves, as it is scraped.
type page struct {
	suffix, path, interval string
	sampleLimit            int
}

// pages are the paths of an exporter. That of tenants is scraped apart: however many there come to be, the scrape of
// everything else stays as it is.
var pages = []page{
	{path: "/metrics", interval: "15s"},
	{suffix: "-tenants", path: "/metrics/tenants", interval: "30s", sampleLimit: 500_000},
}

// exporterName is the label app.kubernetes.io/name of the exporter's Service and its pods.
const exporterName = "thorbis-exporter"

// serviceMonitors has one ServiceMonitor for each page: the limit of samples is the monitor's.
func (b Bundle) serviceMonitors() string {
	var out bytes.Buffer
	out.WriteString("# They select Services labelled app.kubernetes.io/name=" + exporterName + `, by their port metrics.
# scrapeNativeHistograms asks for an operator of 0.86 and Prometheus 3.8 or newer.
`)
	for _, p := range pages {
		b.begin(&out, "monitoring.coreos.com/v1", "ServiceMonitor", exporterName+p.suffix, b.Labels)
		fmt.Fprintf(&out, `spec:
  selector:
    matchLabels: {app.kubernetes.io/name: %s}
%s  endpoints:
    - port: metrics
      path: %s
      interval: %s
      honorLabels: true
`, exporterName, p.limits(), p.path, p.interval)
	}
	return out.String()
}

// scrapeConfigs has one ScrapeConfig for each page of the exporters outside the cluster.
func (b Bundle) scrapeConfigs() string {
	var out bytes.Buffer
	for _, p := range pages {
		b.begin(&out, "monitoring.coreos.com/v1alpha1", "ScrapeConfig", exporterName+"-outside"+p.suffix, b.Labels)
		fmt.Fprintf(&out, `spec:
  metricsPath: %s
  scrapeInterval: %s
  honorLabels: true
%s  staticConfigs:
    - targets:
`, p.path, p.interval, p.limits())
		for _, target := range b.Targets {
			out.WriteString("        - " + strconv.Quote(target) + "\n")
		}
	}
	return out.String()
}

// limits are the keys that both kinds of objects have under spec.
func (p page) limits() string {
	keys := "  scrapeNativeHistograms: true\n  scrapeClassicHistograms: true\n"
	if p.sampleLimit > 0 {
		keys += fmt.Sprintf("  sampleLimit: %d\n", p.sampleLimit)
	}
	return keys
}
