package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
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
			testkit.WriteFile(t, filepath.Join(dir, "docs", "alerts.md"), "")
			out.Reset()
			err := run(append([]string{"check", "--dir=" + dir}, flags...), &out)
			if err == nil || !strings.Contains(out.String(), "docs/alerts.md") {
				t.Errorf("an edited file passes: %v\n%s", err, &out)
			}
		})
	}
}

var policyFlag = "--config.file=" + filepath.Join("..", "..", "alertmanager", "testdata", "policy.yaml")

// TestOnlyRules is for those who route by themselves.
func TestOnlyRules(t *testing.T) {
	dir := t.TempDir()
	if err := run([]string{"generate", "--only=rules", "--out=" + dir, policyFlag}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	parts, err := os.ReadDir(dir)
	if err != nil || len(parts) != 1 || parts[0].Name() != "rules" {
		t.Errorf("%v, %v", parts, err)
	}
	if err := run([]string{"check", "--only=rules", "--dir=" + dir, policyFlag}, &bytes.Buffer{}); err != nil {
		t.Error(err)
	}
}

func TestShadowAndBase(t *testing.T) {
	dir := t.TempDir()
	base := filepath.Join(dir, "own.yaml")
	own := "route:\n  receiver: us # ours\nreceivers:\n- name: us\n"
	testkit.WriteFile(t, base, own)
	flags := []string{"--shadow", "--shadow.channel=general", "--alertmanager.base=" + base, policyFlag}
	if err := run(append([]string{"generate", "--out=" + dir}, flags...), &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(filepath.Join(dir, "rules", "health.rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if alerts, shadows := strings.Count(string(rules), "- alert:"),
		strings.Count(string(rules), `shadow: "true"`); alerts == 0 || alerts != shadows {
		t.Errorf("%d of %d alerts are shadows", shadows, alerts)
	}
	routes, err := os.ReadFile(filepath.Join(dir, "alertmanager", "alertmanager.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(own), "\n") {
		if !strings.Contains(string(routes), line+"\n") {
			t.Errorf("%q is gone", line)
		}
	}
	if strings.Contains(string(routes), "pagerduty") {
		t.Error("the shadow knows PagerDuty")
	}
	var out bytes.Buffer
	if err := run(append([]string{"check", "--dir=" + dir}, flags...), &out); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestTestRoutes(t *testing.T) {
	tables, err := filepath.Glob(filepath.Join("..", "..", "alertmanager", "tests", "*.yaml"))
	if err != nil || len(tables) < 5 {
		t.Fatal(tables, err)
	}
	var out bytes.Buffer
	if err := run(append([]string{"test-routes", policyFlag}, tables...), &out); err != nil ||
		!strings.Contains(out.String(), "alerts reach the expected receivers") {
		t.Errorf("%v\n%s", err, &out)
	}
	const shipped = "../../deploy/policy/"
	out.Reset()
	if err := run(
		[]string{"test-routes", "--config.file=" + shipped + "thorbis.yaml", shipped + "routes.yaml"}, &out,
	); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	testkit.WriteFile(t, wrong,
		"tests:\n  - name: no receiver\n    labels: {bundle: thorbis, priority: P1}\n    expect: {receivers: []}\n")
	out.Reset()
	err = run([]string{"test-routes", policyFlag, wrong}, &out)
	if err == nil || err.Error() != "1 of 1 alerts do not reach the expected receivers" ||
		!strings.Contains(out.String(), "wrong.yaml:2: no receiver\n"+
			"    the routes pick [pagerduty critical sms], want []\n") {
		t.Errorf("%v\n%s", err, &out)
	}
	own := filepath.Join(t.TempDir(), "own.yaml")
	testkit.WriteFile(t, own, "route:\n  receiver: us\nreceivers:\n- name: us\n")
	out.Reset()
	if err := run([]string{"test-routes", "--alertmanager.config=" + own, wrong}, &out); err == nil ||
		!strings.Contains(out.String(), "pick [us]") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestRefused(t *testing.T) {
	for name, args := range map[string][]string{
		"no policy":       {"generate", "--config.file=missing.yaml"},
		"unknown command": {"destroy"},
		"no such channel": {"generate", "--shadow", policyFlag},
		"no base":         {"generate", "--alertmanager.base=missing.yaml", policyFlag},
		"no such part":    {"generate", "--only=everything"},
		"no table":        {"test-routes", policyFlag},
		"missing table":   {"test-routes", policyFlag, "missing.yaml"},
	} {
		if err := run(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
