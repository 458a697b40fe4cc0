package importer

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// openSLO imports objectives of OpenSLO v1.
var openSLO = Importer{
	Name:     "openslo",
	Help:     "Convert objectives of OpenSLO (openslo/v1) over Prometheus into slos.",
	FileHelp: "The SLOs, with the SLIs to which they refer.",
	Convert:  ofText(convertOpenSLO),
}

const (
	openSLOVersion = "openslo/v1"
	openSLOAlpha   = "openslo/v1alpha"
)

// convertOpenSLO converts the SLOs of all documents; their indicators may be documents of their own.
func convertOpenSLO(text []byte) (Part, error) {
	roots, err := documents(text)
	if err != nil {
		return Part{}, fmt.Errorf("invalid specification of OpenSLO: %w", err)
	}
	d := &draft{from: "a specification of OpenSLO"}
	indicators := map[string]*yaml.Node{}
	for _, root := range roots {
		version := field(root, "apiVersion")
		if v := value(version); v != openSLOVersion && v != openSLOAlpha {
			return Part{}, fmt.Errorf("%sapiVersion %q; %s is read", at(line(version)), v, openSLOVersion)
		}
		if value(field(root, "kind")) == "SLI" {
			indicators[value(field(field(root, "metadata"), "name"))] = field(root, "spec")
		}
	}
	for _, root := range roots {
		switch kind := field(root, "kind"); value(kind) {
		case "SLO":
			d.openSLO(root, indicators)
		case "SLI":
		default:
			d.note(line(kind), "%s %s", value(kind), value(field(field(root, "metadata"), "name")))
		}
	}
	return d.part()
}

// openSLO adds each objective of an SLO.
func (d *draft) openSLO(root *yaml.Node, indicators map[string]*yaml.Node) {
	spec, name := field(root, "spec"), value(field(field(root, "metadata"), "name"))
	if spec == nil || name == "" {
		d.fail(root.Line, "an SLO without a name or a spec")
		return
	}
	if n := field(spec, "budgetingMethod"); n != nil && value(n) != "Occurrences" {
		d.fail(n.Line, "%s: budgeting method %s: only shares of events (Occurrences) add up over time", name, value(n))
		return
	}
	d.others(spec, name, "service", "description", "indicator", "indicatorRef", "objectives", "budgetingMethod",
		"timeWindow", "timeWindows")
	if n := field(spec, "timeWindow", "timeWindows"); n != nil {
		for _, w := range items(n) {
			d.note(w.Line, "time window %s of %s: the period is that of the policy's objectives",
				value(field(w, "duration")), name)
		}
	}
	indicator := field(field(spec, "indicator"), "spec")
	if ref := field(spec, "indicatorRef"); ref != nil {
		if indicator = indicators[value(ref)]; indicator == nil {
			d.fail(ref.Line, "%s: its indicator %q is not in the file", name, value(ref))
			return
		}
	}
	objectives := items(field(spec, "objectives"))
	if len(objectives) == 0 {
		d.fail(root.Line, "%s: missing objectives", name)
	}
	for i, o := range objectives {
		if d.full(o.Line) {
			return
		}
		own := name
		if len(objectives) > 1 {
			own += "-" + asName(strings.ToLower(nonEmpty(value(field(o, "displayName")), strconv.Itoa(i+1))))
		}
		d.others(o, own, "displayName", "target", "targetPercent", "ratioMetrics")
		objective, ok := percent(o)
		if !ok {
			d.fail(o.Line, "%s: missing target", own)
			continue
		}
		ratio := field(indicator, "ratioMetric")
		if ratio == nil {
			ratio = field(o, "ratioMetrics") // of v1alpha
		}
		bad, total, err := ratioMetric(ratio)
		if err != nil {
			d.fail(max(o.Line, line(ratio)), "%s: %v", own, err)
			continue
		}
		d.slo(o.Line, importedSLO{
			Name: d.name(o.Line, own), AppService: asName(nonEmpty(value(field(spec, "service")), name)),
			Description: oneLine(value(field(spec, "description"))), Objective: objective, Bad: bad, Total: total,
		})
	}
}

func nonEmpty(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// percent returns the target of an objective as the policy writes it.
func percent(o *yaml.Node) (string, bool) {
	if p := value(field(o, "targetPercent")); p != "" {
		return p + "%", true
	}
	share, err := strconv.ParseFloat(value(field(o, "target")), 64)
	if err != nil || math.IsNaN(share) {
		return "", false
	}
	return strconv.FormatFloat(math.Round(share*1e9)/1e7, 'f', -1, 64) + "%", true
}

// ratioMetric returns the expressions of a ratio of events.
func ratioMetric(n *yaml.Node) (bad, total string, err error) {
	if n == nil {
		return "", "", fmt.Errorf("only a ratioMetric adds up over time: write bad and total by hand")
	}
	if raw := field(n, "raw"); raw != nil {
		if bad, total := ratioOf(windowed(openSLOQuery(raw))); value(field(n, "rawType")) == "failure" && bad != "" {
			return bad, total, nil
		}
		return "", "", fmt.Errorf("a raw ratio does not add up over time: write bad and total by hand")
	}
	if total, err = overWindow(openSLOQuery(field(n, "total"))); err != nil {
		return "", "", fmt.Errorf("total: %w", err)
	}
	if n := field(n, "bad"); n != nil {
		if bad, err = overWindow(openSLOQuery(n)); err != nil {
			return "", "", fmt.Errorf("bad: %w", err)
		}
		return bad, total, nil
	}
	good, err := overWindow(openSLOQuery(field(n, "good")))
	if err != nil {
		return "", "", fmt.Errorf("good: %w", err)
	}
	return "(" + total + ") - (" + good + ")", total, nil
}

// openSLOQuery returns the query of a metric, of v1 or of v1alpha.
func openSLOQuery(n *yaml.Node) string {
	source := field(n, "metricSource")
	if source == nil {
		source = n
	}
	if q := value(field(field(source, "spec"), "query", "promql")); q != "" {
		return q
	}
	return value(field(source, "query"))
}
