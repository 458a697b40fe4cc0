package rule

import (
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/metric"
)

// AnyOf returns a selector for the series of several records, whose names differ in the operation only. Functions that
// drop the name of a series fail on it where two of them have the same labels; last_over_time keeps the name.
func AnyOf(all []*metric.Record, matchers ...string) string {
	if len(all) == 1 {
		return all[0].Select(matchers...)
	}
	var level string
	operations := make([]string, len(all))
	for i, r := range all {
		at := strings.LastIndex(r.Name, ":") + 1
		level, operations[i] = r.Name[:at], r.Name[at:]
	}
	return anyName(level+"("+strings.Join(operations, "|")+")", matchers)
}

// AnyName returns a selector for the series of several metrics. The words that their names begin with are written once.
func AnyName(names []string, matchers ...string) string {
	prefix := names[0]
	for _, name := range names {
		for !strings.HasPrefix(name, prefix) {
			prefix = prefix[:strings.LastIndex(strings.TrimSuffix(prefix, "_"), "_")+1]
		}
	}
	rest := make([]string, len(names))
	for i, name := range names {
		rest[i] = name[len(prefix):]
	}
	return anyName(prefix+"("+strings.Join(rest, "|")+")", matchers)
}

func anyName(pattern string, matchers []string) string {
	name := fmt.Sprintf("%s=~%q", model.MetricNameLabel, pattern)
	return Braces(strings.Join(append([]string{name}, matchers...), ","))
}

// NamesOf returns the names of the series that a selector selects, where it states or lists them.
func NamesOf(s *parser.VectorSelector) []string {
	if s.Name != "" {
		return []string{s.Name}
	}
	for _, m := range s.LabelMatchers {
		switch {
		case m.Name != model.MetricNameLabel:
		case m.Type == labels.MatchEqual:
			return []string{m.Value}
		case m.Type == labels.MatchRegexp:
			return m.SetMatches()
		}
	}
	return nil
}
