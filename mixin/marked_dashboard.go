package mixin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

var (
	// durationVariable is a variable of Grafana that stands for a duration.
	durationVariable = regexp.MustCompile(`\$__[a-z_]+`)
	// queryLine is a line of a dashboard that has an expression, or the query of a variable.
	queryLine = regexp.MustCompile(`(?m)^ *"(?:expr|query)": (".*"),?$`)
	// labelValues is the query of a variable: its selector stands between the two parts.
	labelValues = regexp.MustCompile(`^(label_values\()(.+)(, *\w+\))$`)
)

// withoutVariables returns an expression whose durations PromQL can read, of the same length: a minute with leading
// zeros.
func withoutVariables(text string) string {
	return durationVariable.ReplaceAllStringFunc(text, func(v string) string {
		return strings.Repeat("0", len(v)-len("1m")) + "1m"
	})
}

// markedDashboardName is the name of a dashboard with marks, which Grafana does not read.
func markedDashboardName(name string) string {
	return strings.TrimSuffix(name, ".json") + ".marked.json"
}

// markedDashboard returns a dashboard with a mark in each selector of a series of ours.
func markedDashboard(text []byte) ([]byte, error) {
	var out bytes.Buffer
	last := 0
	for _, at := range queryLine.FindAllSubmatchIndex(text, -1) {
		var query string
		if err := json.Unmarshal(text[at[2]:at[3]], &query); err != nil {
			return nil, err
		}
		marked, err := markedQuery(query)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
		encoded, err := json.Marshal(marked)
		if err != nil {
			return nil, err
		}
		out.Write(text[last:at[2]])
		out.Write(encoded)
		last = at[3]
	}
	out.Write(text[last:])
	if unmark.Replace(out.String()) != string(text) {
		return nil, fmt.Errorf("marks change more than selectors")
	}
	return out.Bytes(), nil
}

// markedQuery returns an expression, or the query of a variable, with a mark in each selector of a series of ours.
func markedQuery(query string) (string, error) {
	before, selector, after := selectorOf(query)
	if selector == "" {
		return query, nil
	}
	marked, err := markedExpr(selector)
	return before + marked + after, err
}

// selectorOf divides the query of a variable into its selector and what stands around it. Another query is all
// selector; a data source's has none.
func selectorOf(query string) (before, selector, after string) {
	if parts := labelValues.FindStringSubmatch(query); parts != nil {
		return parts[1], parts[2], parts[3]
	}
	if query == "prometheus" {
		return query, "", ""
	}
	return "", query, ""
}
