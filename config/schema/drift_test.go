package schema

import (
	"strings"
	"testing"
)

// The copies of the grammar and of the schema are those that make generate writes.
func TestDrift(t *testing.T) {
	_, grammar, _ := strings.Cut(read(t, repository+"/docs/configuration.md"), "```yaml\n")
	if grammar, _, _ = strings.Cut(grammar, "```\n"); grammar != grammarText {
		t.Error("grammar.txt is not the grammar of docs/configuration.md: run make generate")
	}
	text, err := JSON()
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != read(t, repository+"/deploy/policy/thorbis.schema.json") {
		t.Error("deploy/policy/thorbis.schema.json differs: run make generate")
	}
}
