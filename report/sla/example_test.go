package sla

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/thorbis/thorbis_exporter/report"
)

var update = flag.Bool("update", false, "write the examples in docs/reports anew")

// The examples in docs/reports are what the code writes of the model beside them, which is of the demonstration.
// go test ./report/sla -run TestExamples -update writes them anew.
func TestExamples(t *testing.T) {
	base := filepath.Join("..", "..", "docs", "reports", "sla.")
	text, err := os.ReadFile(base + "json")
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{}
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(r); err != nil {
		t.Fatal(err)
	}
	for _, format := range report.Formats {
		want, err := report.Text(format, r.Document(), r)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(base+format, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(base + format)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("docs/reports/sla.%s is not what the code writes: go test ./report/sla -run TestExamples -update", format)
		}
	}
}
