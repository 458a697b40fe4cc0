package rule

import (
	"slices"

	"github.com/thorbis/thorbis_exporter/metric"
)

// UnlessReplaced leaves an alert out while one of the labels that it depends on, or the environment, is replaced.
func UnlessReplaced(expr string, labels ...string) string {
	return expr + " unless on (environment) " + metric.LabelConflict.Select(
		Named("label", append(slices.Clone(labels), metric.LabelEnvironment)))
}
