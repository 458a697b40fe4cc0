package importer

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// pyrra imports objectives of pyrra.
var pyrra = Importer{
	Name:     "pyrra",
	Help:     "Convert objectives of pyrra (ServiceLevelObjective) into slos.",
	FileHelp: "The objectives, as files or resources of Kubernetes.",
	Convert:  ofText(convertPyrra),
}

const pyrraVersion = "pyrra.dev/v1alpha1"

// convertPyrra converts the objectives of all documents.
func convertPyrra(text []byte) (Part, error) {
	roots, err := documents(text)
	if err != nil {
		return Part{}, fmt.Errorf("invalid objective of pyrra: %w", err)
	}
	d := &draft{from: "objectives of pyrra"}
	for _, root := range roots {
		if version := field(root, "apiVersion"); value(version) != pyrraVersion {
			return Part{}, fmt.Errorf("%sapiVersion %q; %s is read", at(line(version)), value(version), pyrraVersion)
		}
		if d.full(root.Line) {
			break
		}
		d.pyrra(root)
	}
	return d.part()
}

// pyrra adds one objective.
func (d *draft) pyrra(root *yaml.Node) {
	meta, spec := field(root, "metadata"), field(root, "spec")
	name := value(field(meta, "name"))
	s := importedSLO{
		Name: d.name(root.Line, name), Description: oneLine(value(field(spec, "description"))),
		Objective: strings.TrimSuffix(value(field(spec, "target")), "%") + "%",
	}
	if s.Objective == "%" {
		d.fail(root.Line, "%s: missing target", name)
		return
	}
	entries(field(meta, "labels"), func(key, v *yaml.Node) {
		if key.Value == "pyrra.dev/team" {
			s.Owner = asName(value(v))
		} else if strings.HasPrefix(key.Value, "pyrra.dev/") {
			d.note(key.Line, "label %s of %s", key.Value, name)
		}
	})
	d.others(spec, name, "description", "target", "window", "indicator", "alerting")
	if n := field(spec, "window"); n != nil {
		d.note(n.Line, "window %s of %s: the period is that of the policy's objectives", value(n), name)
	}
	alerting := field(spec, "alerting")
	if off := field(alerting, "disabled"); value(off) == "true" {
		d.note(off.Line, "the alerts of %s are disabled: as P4 it notifies as a ticket at most", name)
		s.Page = "P4"
	}
	d.others(alerting, "alerting of "+name, "disabled", "burnrates", "absent")
	indicator := field(spec, "indicator")
	var err error
	var kind, selector string
	entries(indicator, func(key, v *yaml.Node) {
		kind = key.Value
		if n := field(v, "grouping"); len(items(n)) > 0 {
			d.note(n.Line, "grouping of %s by %s: the objective is of all together", name, strings.Join(values(n), ", "))
		}
		s.Bad, s.Total, selector, err = pyrraIndicator(kind, v)
	})
	switch {
	case err != nil:
		d.fail(line(indicator), "%s: %v", name, err)
		return
	case s.Bad == "":
		d.fail(max(root.Line, line(indicator)),
			"%s: unknown indicator %q: ratio, latency, latencyNative and bool_gauge are read",
			name, kind)
		return
	}
	s.AppService = asName(nonEmpty(jobOf(selector), name))
	d.slo(line(indicator), s)
}

// pyrraIndicator returns the expressions of an indicator, and the selector of its events.
func pyrraIndicator(kind string, n *yaml.Node) (bad, total, selector string, err error) {
	metric := func(of *yaml.Node) string {
		text := oneLine(value(field(of, "metric")))
		e, parseErr := promQL.ParseExpr(text)
		if s, ok := e.(*parser.VectorSelector); parseErr != nil || !ok {
			err = fmt.Errorf("invalid selector %q", text)
		} else {
			text = s.String()
		}
		return text
	}
	rate := func(selector string) string { return "sum(rate(" + selector + "[$window]))" }
	switch kind {
	case "ratio":
		selector = metric(field(n, "total"))
		return rate(metric(field(n, "errors"))), rate(selector), selector, err
	case "latency":
		selector = metric(field(n, "total"))
		return rate(selector) + " - " + rate(metric(field(n, "success"))), rate(selector), selector, err
	case "latencyNative", "latency_native":
		selector = metric(field(n, "total"))
		limit, parseErr := model.ParseDuration(value(field(n, "latency")))
		if parseErr != nil {
			err = parseErr
		}
		count := "histogram_count(" + rate(selector) + ")"
		return fmt.Sprintf("%s - histogram_fraction(0, %g, %s) * %s", count, time.Duration(limit).Seconds(),
			rate(selector), count), count, selector, err
	case "bool_gauge", "boolGauge":
		selector = metric(n)
		total = "sum(count_over_time(" + selector + "[$window]))"
		return total + " - sum(sum_over_time(" + selector + "[$window]))", total, selector, err
	}
	return "", "", "", nil
}

// jobOf returns the job that a selector asks for, empty for several or none.
func jobOf(selector string) string {
	e, err := promQL.ParseExpr(selector)
	if err != nil {
		return ""
	}
	s, ok := e.(*parser.VectorSelector)
	if !ok {
		return ""
	}
	for _, m := range s.LabelMatchers {
		if m.Name == model.JobLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}
