package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

// readValues merges files of values, of which a later one wins.
func readValues(files []string) (chartutil.Values, error) {
	values := chartutil.Values{}
	for _, file := range files {
		more, err := chartutil.ReadValuesFile(file)
		if err != nil {
			return nil, err
		}
		values = chartutil.CoalesceTables(more, values)
	}
	return values, nil
}

// lintChart is helm lint --strict: a warning is an error.
func lintChart(dir string, files []string) error {
	values, err := readValues(files)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range lint.AllWithKubeVersion(dir, values, "default", nil).Messages {
		if m.Severity >= support.WarningSev {
			errs = append(errs, m)
		}
	}
	return errors.Join(errs...)
}

// renderChart is helm template: values are checked against the chart's schema first.
func renderChart(name, namespace, dir string, files []string, out io.Writer) error {
	c, err := loader.Load(dir)
	if err != nil {
		return err
	}
	given, err := readValues(files)
	if err != nil {
		return err
	}
	values, err := chartutil.ToRenderValues(c, given, chartutil.ReleaseOptions{
		Name: name, Namespace: namespace, Revision: 1, IsInstall: true,
	}, chartutil.DefaultCapabilities)
	if err != nil {
		return err
	}
	rendered, err := engine.Render(c, values)
	if err != nil {
		return err
	}
	for _, file := range slices.Sorted(maps.Keys(rendered)) {
		if base := filepath.Base(file); strings.HasPrefix(base, "_") || base == "NOTES.txt" ||
			strings.TrimSpace(rendered[file]) == "" {
			continue
		}
		if _, err := fmt.Fprintf(out, "---\n# Source: %s\n%s\n", file, strings.TrimSpace(rendered[file])); err != nil {
			return err
		}
	}
	return nil
}
