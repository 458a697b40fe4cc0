package schema

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
)

// compiled returns the schema as another program reads it.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := JSON()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(URL, document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(URL)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// document returns the first document of a YAML text as JSON has it.
func document(text string) (map[string]any, error) {
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		return nil, err
	}
	root, ok := plain(v).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("no mapping: %q", text)
	}
	return root, nil
}

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = plain(value)
		}
	case map[any]any:
		out := map[string]any{}
		for key, value := range v {
			out[fmt.Sprint(key)] = plain(value)
		}
		return out
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case time.Time: // which YAML 1.2 does not have
		if v.Equal(v.Truncate(24 * time.Hour)) {
			return v.Format(time.DateOnly)
		}
		return v.Format(time.RFC3339)
	}
	return v
}

// sectionsOnly reports whether all keys of a document are those of a policy.
func sectionsOnly(root map[string]any) bool {
	known := map[string]bool{"version": true, "platform": true, "environment": true, "location": true}
	for _, s := range config.SectionTypes() {
		known[s.Key] = true
	}
	for key := range root {
		if !known[key] && !strings.HasPrefix(key, "x-") {
			return false
		}
	}
	return len(root) > 0
}

// The schema accepts what the loader accepts.
func TestExamplesAreValid(t *testing.T) {
	s := compiled(t)
	kinds := map[string]int{}
	for _, e := range examples(t) {
		text := whole(e.text)
		root, err := document(text)
		if err != nil || !sectionsOnly(root) {
			continue
		}
		// Documentation refers to services and files that it does not show.
		if e.kind != "documentation" && e.kind != "template" && load(t, text) != nil {
			continue
		}
		kinds[e.kind]++
		if err := s.Validate(root); err != nil {
			t.Errorf("%s: %v", e.at, err)
		}
	}
	t.Log(kinds)
	for kind, least := range map[string]int{"documentation": 15, "template": 1, "file": 5, "script": 15, "test": 50} {
		if kinds[kind] < least {
			t.Errorf("only %d examples of the kind %s", kinds[kind], kind)
		}
	}
}

// refusals are the beginnings of errors about the form of a value, which the schema can express.
var refusals = []string{
	": unknown key: ", ": invalid value: write ", ": unknown value ", "invalid duration \"a b\"", "invalid ratio",
	"invalid size \"a b\"", "invalid number \"a b\"", "invalid value \"a b\"", "invalid priority", "invalid name \"a b\"",
	"invalid time",
}

// A policy with one value changed is accepted wherever the loader accepts it, and refused where a value has the wrong
// form.
func TestMutations(t *testing.T) {
	if testing.Short() {
		t.Skip("loads thousands of policies")
	}
	s := compiled(t)
	accepted, refused := 0, 0
	done := map[string]bool{} // one change is like another of the same key
	for _, e := range examples(t) {
		text := whole(e.text)
		root, err := document(text)
		if err != nil || !sectionsOnly(root) || len(text) > 4000 || load(t, text) != nil {
			continue
		}
		mutate(root, func(what string) {
			change := indexRE.ReplaceAllString(what, "[]")
			if done[change] {
				return
			}
			done[change] = true
			changed, err := yaml.Marshal(root)
			if err != nil {
				t.Fatal(err)
			}
			again, err := document(string(changed))
			if err != nil {
				t.Fatal(err)
			}
			loaded, valid := load(t, string(changed)), s.Validate(again)
			if loaded == nil {
				accepted++
				if valid != nil {
					t.Errorf("%s: %s: %v", e.at, what, valid)
				}
				return
			}
			form := slices.ContainsFunc(refusals, func(r string) bool { return strings.Contains(loaded.Error(), r) })
			// Where nothing is written, nothing has a wrong form.
			if form && !strings.HasSuffix(what, "= <nil>") && !strings.Contains(what, " without ") {
				refused++
				if valid == nil {
					t.Errorf("%s: %s is valid, but %v", e.at, what, loaded)
				}
			}
		})
	}
	t.Logf("%d accepted, %d refused", accepted, refused)
	if accepted < 900 || refused < 1500 {
		t.Errorf("only %d were accepted and %d refused", accepted, refused)
	}
}

