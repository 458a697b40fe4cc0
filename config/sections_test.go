package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// example is a section as a policy may have it, and as it may not. The test of a new section adds one to examples.
type example struct {
	valid, invalid string
	// want is the error of invalid. Both texts begin in line 2 of p.yaml.
	want string
}

var examples = map[string]example{
	"objectives": {
		valid:   "objectives: {availability: 99.9%, latency: [{threshold: 300ms, ratio: 95%}]}",
		invalid: "objectives:\n  period: 1h",
		want:    `p.yaml:3: objectives.period: invalid period "1h": write 1d to 366d`,
	},
	"tiers": {
		valid:   "tiers: {gold: {page: P1, pool: {tenants: 5}}}",
		invalid: "tiers:\n  gold: {page: P9}",
		want:    `p.yaml:3: tiers.gold.page: invalid priority "P9": write one of`,
	},
	"priorities": {
		valid:   "priorities: {P1: {respond_within: 5m}}",
		invalid: "priorities:\n  P1: {notify: [nowhere]}",
		want:    `p.yaml:3: priorities.P1.notify[0]: unknown channel "nowhere"`,
	},
	"business_hours": {
		valid:   "business_hours: {time_zone: Europe/Berlin, weekdays: [Mon-Fri], from: 8:00, to: 17:00}",
		invalid: "business_hours:\n  time_zone: Mars",
		want:    `p.yaml:3: business_hours.time_zone: invalid time zone "Mars": write it like`,
	},
	"channels": {
		valid:   `channels: {deadman: {webhook: {url: "http://127.0.0.1:9"}}}`,
		invalid: "channels:\n  deadman: none\n  chat: {slack: {}}",
		want:    "p.yaml:4: channels.chat: missing channel or url_file of slack",
	},
	"escalation": {
		valid:   "escalation: {P1: {}}",
		invalid: "escalation:\n  P1: {secondary: 1h, manager: 5m}",
		want:    `p.yaml:3: escalation.P1.manager: invalid duration "5m": write 1h or more, which is that of secondary`,
	},
	"owners": {
		valid:   "owners: {sre: {}}",
		invalid: "owners:\n  sre: {notify: [nowhere]}",
		want:    `p.yaml:3: owners.sre.notify[0]: unknown channel "nowhere"`,
	},
	"alertmanagers": {
		valid:   `alertmanagers: [{name: main, url: "http://localhost:9093"}]`,
		invalid: "alertmanagers:\n  - {name: main, url: localhost}",
		want:    "p.yaml:3: alertmanagers[0].url: invalid address: write it like",
	},
	"services": {
		valid:   "services: [{name: web, owner: sre, page: P2}]",
		invalid: "services:\n  - {name: web}\n  - {name: web}",
		want:    `p.yaml:4: services[1].name: duplicate name "web": choose another`,
	},
	"slos": {
		valid:   `slos: [{name: own, app_service: web, objective: 99.9%, bad: "b[$window]", total: "t[$window]"}]`,
		invalid: "slos:\n  - {name: own, app_service: web, objective: 99.9%, bad: b, total: 't[$window]'}",
		want:    "p.yaml:3: slos[0].bad: write PromQL that counts over $window",
	},
	"sla": {
		valid:   "sla: {availability: 99.9%}",
		invalid: "sla:\n  availability: 100%",
		want:    `p.yaml:3: sla.availability: invalid ratio "100%": write more than 0`,
	},
	"health": {
		valid:   `health: {checks: [{name: home, app_service: web, target: "https://example.com"}]}`,
		invalid: "health:\n  checks:\n    - {name: home, app_service: web}",
		want:    "p.yaml:4: health.checks[0]: missing target: write what to probe",
	},
	"tenants": {
		valid:   `tenants: {host: "{tenant}.example.com", sources: [{file: a.log, format: combined, app_service: web}]}`,
		invalid: "tenants:\n  host: example.com",
		want:    `p.yaml:3: tenants.host: invalid pattern "example.com": write it like`,
	},
	"backups": {
		valid:   "backups: [{name: db, interval: 1d, source: {program: directory}}]",
		invalid: "backups:\n  - {name: db, source: {program: directory}}",
		want:    "p.yaml:3: backups[0]: missing expectation: write interval",
	},
	"storage": {
		valid:   "storage: {interval: 10s, canaries: [{name: data, path: /data}]}",
		invalid: "storage:\n  canaries:\n    - {name: data, path: data}",
		want:    `p.yaml:4: storage.canaries[0].path: invalid path "data": write the whole path`,
	},
	"databases": {
		valid:   "databases: [{name: main, dsn_env: HOME}]",
		invalid: "databases:\n  - {name: main}",
		want:    "p.yaml:3: databases[0]: must have either dsn_file or dsn_env",
	},
	"host": {
		valid:   "host: {processes: [{name: web, match: nginx}]}",
		invalid: "host:\n  interval: 1h",
		want:    `p.yaml:3: host.interval: invalid duration "1h": write 1s to 5m`,
	},
	"maintenance": {
		valid:   `maintenance: [{name: night, start: "02:00", duration: 1h}]`,
		invalid: "maintenance:\n  - {name: night, start: 2am, duration: 1h}",
		want:    `p.yaml:3: maintenance[0].start: invalid time of day "2am": write it like 09:00`,
	},
	"links": {
		valid:   "links: {grafana: https://grafana.example.com}",
		invalid: "links:\n  grafana: [a]",
		want:    "p.yaml:3: links.grafana: invalid value: write a single value, not a list",
	},
}

