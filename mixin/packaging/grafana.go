package packaging

import (
	"path"
)

// grafanaFolder is where the provider looks for dashboards on the machine of Grafana.
const grafanaFolder = "/var/lib/grafana/dashboards/thorbis"

// grafana packs dashboards with the file by which Grafana provisions them.
var grafana = Packaging{
	Name: "grafana",
	Help: "dashboards with the file by which Grafana provisions them",
	pack: func(b Bundle) (map[string][]byte, error) {
		files := map[string][]byte{"provisioning/dashboards/thorbis.yaml": []byte(header +
			`# Copy provisioning/ to /etc/grafana/provisioning, and dashboards/ to the path below.
# Dashboards that are removed there are removed in Grafana too.
apiVersion: 1
providers:
  - name: thorbis
    orgId: 1
    folder: Thorbis
    type: file
    disableDeletion: false
    allowUiUpdates: false
    updateIntervalSeconds: 60
    options:
      path: ` + grafanaFolder + "\n")}
		for _, name := range b.in("dashboards") {
			files[path.Join("dashboards", path.Base(name))] = b.Files[name]
		}
		return files, nil
	},
}