var indexRE = regexp.MustCompile(`\[\d+\]`)

// mutate changes one value after the other, calls f and undoes the change.
func mutate(root map[string]any, f func(what string)) {
	var walk func(path string, v any, set func(any))
	walk = func(path string, v any, set func(any)) {
		if path != "" {
			for _, other := range []any{nil, "a b", 1, true, map[string]any{}, []any{}} {
				set(other)
				f(fmt.Sprintf("%s = %#v", path, other))
			}
			set(v)
		}
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				value := v[key]
				delete(v, key)
				f(path + " without " + key)
				v[key] = value
				walk(path+"."+key, value, func(to any) { v[key] = to })
			}
			v["no_such_key"] = 1
			f(path + " with no_such_key")
			delete(v, "no_such_key")
		case []any:
			for i, item := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), item, func(to any) { v[i] = to })
			}
		}
	}
	walk("", root, nil)
}

// enumerations has a key for each enumeration that other examples lack.
const enumerations = `version: 1
channels: {deadman: none}
alertmanagers: [{name: main, url: "http://127.0.0.1:9093"}]
services: [{name: web, owner: sre, page: P1}]
tiers: {standard: {page: P2, tenant_page: P3}}
slos: [{name: own, app_service: web, objective: 99%, bad: "b[$window]", total: "t[$window]", unit: events, page: P2}]
health: {checks: [{name: home, app_service: web, target: "https://example.com", page: P2}]}
vendors: [{name: acme, status_page: "https://status.example.com", format: feed}]
tenants:
  host: "{tenant}.example.com"
  path: /t/{tenant}/
  histogram: both
  sources:
    - {file: a.log, format: nginx-json, app_service: web, start: end, duration_unit: ms, tenant_by: host}
    - {receive: json, format: json, secret_file: a, app_service: web, fields: {host: h, status: s}}
backups: [{name: db, interval: 1d, page: P2, source: {program: directory, path: /a, pattern: "*"}}]
procedures:
  people: [{name: ada, key: {file: a}}]
  expected:
    - {name: restore, interval: 1d, page: P3, backup: {name: db, test: restore}}
    - {name: look, interval: 1d, task: {dashboard: thorbis-daily}}
storage: {limits: [{device: sda, preset: gp3, size: 100GiB, iops: 3000}]}
domains: {names: [{name: example.com, page: P2}]}
write_ups: {priorities: [P1]}
security:
  scans: [{name: image, page: P2, reports: [{file: a, format: trivy}]}]
  secrets: [{name: key, expires: 2030-01-01, page: P2}]
  access: [{name: all, file: a, page: P2}]
business:
  databases: [{name: main, dsn_env: DSN}]
  transactions: [{name: orders, app_service: web, query: SELECT 1, form: totals, page: P2}]
  figures: [{name: users, kind: active_users, query: SELECT 1, page: P3}]
`