// policy returns a policy with a text of a section, and with what many sections refer to.
func (example) policy(key, text string) string {
	all := "version: 1\n" + text + "\n"
	for _, other := range []struct{ key, text string }{
		{"channels", "channels: {deadman: none}\n"},
		{"services", "services: [{name: web, owner: sre}]\n"},
	} {
		if other.key != key {
			all += other.text
		}
	}
	return all
}

func TestEverySectionHasExamples(t *testing.T) {
	for _, s := range sections {
		t.Run(s.name(), func(t *testing.T) {
			e, ok := examples[s.name()]
			if !ok || !strings.HasPrefix(e.valid, s.name()+":") || !strings.HasPrefix(e.invalid, s.name()+":") {
				t.Fatal("no examples of it; add them to examples in its own test")
			}
			if !regexp.MustCompile(`^p\.yaml:\d+: `).MatchString(e.want) {
				t.Errorf("want %q does not begin with file and line", e.want)
			}
			if _, err := loadText(t, e.policy(s.name(), e.valid)); err != nil {
				t.Errorf("the valid example: %v", err)
			}
			_, err := loadText(t, e.policy(s.name(), e.invalid))
			if err == nil || !strings.Contains(err.Error(), "/"+e.want) {
				t.Errorf("the invalid example: got %v\nwant %s", err, e.want)
			}
		})
	}
}

func TestEverySectionRefusesUnknownKeys(t *testing.T) {
	for _, s := range sections {
		text, path := s.name()+":\n  no_such_key: 1", s.name()+".no_such_key"
		kind := s.valueType().Kind()
		if kind == reflect.Pointer {
			kind = s.valueType().Elem().Kind()
		}
		switch kind {
		case reflect.Map:
			text, path = s.name()+":\n  any: {no_such_key: 1}", s.name()+".any.no_such_key"
		case reflect.Slice:
			text, path = s.name()+":\n  - no_such_key: 1", s.name()+"[0].no_such_key"
		}
		_, err := loadText(t, example{}.policy(s.name(), text))
		if want := "p.yaml:3: " + path + ": unknown key: "; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", s.name(), err, want)
		}
	}
}

// Each key of each section is in the grammar, in the lines of that section.
func TestEverySectionIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, grammar, _ := strings.Cut(string(text), "```yaml\n")
	grammar, _, _ = strings.Cut(grammar, "```")
	for _, s := range sections {
		begin := regexp.MustCompile(`(?m)^` + s.name() + `:`).FindStringIndex(grammar)
		if begin == nil {
			t.Errorf("docs/configuration.md does not have %s", s.name())
			continue
		}
		lines := grammar[begin[1]:]
		if end := regexp.MustCompile(`(?m)^[a-z]`).FindStringIndex(lines); end != nil {
			lines = lines[:end[0]]
		}
		for _, key := range keysOf(s.valueType()) {
			if PriorityRank(key) > 0 {
				key = "priority"
			}
			if !regexp.MustCompile(`\b` + key + `\b`).MatchString(lines) {
				t.Errorf("docs/configuration.md does not have the key %s of %s", key, s.name())
			}
		}
	}
}

// keysOf returns the keys of a type and of the types that it consists of.
func keysOf(typ reflect.Type) (keys []string) {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return keysOf(typ.Elem())
	case reflect.Struct:
		for field := range typ.Fields() {
			if key := field.Tag.Get("yaml"); field.IsExported() && key != "" && key != "-" {
				keys = append(append(keys, key), keysOf(field.Type)...)
			}
		}
	}
	return keys
}

// Every field of Policy without a key is the value of a section, and no two sections share a key or a place in an
// order.
func TestTableOfSections(t *testing.T) {
	p := defaults()
	keys, values := map[string]bool{}, map[uintptr]bool{}
	validated, warned := map[int]bool{}, map[int]bool{secretsWarned: true}
	for _, s := range sections {
		if keys[s.name()] {
			t.Errorf("two sections have the key %s", s.name())
		}
		if validated[s.validated] && s.validated != 0 || warned[s.warned] && s.warned != 0 {
			t.Errorf("%s shares a place in an order", s.name())
		}
		keys[s.name()], validated[s.validated], warned[s.warned] = true, true, true
		values[s.value(p).Addr().Pointer()] = true
	}
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Tag.Get("yaml") == "-" && !values[v.Field(i).Addr().Pointer()] {
			t.Errorf("no section has the field %s", f.Name)
		}
	}
	for key := range examples {
		if !keys[key] {
			t.Errorf("there are examples of %s, which is no section", key)
		}
	}
}

