package slo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// TestDocumentedTiers checks that the table of burn tiers in docs/slo.md is what the rules do at 30 days.
func TestDocumentedTiers(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "slo.md"))
	if err != nil {
		t.Fatal(err)
	}
	spaced := func(window string) string { return window[:len(window)-1] + " " + window[len(window)-1:] }
	table := "| burn tier | windows | burn | highest priority | waits |\n|---|---|---|---|---|\n"
	for _, tier := range rule.RequestTiers {
		wait := "-"
		if tier.Wait > 0 {
			wait = spaced(model.Duration(tier.Wait).String())
		}
		table += fmt.Sprintf("| %s | %s and %s | %s | %s | %s |\n", tier.Name, spaced(tier.Long), spaced(tier.Short),
			tier.Factor(30*24*time.Hour), tier.Priority, wait)
	}
	if !strings.Contains(string(text), table+"\n") {
		t.Errorf("docs/slo.md lacks this table:\n%s", table)
	}
	for _, floor := range []string{fmt.Sprintf("at least %d bad events (or %d bad seconds)", eventFloor, secondFloor)} {
		if !strings.Contains(string(text), floor) {
			t.Errorf("docs/slo.md does not say %q", floor)
		}
	}
}
