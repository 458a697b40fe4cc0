package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGenerateThenCheck(t *testing.T) {
	policy := filepath.Join("..", "..", "alertmanager", "testdata", "policy.yaml")
	for name, flags := range map[string][]string{"default": nil, "policy": {"--config.file=" + policy}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var out bytes.Buffer
			if err := run(append([]string{"generate", "--out=" + dir}, flags...), &out); err != nil {
				t.Fatal(err)
			}
			if err := run(append([]string{"check", "--dir=" + dir}, flags...), &out); err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			if err := os.WriteFile(filepath.Join(dir, "docs", "alerts.md"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			out.Reset()
			err := run(append([]string{"check", "--dir=" + dir}, flags...), &out)
			if err == nil || !strings.Contains(out.String(), "docs/alerts.md") {
				t.Errorf("an edited file passes: %v\n%s", err, &out)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for name, args := range map[string][]string{
		"no policy":       {"generate", "--config.file=missing.yaml"},
		"unknown command": {"destroy"},
	} {
		if err := run(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
