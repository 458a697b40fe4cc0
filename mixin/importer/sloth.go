package importer

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// sloth imports specifications of sloth, as files and as resources of Kubernetes.
var sloth = Importer{
	Name: "sloth",
	Help: "Convert specifications of sloth (prometheus/v1, PrometheusServiceLevel, openslo/v1alpha) " +
		"into slos.",
	FileHelp: "The specification.",
	Convert:  ofText(convertSloth),
}

const (
	slothVersion  = "prometheus/v1"
	slothResource = "sloth.slok.dev/v1"
)

// placeholderRE matches how other tools write the range of a window.
var placeholderRE = regexp.MustCompile(`\{\{-?\s*\.window\s*-?\}\}`)

// convertSloth converts specifications of sloth. Keys of a file are written with underscores, those of a resource in
// camel case.
func convertSloth(text []byte) (Part, error) {
	roots, err := documents(text)
	if err != nil {
		return Part{}, fmt.Errorf("invalid specification of sloth: %w", err)
	}
	d := &draft{from: "sloth's specification"}
	for _, root := range roots {
		version := field(root, "version", "apiVersion")
		switch value(version) {
		case slothVersion:
			d.others(root, "sloth", "version", "service", "slos", "labels")
			d.slothSpec(root)
		case slothResource:
			d.slothSpec(field(root, "spec"))
		case openSLOAlpha:
			d.openSLO(root, nil)
		default:
			return Part{}, fmt.Errorf("%sversion %q; %s, %s and %s are read", at(line(version)), value(version), slothVersion,
				slothResource, openSLOAlpha)
		}
	}
	return d.part()
}

// slothSpec adds the objectives of one service.
func (d *draft) slothSpec(spec *yaml.Node) {
	service := value(field(spec, "service"))
	if n := field(spec, "labels"); n != nil {
		d.note(n.Line, "labels of %s: alerts have those of the policy", service)
	}
	d.slothPlugins(spec, service)
	for _, s := range items(field(spec, "slos")) {
		if d.full(s.Line) {
			return
		}
		name := service + "-" + value(field(s, "name"))
		out := importedSLO{
			Name: d.name(s.Line, name), AppService: asName(service),
			Description: oneLine(value(field(s, "description"))),
			Objective:   strings.TrimSuffix(value(field(s, "objective")), "%") + "%",
		}
		if out.Objective == "%" {
			d.fail(s.Line, "%s: missing objective", name)
			continue
		}
		if n := field(s, "labels"); n != nil {
			d.note(n.Line, "labels of %s", name)
		}
		d.slothPlugins(s, name)
		out.Page = d.slothAlerting(field(s, "alerting"), name)
		if out.Bad, out.Total = d.slothSLI(field(s, "sli"), s.Line, name); out.Bad != "" {
			d.slo(s.Line, out)
		}
	}
}

// slothPlugins reports chains of plugins, which change rules in ways that only sloth knows.
func (d *draft) slothPlugins(n *yaml.Node, of string) {
	plugins := field(n, "slo_plugins", "sloPlugins", "plugins")
	if plugins == nil {
		return
	}
	var ids []string
	for _, p := range items(field(plugins, "chain")) {
		ids = append(ids, value(field(p, "id")))
	}
	d.note(plugins.Line, "plugins of %s (%s): what they do to rules is not done here", of, strings.Join(ids, ", "))
}

// slothAlerting returns the priority of an objective whose alerts are off, empty where they are not.
func (d *draft) slothAlerting(n *yaml.Node, of string) string {
	if n == nil {
		return ""
	}
	disabled := func(keys ...string) *yaml.Node {
		if off := field(field(n, keys...), "disable"); value(off) == "true" {
			return off
		}
		return nil
	}
	page, ticket := disabled("page_alert", "pageAlert"), disabled("ticket_alert", "ticketAlert")
	entries(n, func(key, v *yaml.Node) {
		if key.Value == "labels" || key.Value == "annotations" ||
			strings.HasSuffix(strings.ToLower(key.Value), "alert") && field(v, "labels", "annotations") != nil {
			d.note(key.Line, "%s of the alerts of %s: routes come from the policy", key.Value, of)
		}
	})
	switch {
	case page != nil && ticket != nil:
		d.note(page.Line, "the alerts of %s are disabled: as P4 it notifies as a ticket at most", of)
		return "P4"
	case page != nil:
		d.note(page.Line, "the page of %s is disabled: it is P3", of)
		return "P3"
	case ticket != nil:
		d.note(ticket.Line, "the ticket of %s is disabled: slow burns still open one", of)
	}
	return ""
}

// slothSLI returns the expressions of an indicator, empty for one that cannot be converted.
func (d *draft) slothSLI(n *yaml.Node, at int, of string) (bad, total string) {
	if events := field(n, "events"); events != nil {
		return windowed(value(field(events, "error_query", "errorQuery"))),
			windowed(value(field(events, "total_query", "totalQuery")))
	}
	if plugin := field(n, "plugin"); plugin != nil {
		d.fail(plugin.Line, "%s: plugin %s, which only sloth can run: write bad and total by hand", of,
			value(field(plugin, "id")))
		return "", ""
	}
	raw := field(n, "raw")
	query := windowed(value(field(raw, "error_ratio_query", "errorRatioQuery")))
	if bad, total = ratioOf(query); bad == "" {
		d.fail(max(at, line(raw)), "%s: a raw ratio, without errors and events, does not add up over time: "+
			"write bad and total by hand", of)
	}
	return bad, total
}

// ratioOf splits a quotient into what is above the line and what is below it; empty if it is none.
func ratioOf(query string) (above, below string) {
	root, err := parseWindowed(query)
	if err != nil {
		return "", ""
	}
	for {
		p, ok := root.(*parser.ParenExpr)
		if !ok {
			break
		}
		root = p.Expr
	}
	quotient, ok := root.(*parser.BinaryExpr)
	if !ok || quotient.Op != parser.DIV {
		return "", ""
	}
	return printWindowed(quotient.LHS), printWindowed(quotient.RHS)
}
