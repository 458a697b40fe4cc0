package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSyntaxErrorsNameFileLineAndCure(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"tab": {
			"version: 1\nchannels: {deadman: none}\n\tservices: []\n",
			"p.yaml:3: invalid YAML: a tab; indent with spaces",
		},
		"open brace": {
			"version: 1\nchannels: {deadman: none\nservices: []\n",
			"p.yaml:2: invalid YAML: did not find expected ',' or '}'; close every {",
		},
		"indentation": {
			"version: 1\nhealth:\n  interval: 30s\n   timeout: 3s\n",
			"p.yaml:4: invalid YAML: mapping values are not allowed in this context; indent",
		},
		"no colon": {
			"version: 1\nhealth\nchannels: {}\n",
			"p.yaml:2: invalid YAML: could not find expected ':'; write a colon",
		},
		"at sign": {
			"version: 1\nplatform: @home\n",
			"p.yaml:2: invalid YAML: found character that cannot start any token; put the value in quotes",
		},
		"open quote": {
			"version: 1\nplatform: \"home\n",
			"p.yaml:2: invalid YAML: found unexpected end of stream; close the quote",
		},
		"anchor": {
			"version: 1\nhealth:\n  checks:\n    - {<<: *none, name: x}\n",
			"p.yaml:4: unknown anchor *none: write &none before it",
		},
		"merge":        {"version: 1\nhealth: {<<: 30s}\n", "p.yaml:2: <<: name a mapping here, such as *name"},
		"merge itself": {"version: 1\nhealth: &h {<<: *h}\n", "p.yaml:2: <<: name a mapping here"},
		"binary":       {"\xff\xfe v\x00", "p.yaml:1: invalid YAML: incomplete UTF-16 character; save the file as UTF-8"},
		"twice merged": {
			strings.Replace(minimal, "version: 1", "version: 1\nversion: 1", 1),
			"p.yaml:2: version: duplicate key: already in line 1; keep one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(filepath.Join(write(t, map[string]string{"p.yaml": tc.text}), "p.yaml"))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestErrorsOfOtherFilesNameTheirLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"modules:\n  a: {prober: http, htp: {}}\n", "p.yaml:5: health.modules_file: DIR/m.yml:2: unknown key htp"},
		{"modules:\n  a: {prober: http, timeout: soon}\n", "DIR/m.yml:2: cannot unmarshal !!str `soon`"},
		{"modules:\n  a: [\n", "DIR/m.yml:2: did not find"},
		{
			"modules:\n  a: {prober: http, http: {fail_if_body_matches_regexp: [\"(\"]}}\n",
			"Could not compile regular expression",
		},
	} {
		policy := strings.Replace(minimal, "health:", "health:\n  modules_file: m.yml", 1)
		dir := write(t, map[string]string{"p.yaml": policy, "m.yml": c.text})
		_, err := Load(filepath.Join(dir, "p.yaml"))
		want := strings.ReplaceAll(c.want, "DIR", dir)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestAnchorsAndMergeKeys(t *testing.T) {
	p, err := Load(filepath.Join(write(t, map[string]string{"p.yaml": `version: 1
x-slow: &slow {interval: 2m, timeout: 20s}
x-web: &web {app_service: web, module: tcp_connect, timeout: 9s}
channels: {deadman: none}
services: [{name: web, owner: sre}]
health:
  checks:
    - &first {<<: *slow, name: first, app_service: web, target: "http://a", timeout: 10s}
    - <<: [*web, *slow]
      name: second
      target: "b:1"
    - {<<: *first, name: third}
`}), "p.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		name, module, target string
		interval, timeout    time.Duration
	}{
		{"first", "http_2xx", "http://a", 2 * time.Minute, 10 * time.Second},
		{"second", "tcp_connect", "b:1", 2 * time.Minute, 9 * time.Second},
		{"third", "http_2xx", "http://a", 2 * time.Minute, 10 * time.Second},
	} {
		c := p.Health.Checks[i]
		if c.Name != want.name || c.Module != want.module || c.Target != want.target ||
			c.Interval.Std() != want.interval || c.Timeout.Std() != want.timeout {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
}
