package packaging

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// kustomize packs a base of exporters, with the policy, its rules and its dashboards.
var kustomize = Packaging{
	Name: "kustomize",
	Help: "a Kustomize base of exporters, with the policy, its rules and its dashboards",
	pack: func(b Bundle) (map[string][]byte, error) {
		policy, err := b.policyFiles()
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		out.WriteString(header)
		out.WriteString(`# A base: an overlay sets the namespace, the image, the replicas, the location and the Secret
# thorbis-secrets. The name of the policy's ConfigMap ends with the hash of its content, so that a changed policy
# rolls the pods.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
`)
		if b.Namespace != "" {
			out.WriteString("namespace: " + strconv.Quote(b.Namespace) + "\n")
		}
		out.WriteString(`resources:
  - exporter.yaml
  - service-monitors.yaml
  - prometheus-rules.yaml
  - grafana-dashboards.yaml
configMapGenerator:
  - name: thorbis-policy
    options: {labels: {app.kubernetes.io/part-of: thorbis}}
    files:
`)
		packed := map[string][]byte{
			"exporter.yaml":           exporterObjects,
			"service-monitors.yaml":   []byte(header + b.serviceMonitors()),
			"prometheus-rules.yaml":   []byte(header + b.prometheusRules()),
			"grafana-dashboards.yaml": []byte(header + b.sidecarDashboards()),
		}
		for _, name := range slices.Sorted(maps.Keys(policy)) {
			fmt.Fprintf(&out, "      - %s\n", strconv.Quote(name+"=policy/"+name))
			packed["policy/"+name] = policy[name]
		}
		packed["kustomization.yaml"] = out.Bytes()
		return packed, nil
	},
}

// exporterObjects are a StatefulSet of exporters, its Service and its disruption budget, as deploy/kubernetes has them.
//
//go:embed exporter.yaml
var exporterObjects []byte