type thing struct {
	Name      string `yaml:"name"`
	TokenFile string `yaml:"token_file" secret:"exporter"`
	List      string `yaml:"list"`
	Limit     int    `yaml:"limit"`
}

// thingsSection is a section as a new collector adds one: without a field in Policy.
var thingsSection = &section[thing]{
	key:        "things",
	defaults:   func() thing { return thing{Limit: 7} },
	references: []string{"list"},
	inherit: func(p *Policy, one *thing) {
		if one.Name == "" {
			one.Name = p.Environment
		}
	},
	validate: func(v *validator, one thing) {
		if one.Limit > 10 {
			v.failAt("things.limit", "must be at most 10")
		}
	},
	warn:    func(v *validator, one thing) { v.warn("things", "there are %d", one.Limit) },
	resolve: func(v *validator, one *thing) { one.List = v.resolve("things.list", one.List) },
	cost:    func(_ *Policy, one thing, tenants int) Cost { return Cost{Series: one.Limit * tenants} },
}

// One line in the table is all that a section needs outside its own file.
func TestSectionNeedsOneLineInTheTable(t *testing.T) {
	before := loadedFrom(t, minimal)
	old := sections
	t.Cleanup(func() { sections = old })
	sections = append(slices.Clip(sections), entry{part: thingsSection})

	for text, want := range map[string]string{
		"things: {limit: 5, lmit: 5}\n":   "p.yaml:8: things.lmit: unknown key: did you mean limit?",
		"things: {limit: 11}\n":           "p.yaml:8: things.limit: must be at most 10",
		"things: []\n":                    "p.yaml:8: things: invalid value: write keys and values, not a list",
		"thing: {}\n":                     "p.yaml:8: thing: unknown key: did you mean things?",
		"things: {token_file: 'a://b'}\n": "p.yaml:8: things.token_file: write the name of a file that holds the secret",
	} {
		if _, err := loadText(t, minimal+text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}

	dir := write(t, map[string]string{
		"a.yaml":     minimal,
		"b.yaml":     "version: 1\nthings: {list: names.yaml, token_file: token}\n",
		"names.yaml": "no policy: 1\n",
	})
	p, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	if want := (thing{"production", at("token"), at("names.yaml"), 7}); *thingsSection.of(p) != want {
		t.Errorf("got %+v, want %+v", *thingsSection.of(p), want)
	}
	var warnings strings.Builder
	for _, w := range p.Warnings() {
		fmt.Fprintln(&warnings, w)
	}
	for _, want := range []string{
		"b.yaml:2: things: there are 7", "b.yaml:2: things.token_file: the secret file cannot be read",
	} {
		if !strings.Contains(warnings.String(), want) {
			t.Errorf("no warning %q in\n%s", want, warnings.String())
		}
	}
	if got := Estimate(p, 3).Series - Estimate(before, 3).Series; got != 7*3 {
		t.Errorf("the section costs %d series", got)
	}
	if s := p.Secrets(); len(s) != 1 || s[0].Path != "things.token_file" || s[0].Ref.File != at("token") {
		t.Errorf("secrets %+v", s)
	}
	hash := loadedFrom(t, minimal).Hash()
	if hash == before.Hash() || hash == loadedFrom(t, minimal+"things: {limit: 8}\n").Hash() {
		t.Error("the hash does not depend on the section")
	}
	// As an optional section, it changes nothing until it is written.
	optional := &section[*thing]{
		key:      "things",
		validate: func(v *validator, one *thing) { v.failAt("things", "it has %d", one.Limit) },
		cost:     func(_ *Policy, one *thing, _ int) Cost { return Cost{Series: one.Limit} },
	}
	sections = append(slices.Clip(old), entry{part: optional})
	p = loadedFrom(t, minimal)
	if p.Hash() != before.Hash() || *optional.of(p) != nil || Estimate(p, 0) != Estimate(before, 0) {
		t.Errorf("the unwritten section is %+v", *optional.of(p))
	}
	if _, err := loadText(t, minimal+"things: {limit: 3}\n"); err == nil || !strings.Contains(err.Error(), "it has 3") {
		t.Errorf("the written section: %v", err)
	}
	if one := thingsSection.of(&Policy{}); *one != (thing{}) {
		t.Errorf("a policy that was not loaded has %+v", one)
	}
}
