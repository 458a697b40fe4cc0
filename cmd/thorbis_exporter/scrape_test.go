package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestShippedScrapesHonourLabels: labels that a target gets from its scrape job, such as environment, must not replace
// those of the series: the rules would find nothing.
func TestShippedScrapesHonourLabels(t *testing.T) {
	type endpoint struct {
		Path   string `yaml:"path"`
		Honour bool   `yaml:"honorLabels"`
	}
	type job struct {
		Name   string `yaml:"job_name"`
		Honour bool   `yaml:"honor_labels"`
	}
	var document struct {
		Jobs []job `yaml:"scrape_configs"`
		Spec struct {
			Endpoints []endpoint `yaml:"podMetricsEndpoints"`
		} `yaml:"spec"`
	}
	for path, want := range map[string]int{
		"../../deploy/prometheus.yml": 2, "../../deploy/kubernetes/podmonitor.yaml": 2,
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
			document.Jobs, document.Spec.Endpoints = nil, nil
			if err := d.Decode(&document); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			for _, j := range document.Jobs {
				if strings.HasPrefix(j.Name, "thorbis") {
					if seen++; !j.Honour {
						t.Errorf("%s: job %s lacks honor_labels: true", path, j.Name)
					}
				}
			}
			for _, e := range document.Spec.Endpoints {
				if seen++; !e.Honour {
					t.Errorf("%s: endpoint %s lacks honorLabels: true", path, e.Path)
				}
			}
		}
		if seen != want {
			t.Errorf("%s: %d scrapes of the exporter, want %d", path, seen, want)
		}
	}
}
