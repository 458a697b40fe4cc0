package packaging

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// kubernetes packs the bundle into objects that need no Helm: rules, dashboards and Alertmanager's own configuration.
var kubernetes = Packaging{
	Name: "kubernetes",
	Help: "PrometheusRules, ConfigMaps for Grafana's sidecar, and Alertmanager's configuration as a Secret",
	pack: func(b Bundle) (map[string][]byte, error) {
		packed := map[string][]byte{}
		for name, text := range map[string]string{
			"prometheus-rules.yaml": b.prometheusRules(), "grafana-dashboards.yaml": b.sidecarDashboards(),
			"alertmanager-secret.yaml": b.alertmanagerSecret(),
		} {
			if text != "" {
				packed[name] = []byte(header + text)
			}
		}
		return packed, nil
	},
}

// alertmanagerDir is where the operator mounts each key of an Alertmanager's secret, templates too, apart from the
// configuration that it lets the Alertmanager read.
const alertmanagerDir = "/etc/alertmanager/config/"

// dashboardLabel is the label that Grafana's sidecar looks for by default.
const dashboardLabel = "grafana_dashboard"

// prometheusRules has one PrometheusRule for each file of rules.
func (b Bundle) prometheusRules() string {
	var out bytes.Buffer
	for _, name := range b.in("rules") {
		b.begin(&out, "monitoring.coreos.com/v1", "PrometheusRule", "thorbis-"+subject(name), b.Labels)
		out.WriteString("spec:\n" + indent(b.Files[name], "  "))
	}
	return out.String()
}

// sidecarDashboards has one ConfigMap for each dashboard: all together would exceed the 1 MiB of a ConfigMap.
func (b Bundle) sidecarDashboards() string {
	var out bytes.Buffer
	for _, name := range b.in("dashboards") {
		base := path.Base(name)
		b.begin(&out, "v1", "ConfigMap", strings.TrimSuffix(base, ".json"), map[string]string{dashboardLabel: "1"})
		out.WriteString("data:\n  " + base + ": |\n" + indent(b.Files[name], "    "))
	}
	return out.String()
}

// alertmanagerSecret has the Secret that an Alertmanager of the operator reads (configSecret).
func (b Bundle) alertmanagerSecret() string {
	var out bytes.Buffer
	routes, ok := b.Files["alertmanager/alertmanager.yaml"]
	if !ok {
		return ""
	}
	b.begin(&out, "v1", "Secret", "thorbis-alertmanager", nil)
	out.WriteString("stringData:\n  alertmanager.yaml: |\n")
	out.WriteString(indent(bytes.ReplaceAll(routes, []byte("- templates/"), []byte("- "+alertmanagerDir)), "    "))
	for _, name := range b.in("alertmanager/templates") {
		out.WriteString("  " + path.Base(name) + ": |\n" + indent(b.Files[name], "    "))
	}
	return out.String()
}

// begin writes what comes before the content of an object.
func (b Bundle) begin(out *bytes.Buffer, version, kind, name string, labels map[string]string) {
	fmt.Fprintf(out, "---\napiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n", version, kind, name)
	if b.Namespace != "" {
		fmt.Fprintf(out, "  namespace: %s\n", strconv.Quote(b.Namespace))
	}
	out.WriteString("  labels:\n    app.kubernetes.io/part-of: thorbis\n")
	for _, l := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(out, "    %s: %s\n", strconv.Quote(l), strconv.Quote(labels[l]))
	}
}
