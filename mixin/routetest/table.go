// Package routetest tests routes: a table says which alert, at what time, beside what else that fires or is
// silenced, must reach whom. It is judged offline by Alertmanager's own routing, inhibition and time intervals,
// and the same table can be put to a running Alertmanager.
package routetest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/pkg/labels"
	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
)

// maxTable bounds a file of tests.
const maxTable = 16 << 20

// Table is a file of tests.
type Table struct {
	// Hours override the policy's business hours, so that one policy is tested in several time zones.
	Hours *Hours `yaml:"business_hours,omitempty"`
	Tests []Test `yaml:"tests"`
}

// Hours are business hours as the policy writes them; what is empty stays as the policy has it.
type Hours struct {
	TimeZone string   `yaml:"time_zone"`
	Weekdays []string `yaml:"weekdays"`
	From     string   `yaml:"from"`
	To       string   `yaml:"to"`
}

// Apply lays the hours over those of a policy.
func (t *Table) Apply(p *config.Policy) {
	if t.Hours == nil {
		return
	}
	p.Hours.TimeZone = cmp.Or(t.Hours.TimeZone, p.Hours.TimeZone)
	p.Hours.From, p.Hours.To = cmp.Or(t.Hours.From, p.Hours.From), cmp.Or(t.Hours.To, p.Hours.To)
	if len(t.Hours.Weekdays) > 0 {
		p.Hours.Weekdays = t.Hours.Weekdays
	}
	p.Hours.Normalize()
}

// Test is one alert and what must become of it.
type Test struct {
	Name   string            `yaml:"name"`
	Labels map[string]string `yaml:"labels"`
	// At is when; only time intervals look at it. Without it, intervals are left out of the test.
	At time.Time `yaml:"at,omitempty"`
	// Firing are other alerts that fire, Silences are active.
	Firing   []map[string]string `yaml:"firing,omitempty"`
	Silences [][]string          `yaml:"silences,omitempty"` // of matchers each
	Expect   Expectation         `yaml:"expect"`

	line int
}

// Expectation is what must become of an alert.
type Expectation struct {
	// Receivers are all that the routes pick, in order.
	Receivers []string `yaml:"receivers,flow"`
	// Muted are those of them that a time interval keeps quiet at the time.
	Muted []string `yaml:"muted,omitempty,flow"`
	// Inhibited and Silenced alerts notify no receiver, whatever the routes pick.
	Inhibited bool `yaml:"inhibited,omitempty"`
	Silenced  bool `yaml:"silenced,omitempty"`
	// GroupKeys are the groups in which receivers are notified, where that matters.
	GroupKeys map[string]string `yaml:"group_keys,omitempty"`
}

// UnmarshalYAML remembers where the test stands.
func (t *Test) UnmarshalYAML(n *yaml.Node) error {
	type plain Test
	// Decoding a node is never strict, so its keys are looked at here.
	if err := known(n, "name", "labels", "at", "firing", "silences", "expect"); err != nil {
		return err
	}
	if err := n.Decode((*plain)(t)); err != nil {
		return err
	}
	t.line = n.Line
	return nil
}

// UnmarshalYAML refuses unknown keys: a misspelt one would expect nothing.
func (e *Expectation) UnmarshalYAML(n *yaml.Node) error {
	type plain Expectation
	if err := known(n, "receivers", "muted", "inhibited", "silenced", "group_keys"); err != nil {
		return err
	}
	return n.Decode((*plain)(e))
}

func known(n *yaml.Node, keys ...string) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: write keys and values here", n.Line)
	}
next:
	for i := 0; i+1 < len(n.Content); i += 2 {
		for _, key := range keys {
			if n.Content[i].Value == key {
				continue next
			}
		}
		return fmt.Errorf("line %d: unknown key %q: write one of %s", n.Content[i].Line, n.Content[i].Value,
			strings.Join(keys, ", "))
	}
	return nil
}

// Load reads a file of tests.
func Load(file string) (*Table, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxTable+1))
	if err != nil {
		return nil, err
	}
	t, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

// Parse reads tests strictly.
func Parse(text []byte) (*Table, error) {
	if len(text) > maxTable {
		return nil, fmt.Errorf("more than %d bytes", maxTable)
	}
	var t Table
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&t); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(t.Tests) == 0 {
		return nil, errors.New("no tests; begin with tests: [{name: ..., labels: {...}, expect: {receivers: [...]}}]")
	}
	if t.Hours != nil {
		if _, err := time.LoadLocation(t.Hours.TimeZone); err != nil {
			return nil, fmt.Errorf("business_hours: invalid time zone %q: write it like Europe/Berlin", t.Hours.TimeZone)
		}
	}
	names := map[string]int{}
	for i := range t.Tests {
		test := &t.Tests[i]
		switch {
		case test.Name == "":
			return nil, fmt.Errorf("line %d: a test has no name", test.line)
		case names[test.Name] > 0:
			return nil, fmt.Errorf("line %d: %q is also the test in line %d", test.line, test.Name, names[test.Name])
		case len(test.Labels) == 0:
			return nil, fmt.Errorf("line %d: %s: an alert needs labels", test.line, test.Name)
		case len(test.Expect.Muted) > 0 && test.At.IsZero():
			return nil, fmt.Errorf("line %d: %s: muted needs a time; write at: 2026-03-02T09:00:00Z", test.line, test.Name)
		}
		if _, err := test.silences(); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", test.line, test.Name, err)
		}
		names[test.Name] = test.line
	}
	return &t, nil
}

func (t *Test) silences() ([]labels.Matchers, error) {
	var all []labels.Matchers
	for _, silence := range t.Silences {
		var one labels.Matchers
		for _, text := range silence {
			m, err := compat.Matcher(text, "test")
			if err != nil {
				return nil, err
			}
			one = append(one, m)
		}
		if len(one) == 0 {
			return nil, errors.New("a silence needs matchers")
		}
		all = append(all, one)
	}
	return all, nil
}
