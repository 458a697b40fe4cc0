package config

import (
	"strings"
	"testing"
	"time"
)

func TestAccess(t *testing.T) {
	p, err := vendorsOf(t, `security:
  access:
    - {name: own, app_service: docs, file: own.json}
    - name: github
      owner: security
      page: P3
      github: {members: m.json, admins: a.json}
      reviews: r.json
      review_every: 30d
    - {name: roles, postgres: {dsn_env: DSN}, unused_after: 10d}
`)
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	own, github, roles := p.Security().Access[0], p.Security().Access[1], p.Security().Access[2]
	if own.Owner != "writers" || own.Page != "P3" || own.Interval.Std() != day || own.ReviewEvery.Std() != 90*day ||
		own.UnusedAfter.Std() != 90*day || own.Files()[0] != "own.json" {
		t.Errorf("the defaults are %+v", own)
	}
	if github.Owner != "security" || github.ReviewEvery.Std() != 30*day ||
		strings.Join(github.Files(), " ") != " m.json a.json   r.json" {
		t.Errorf("%+v", github)
	}
	if roles.Page != "P2" || roles.Interval.Std() != time.Hour || roles.UnusedAfter.Std() != 10*day {
		t.Errorf("%+v", roles)
	}
	without, err := vendorsOf(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if cost := Estimate(p, 0).Series - Estimate(without, 0).Series; cost < 3*seriesPerAccess {
		t.Errorf("%d series", cost)
	}
}

func TestInvalidAccess(t *testing.T) {
	for _, x := range []struct{ section, want string }{
		{"[null]", "security.access[0].name: missing name"},
		{"[{name: a}]", "security.access[0]: must have one of file, github and postgres"},
		{"[{name: a, file: x, github: {members: m}}]", "security.access[0]: must have one of"},
		{"[{name: a, file: x}, {name: a, file: y}]", "security.access[1].name: "},
		{"[{name: a, app_service: wbe, file: x}]", "security.access[0].app_service: "},
		{"[{name: a, page: P9, file: x}]", "security.access[0].page: "},
		{"[{name: a, github: {admins: x}}]", "security.access[0].github.members: missing file"},
		{"[{name: a, postgres: {}}]", "security.access[0].postgres: must have either dsn_file or dsn_env"},
		{"[{name: a, file: x, reviews: y}]", "security.access[0].reviews: must be left out"},
		{"[{name: a, file: x, interval: 1s}]", "security.access[0].interval: "},
		{"[{name: a, file: x, review_every: 1h}]", "security.access[0].review_every: "},
		{"[{name: a, file: x, unused_after: 1h}]", "security.access[0].unused_after: "},
	} {
		if _, err := vendorsOf(t, "security: {access: "+x.section+"}"); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%.80s: %v, want %q", x.section, err, x.want)
		}
	}
}
