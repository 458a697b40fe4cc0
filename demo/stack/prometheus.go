package stack

import (
	"path/filepath"
	"strings"
)

// prometheusData is where Prometheus keeps its samples.
const prometheusData = "prometheus-data"

// startPrometheus starts Prometheus on the generated rules.
func (s *Stack) startPrometheus() (err error) {
	flags := []string{
		"--config.file=" + filepath.Join(s.Dir, "prometheus.yml"),
		"--storage.tsdb.path=" + filepath.Join(s.Dir, prometheusData),
		"--web.listen-address=" + s.Prometheus,
	}
	if len(s.options.Features) > 0 {
		flags = append(flags, "--enable-feature="+strings.Join(s.options.Features, ","))
	}
	s.prometheus, err = start(s.Dir, "prometheus", s.program("tools/prometheus"), flags...)
	return err
}
