package main

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// TestImport: what is imported is printed and is a part of a policy; a file that is not there, or that holds nothing to
// import, is named in the error.
func TestImport(t *testing.T) {
	for tool, c := range map[string]struct{ text, want, without string }{
		"sloth": {
			"version: prometheus/v1\nservice: shop\nslos: [{name: orders, objective: 99.5, sli: {events: {error_query: " +
				"'sum(rate(b[{{.window}}]))', total_query: 'sum(rate(t[{{.window}}]))'}}}]\n",
			"sum(rate(b[$window]))", "version: prometheus/v1",
		},
		"blackbox": {
			"scrape_configs: [{job_name: shop, metrics_path: /probe, static_configs: [{targets: [https://example.com]}], " +
				"relabel_configs: [{source_labels: [__address__], target_label: __param_target}]}]\n",
			"target: https://example.com", "scrape_configs: []",
		},
	} {
		t.Run(tool, func(t *testing.T) {
			write := func(text string) string {
				file := filepath.Join(t.TempDir(), "file.yaml")
				testkit.WriteFile(t, file, text)
				return file
			}
			var out bytes.Buffer
			if err := run([]string{"import", tool, write(c.text)}, &out); err != nil || !strings.Contains(out.String(), c.want) {
				t.Errorf("%v\n%s", err, &out)
			}
			policy := write("version: 1\nchannels: {deadman: none}\n" +
				"services: [{name: shop, owner: sre}]\n" + strings.Replace(out.String(), "  modules_file: blackbox.yml\n", "", 1))
			if err := run(
				[]string{"generate", "--config.file=" + policy, "--only=rules", "--out=" + t.TempDir()}, io.Discard,
			); err != nil {
				t.Errorf("what was imported is no policy: %v\n%s", err, &out)
			}
			out.Reset()
			missing := filepath.Join(t.TempDir(), "missing.yaml")
			if err := run([]string{"import", tool, missing}, &out); err == nil || strings.Count(err.Error(), missing) != 1 ||
				out.Len() > 0 {
				t.Errorf("a file that is not there: %v\n%s", err, &out)
			}
			nothing := write(c.without)
			if err := run([]string{"import", tool, nothing}, &out); err == nil ||
				!strings.Contains(err.Error(), "nothing was imported") || out.Len() > 0 {
				t.Errorf("nothing to import: %v\n%s", err, &out)
			}
		})
	}
}