// Each word of an enumeration is one that the loader knows.
func TestEnumerations(t *testing.T) {
	s, err := Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := load(t, enumerations); err != nil {
		t.Fatal(err)
	}
	done := map[*Schema]bool{}
	for _, e := range append(examples(t), example{"test", "enumerations", enumerations}) {
		text := whole(e.text)
		root, err := document(text)
		if err != nil || !sectionsOnly(root) || len(text) > 4000 || load(t, text) != nil {
			continue
		}
		var walk func(s *Schema, v any, set func(any))
		walk = func(s *Schema, v any, set func(any)) {
			for _, one := range s.AnyOf {
				walk(one, v, set)
			}
			switch v := v.(type) {
			case map[string]any:
				for key, value := range v {
					of := s.Properties[key]
					if others, ok := s.Others.(*Schema); of == nil && ok {
						of = others
					}
					if of != nil {
						walk(of, value, func(to any) { v[key] = to })
					}
				}
			case []any:
				for i, item := range v {
					if s.Items != nil {
						walk(s.Items, item, func(to any) { v[i] = to })
					}
				}
			case string:
				if s.Enum == nil || set == nil || done[s] {
					return
				}
				done[s] = true
				for _, word := range s.Enum {
					set(word)
					changed, err := yaml.Marshal(root)
					if err != nil {
						t.Fatal(err)
					}
					err = load(t, string(changed))
					if word != nil && err != nil && unknownRE.MatchString(err.Error()) {
						t.Errorf("%s: %v: %v", e.at, word, err)
					}
				}
				set(v)
			}
		}
		walk(s, root, nil)
	}
	if len(done) < 28 {
		t.Errorf("only %d enumerations were tried", len(done))
	}
}

var unknownRE = regexp.MustCompile(`unknown value "|invalid priority "`)

// What a person gets wrong most often is refused, at the place where it is wrong.
func TestRefusals(t *testing.T) {
	s := compiled(t)
	for text, at := range map[string]string{
		"helth: {}":                                                     "''",
		"health: {intervall: 30s}":                                      "'/health'",
		"health: {interval: 30 seconds}":                                "'/health/interval'",
		"health: {interval: 30}":                                        "'/health/interval'",
		"health: []":                                                    "'/health'",
		"health: {checks: {}}":                                          "'/health/checks'",
		"health: {checks: [{name: a, app_service: web}]}":               "'/health/checks/0'",
		"health: {checks: [home]}":                                      "'/health/checks/0'",
		"health: {concurrency: many}":                                   "'/health/concurrency'",
		"health: {concurrency: 1.5}":                                    "'/health/concurrency'",
		"objectives: {availability: 99.99}":                             "'/objectives/availability'",
		"objectives: {availability: high}":                              "'/objectives/availability'",
		"objectives: {latency: [{threshold: 300ms}]}":                   "'/objectives/latency/0'",
		"services: [{name: web, page: P5}]":                             "'/services/0/page'",
		"services: [{name: a b}]":                                       "'/services/0/name'",
		"services: [{owner: sre}]":                                      "'/services/0'",
		"tenants: {histogram: nativ}":                                   "'/tenants/histogram'",
		"tenants: {sources: [{format: nginx}]}":                         "'/tenants/sources/0/format'",
		"channels: {chat: {slak: {}}}":                                  "'/channels/chat'",
		"channels: {chat: {slack: {url_file: a}}}":                      "'/channels/chat/slack'",
		"channels: {chat: nothing}":                                     "'/channels/chat'",
		"priorities: {P9: {notify: []}}":                                "'/priorities'",
		"escalation: {P1: {tertiary: 5m}}":                              "'/escalation/P1'",
		"storage: {canaries: [{name: a, path: /, size: 64 kilobytes}]}": "'/storage/canaries/0/size'",
		"security: {secrets: [{name: a, expires: 1 March 2027}]}":       "'/security/secrets/0/expires'",
		"procedures: {ping_keys: [{fiel: a}]}":                          "'/procedures/ping_keys/0'",
		"procedures: {ping_keys: [{}]}":                                 "'/procedures/ping_keys/0'",
		"maintenance: [{name: a, from: tomorrow}]":                      "'/maintenance/0/from'",
		"business: {figures: [{name: a, query: b, minimum: few}]}":      "'/business/figures/0/minimum'",
		"domains: {checks: perhaps}":                                    "'/domains/checks'",
	} {
		root, err := document("version: 1\n" + text)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(root); err == nil || !strings.Contains(err.Error(), "at "+at) {
			t.Errorf("%s: got %v, want an error at %s", text, err, at)
		}
	}
	if err := s.Validate(map[string]any{"services": []any{}}); err == nil {
		t.Error("a policy without version is valid")
	}
}
