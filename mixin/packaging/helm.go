package packaging

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/prometheus/common/version"
)

// helm packs a chart of the policy: exporters, rules and dashboards.
var helm = Packaging{
	Name: "helm",
	Help: "a Helm chart of exporters, with the policy, its rules and its dashboards",
	pack: func(b Bundle) (map[string][]byte, error) {
		files, err := chartTemplates()
		if err != nil {
			return nil, err
		}
		files["Chart.yaml"] = chartMetadata()
		policy, err := b.policyFiles()
		if err != nil {
			return nil, err
		}
		for name, text := range policy {
			files["files/policy/"+name] = text
		}
		for _, name := range b.in("rules") {
			files["files/rules/"+path.Base(name)] = withoutComments(b.Files[name])
		}
		for _, name := range b.in("dashboards") {
			// Helm keeps the chart and what it renders in a Secret of 1 MiB.
			var compact bytes.Buffer
			if err := json.Compact(&compact, b.Files[name]); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			compact.WriteByte('\n')
			files["files/dashboards/"+path.Base(name)] = compact.Bytes()
		}
		packed := map[string][]byte{}
		for name, text := range files {
			packed[path.Join(chartName, name)] = text
		}
		return packed, nil
	},
}

// chartName is the name of the chart and of its folder.
const chartName = "thorbis"

// chart has what is the same in every chart.
//
//go:embed all:chart
var chart embed.FS

// chartTemplates returns the files of the chart that no policy changes.
func chartTemplates() (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(chart, "chart", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := chart.ReadFile(name)
		files[strings.TrimPrefix(name, "chart/")] = text
		return err
	})
	return files, err
}

// chartVersionRE matches versions of releases, which are semantic versions with or without a v.
var chartVersionRE = regexp.MustCompile(`^v?([0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?)$`)

// chartMetadata returns Chart.yaml. The chart has the version of the program that wrote it.
func chartMetadata() []byte {
	release := "0.0.0"
	if found := chartVersionRE.FindStringSubmatch(version.Version); found != nil {
		release = found[1]
	}
	return fmt.Appendf(nil, `apiVersion: v2
name: %s
description: Exporters of a thorbis policy, with its Prometheus rules and Grafana dashboards
type: application
version: %s
appVersion: %q
kubeVersion: ">=1.25.0-0"
home: https://github.com/thorbis/thorbis_exporter
icon: https://raw.githubusercontent.com/prometheus/prometheus/main/documentation/images/prometheus-logo.svg
keywords: [prometheus, exporter, slo, monitoring]
`, chartName, release, release)
}

// maxPolicy is what a ConfigMap may hold, in bytes, with room for its metadata.
const maxPolicy = 1000 << 10

// policyFiles returns the files of the policy by name without folder, since a ConfigMap has no folders.
func (b Bundle) policyFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	size := 0
	for _, name := range b.Policy.Files() {
		base := filepath.Base(name)
		if _, ok := files[base]; ok {
			return nil, fmt.Errorf("two files of the policy are called %s, and a ConfigMap has no folders: rename one", base)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("the policy comes from a file or a directory here, not from a pipe: %w", err)
		}
		if size += len(text); size > maxPolicy {
			return nil, fmt.Errorf("the policy has more than %d KiB, and a ConfigMap holds 1 MiB", maxPolicy>>10)
		}
		files[base] = text
	}
	if len(files) == 0 {
		return nil, errors.New("the embedded default watches one exporter itself and is not to be deployed: " +
			"name a policy with --config.file")
	}
	return files, nil
}
