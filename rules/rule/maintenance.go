package rule

import (
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Unplanned leaves out services that have planned work now, or had some within a window. An expression with a
// top-level or must be in parentheses.
func Unplanned(expr, within string) string {
	planned := metric.Maintenance.Name
	if within != "" {
		planned = "max_over_time(" + planned + "[" + within + "])"
	}
	return strings.TrimRight(expr, " \t\n") + "\nunless on (" + Levels["service"] + ") " + planned
}
