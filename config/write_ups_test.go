package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// writers is what write-ups need.
const writers = "procedures: {people: [{name: ada}]}\nalertmanagers: [{name: a, url: \"http://a:9093\"}]\n"

func init() {
	examples["write_ups"] = example{
		valid:   "write_ups: {within: 24h}\n" + strings.TrimSuffix(writers, "\n"),
		invalid: "write_ups:\n  within: 1s\n" + strings.TrimSuffix(writers, "\n"),
		want:    `p.yaml:3: write_ups.within: invalid duration "1s"`,
	}
}

func TestWriteUps(t *testing.T) {
	w := loadedFrom(t, minimal+writers+"write_ups: {}\n").WriteUps()
	if w.Within.Std() != 24*time.Hour || !slices.Equal(w.Priorities, []string{"P1", "P2"}) {
		t.Errorf("%+v", w)
	}
	if w := loadedFrom(t, minimal).WriteUps(); w != nil {
		t.Errorf("%+v", w)
	}
	for text, want := range map[string]string{
		writers + "write_ups: {priorities: [P1, P9]}": `write_ups.priorities[1]: invalid priority "P9"`,
		writers + "write_ups: {priorities: [P1, P1]}": `write_ups.priorities[1]: duplicate name "P1"`,
		"write_ups: {}": "write_ups: no person can write up an incident",
		"procedures: {people: [{name: ada}]}\nwrite_ups: {}": "write_ups: missing alertmanagers",
		writers + "write_ups: {within: 91d}":                 `write_ups.within: invalid duration "`,
	} {
		if _, err := loadText(t, minimal+text+"\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}
