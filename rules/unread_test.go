package rules_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// unread are the records that are written for people alone, and why.
var unread = map[*metric.Record]string{
	metric.BackupFreshnessCoverage: "coverage stands beside every budget; docs/slo.md writes its name shortened",
}

var (
	// recordName matches the name of a record, namePattern a matcher of several.
	recordName  = regexp.MustCompile(`[a-z_]+:[a-z0-9_]+:[a-z0-9_]+`)
	namePattern = regexp.MustCompile(`__name__=~\\?"([^"\\]+)`)
)

// readIn returns which of the records a text names.
func readIn(text string, written map[string]map[string]bool) map[string]bool {
	found := map[string]bool{}
	for _, name := range recordName.FindAllString(text, -1) {
		if written[name] != nil {
			found[name] = true
		}
	}
	for _, m := range namePattern.FindAllStringSubmatch(text, -1) {
		pattern := regexp.MustCompile("^(?:" + m[1] + ")$")
		for name := range written {
			if pattern.MatchString(name) {
				found[name] = true
			}
		}
	}
	return found
}

// TestEveryRecordIsRead checks that each record of the example policies is read: by an alert, a dashboard or a page of
// the documentation, or by a record that one of them reads. A record that nothing reads costs series and evaluations.
func TestEveryRecordIsRead(t *testing.T) {
	bundles := exampleBundles(t)
	written := map[string]map[string]bool{} // what each record reads, by name
	for _, b := range bundles {
		for _, g := range b.Groups() {
			for _, r := range g.Rules {
				if r.Record != nil {
					written[r.Record.Name] = map[string]bool{}
				}
			}
		}
	}

	var next []string
	for _, b := range bundles {
		for _, g := range b.Groups() {
			for _, r := range g.Rules {
				if r.Record != nil {
					maps.Copy(written[r.Record.Name], readIn(r.Expr, written))
					continue
				}
				texts := append(slices.Collect(maps.Values(r.Annotations)), r.Expr)
				next = slices.AppendSeq(next, maps.Keys(readIn(strings.Join(texts, "\n"), written)))
			}
		}
	}
	for _, text := range readers(t) {
		next = slices.AppendSeq(next, maps.Keys(readIn(text, written)))
	}

	read := map[string]bool{}
	for len(next) > 0 {
		name := next[len(next)-1]
		next = next[:len(next)-1]
		if !read[name] {
			read[name] = true
			next = slices.AppendSeq(next, maps.Keys(written[name]))
		}
	}
	excused := map[string]bool{}
	for r, reason := range unread {
		excused[r.Name] = true
		if read[r.Name] || written[r.Name] == nil || reason == "" {
			t.Errorf("%s needs no exception, or one with a reason", r.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(written)) {
		if !read[name] && !excused[name] {
			t.Errorf("nothing reads %s: remove it, or say in the table of this test whom it is for", name)
		}
	}
}

// readers are the texts of the dashboards and of the documentation, without the list of all records.
func readers(t *testing.T) []string {
	t.Helper()
	var texts []string
	for _, dir := range []string{"../dashboards", "../docs"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			listed := filepath.Base(path) == "metrics.md"
			if err != nil || d.IsDir() || listed || !slices.Contains([]string{".json", ".md"}, filepath.Ext(path)) {
				return err
			}
			text, err := os.ReadFile(path)
			texts = append(texts, string(text))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return texts
}
