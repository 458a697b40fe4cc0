package rule

import (
	"maps"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Target lists the labels that identify a target of a foreign exporter.
var Target = Join("job", "instance", metric.LabelSupabaseInstance)

// machineNames are placeholders of expressions on machines.
var machineNames = Names{
	"host":     Join(metric.LabelEnvironment, metric.LabelHost),
	"target":   Target,
	"nodeHost": metric.NodeHost.Name,
	"observed": metric.StorageObserved.Name,
}

// MachineExpr fills the placeholders of an expression on machines.
func MachineExpr(text string, more ...Names) string {
	n := maps.Clone(machineNames)
	for _, m := range more {
		maps.Copy(n, m)
	}
	return Expand(text, n)
}

// Foreign gives a foreign exporter's series the environment and host labels of ours.
func Foreign(expr string) string {
	return `(` + expr + `) * on (` + Target + `) group_left (` + Join(metric.LabelEnvironment, metric.LabelHost) + `) ` +
		metric.NodeHost.Name
}

// Held returns the last value of a gauge within Prometheus's lookback. One failed scrape marks all series of its
// target as stale. Without held, the alert would resolve and then page again.
func Held(selector string) string { return "last_over_time(" + selector + "[5m])" }

// Either returns our series, and foreign ones where we have none.
func Either(level, ours, theirs string, more ...Names) string {
	return MachineExpr(`
		max by (`+level+`) (`+ours+`)
		or
		max by (`+level+`) (`+theirs+`)`, more...)
}
