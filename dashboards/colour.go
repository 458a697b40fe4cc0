package dashboards

import (
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/thorbis/thorbis_exporter/metric"
)

// The colours and what they mean, on every dashboard: green is good, yellow is worth a look in working hours, red needs
// somebody now, blue is a fact that is neither good nor bad, grey is unknown or nothing.
const (
	green, yellow, orange, red, blue, grey = "green", "yellow", "orange", "red", "blue", "#808080"
)

// Colours of values that appear on several dashboards, by value.
var (
	stateColours = map[string]string{
		metric.StateUp: green, metric.StateDown: red, metric.StateUnknown: yellow, metric.StateMaintenance: blue,
	}
	priorityColours  = map[string]string{"P1": red, "P2": orange, "P3": yellow, "P4": blue}
	codeClassColours = map[string]string{"1xx": grey, "2xx": green, "3xx": blue, "4xx": yellow, "5xx": red}
	quantileColours  = map[string]string{"p50": "light-blue", "p95": "blue", "p99": "dark-purple"}
)

// steps colours values from each threshold on; the first holds for everything below the second. A value that is absent
// has the first colour, too.
func steps(base string, more ...dashboard.Threshold) *dashboard.ThresholdsConfigBuilder {
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).
		Steps(append([]dashboard.Threshold{{Color: base}}, more...))
}

// Lowest is below every value that a panel shows: no budget is overspent a billion times. A threshold there begins the
// colour of the lowest values, and what is before it is the colour of an absent one.
const Lowest = -1e9

// known are steps for what may be absent, which is grey: the first colour holds for the lowest values.
func known(base string, more ...dashboard.Threshold) *dashboard.ThresholdsConfigBuilder {
	return steps(grey, append([]dashboard.Threshold{from(Lowest, base)}, more...)...)
}

func from(value float64, color string) dashboard.Threshold {
	return dashboard.Threshold{Value: new(value), Color: color}
}

// Steps that mean the same wherever they are used.
func budgetSteps() []dashboard.Threshold {
	return []dashboard.Threshold{{Color: red}, from(0, yellow), from(0.25, green)}
}

// burnSteps follow the fastest burn that pages: 14.4 times as fast as permitted.
func burnSteps() []dashboard.Threshold {
	return []dashboard.Threshold{{Color: green}, from(1, yellow), from(14.4, red)}
}

// measuredSteps are those of the share of a period that was measured at all.
func measuredSteps() []dashboard.Threshold {
	return []dashboard.Threshold{{Color: blue}, from(0.99, green)}
}

// atLeast colours values from a bound on.
func atLeast(bound float64, colour string) []dashboard.Threshold {
	return []dashboard.Threshold{{Color: green}, from(bound, colour)}
}

// above colours values from a bound on, and those from a higher one on.
func above(low float64, colour string, high float64, other string) []dashboard.Threshold {
	return []dashboard.Threshold{{Color: green}, from(low, colour), from(high, other)}
}

// below colours values under a bound, and those under a higher one.
func below(low float64, colour string, high float64, other string) []dashboard.Threshold {
	return []dashboard.Threshold{{Color: colour}, from(low, other), from(high, green)}
}

// text is shown instead of a value.
type text struct {
	value       int
	words, tone string
}

func texts(all ...text) []dashboard.ValueMapping {
	results := map[string]dashboard.ValueMappingResult{}
	for i, t := range all {
		results[strconv.Itoa(t.value)] = dashboard.ValueMappingResult{
			Text: new(t.words), Color: new(t.tone), Index: new(int32(i)),
		}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{
		Type: dashboard.MappingTypeValueToText, Options: results,
	}}}
}

// wordsIn gives words their colours.
func wordsIn(colours map[string]string) []dashboard.ValueMapping {
	results := map[string]dashboard.ValueMappingResult{}
	for i, word := range sortedKeys(colours) {
		results[word] = dashboard.ValueMappingResult{
			Text: new(word), Color: new(colours[word]), Index: new(int32(i)),
		}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{
		Type: dashboard.MappingTypeValueToText, Options: results,
	}}}
}

// never stands for a budget that nothing burns, in hours: an absent value would leave its row out.
const never = 1_000_000
