package rules_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// provenScenarios lists the problems that the rules report correctly, each with a story that a test runs.
var provenScenarios = []struct{ scenario, story string }{
	{"full outage", "full outage of ten minutes"},
	{"brown-out at 20 %", "brown-out at 20 % until the end"},
	{"slow leak of budget", "slow leak at twice the pace"},
	{"one lost probe", "one lost probe"},
	{"a blip of 8 s", "a blip of 8 s"},
	{"a blip of 60 s", "a blip of 60 s"},
	{"no traffic", "no traffic"},
	{"exporter gone while the target is down", "exporter dies in the outage and stays away for hours"},
	{"two exporters gone while the target is down", "both exporters die in the outage"},
	{"maintenance", "maintenance from before the outage"},
	{"maintenance that begins in an outage", "maintenance begins in the outage"},
	{"maintenance of a service by a silence", "silence"},
	{"a tenant with three requests an hour", "a tenant with three requests an hour"},
	{"late logs", "late logs"},
	{"a mass outage of 10,000 tenants", "ten thousand tenants"},
	{"one bad client of one tenant in a pool of 500", "one bad client of one tenant in a pool of 500"},
	{"a brown-out right after an outage", "brown-out after an outage"},
	{"traffic that stops", "traffic that stops after an outage"},
	{"a tenant on which two exporters disagree", "a tenant on whose tier two exporters disagree"},
	{"the expectation is missing for two minutes", "the expectation is missing for two minutes"},
	{"rolling restart in an outage", "rolling restart with changed instances"},
	{"two of three locations down", "two of three locations down"},
	{"one of two locations down", "one of two locations down"},
}

// TestScenarios checks that each scenario has a story in the tables that tests run.
func TestScenarios(t *testing.T) {
	texts := testTexts(t)
	for _, p := range provenScenarios {
		if !strings.Contains(texts, strconv.Quote(p.story)) {
			t.Errorf("%s: no table has the story %q", p.scenario, p.story)
		}
	}
}

// testTexts returns the source of the tests below rules/, without the lists of what they prove.
func testTexts(t *testing.T) string {
	t.Helper()
	var texts strings.Builder
	for _, pattern := range []string{"*_test.go", "*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if file == "scenario_test.go" || file == "findings_test.go" {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts.Write(text)
		}
	}
	return texts.String()
}
