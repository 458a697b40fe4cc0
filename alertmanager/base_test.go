package alertmanager

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// bases are configurations of users, each in another style.
var bases = map[string]string{
	"everything": `# Our own routes. Hands off!
global:
    resolve_timeout: 5m   # four spaces

route:
    receiver: team-x   # the default
    group_by: ['alertname', "cluster"]
    routes:
    # databases first
    - matchers:
      - service=~"mysql|cassandra"
      receiver: dba

    - receiver: everybody
      continue: true


inhibit_rules:
- source_matchers: [ severity="critical" ]
  target_matchers: [severity="warning"]
  equal: ['alertname']
receivers:
  - name: 'team-x'
  - name: dba
    webhook_configs:
      - url: "http://127.0.0.1:9/#not-a-comment"
  - name: everybody

time_intervals:
    -   name: offhours
        time_intervals:
            -   weekdays: [saturday, sunday]
templates: # ours
- '/etc/alertmanager/*.tmpl'
`,
	"bare":            "route:\n  receiver: x\nreceivers:\n- name: x\n",
	"no last newline": "receivers:\n  - name: x\nroute:\n  receiver: x",
	"empty lists": "route:\n  receiver: x\n  routes:\nreceivers:\n  - name: x\ntemplates:\n" +
		"inhibit_rules:\n",
	"windows": "route:\r\n  receiver: x\r\n  routes:\r\n    - receiver: x\r\nreceivers:\r\n" +
		"  - name: x\r\n",
	"root indented": "  route:\n    receiver: x\n  receivers:\n    - name: x\n",
	"root indented by one": " # ours\n route:\n  receiver: x\n  routes:\n  - receiver: x\n receivers:\n" +
		" - name: x\n",
	"ends in dots":                   "---\nroute:\n  receiver: x\nreceivers:\n- name: x\n...\n# the end\n",
	"ends in dots without a newline": "route:\n  receiver: x\nreceivers:\n- name: x\n...",
	"byte order mark":                "\ufeffroute:\n  receiver: x\nreceivers:\n- name: x\n",
	"a receiver by alias":            "route:\n  receiver: &r x\n  routes:\n    - receiver: *r\nreceivers:\n- name: *r\n",
	"document markers": "---\n# first\nroute:\n\n    # about x\n    receiver: x\n    routes:\n        -\n" +
		"          receiver: x\nreceivers:\n-\n  name: x\n",
}

func TestInsertLeavesEveryByte(t *testing.T) {
	p := testPolicy(t)
	for name, base := range bases {
		t.Run(name, func(t *testing.T) {
			out, err := Insert([]byte(base), p)
			if err != nil {
				t.Fatal(err)
			}
			rest := bytes.SplitAfter(out, []byte("\n"))
			for line := range strings.SplitAfterSeq(base, "\n") {
				i := slices.IndexFunc(rest,
					func(l []byte) bool { return strings.TrimSuffix(string(l), "\n") == strings.TrimSuffix(line, "\n") })
				if i < 0 {
					t.Fatalf("the line %q is gone or out of order in\n%s", line, out)
				}
				rest = rest[i+1:]
			}
			c, err := amconfig.Load(string(out))
			if err != nil {
				t.Fatalf("%v in\n%s", err, out)
			}
			sameRoutes(t, base, c)

			// The bundle's alerts reach the same receivers as without the base file.
			own, joined := dispatch.NewRoute(build(t, p).Route, nil), dispatch.NewRoute(c.Route, nil)
			for _, a := range testAlerts(t, p) {
				set := alertLabels(a, map[string]string{"environment": "production", "app_service": "web", "owner": "secops"})
				var want []string
				for _, r := range receivers(own, set) {
					want = append(want, basePrefix+r)
				}
				if got := receivers(joined, set); !slices.Equal(got, want) {
					t.Errorf("%s reaches %v, want %v", a.Name, got, want)
				}
			}
			amtool(t, out)
			if _, err := Insert(out, p); err == nil || !strings.Contains(err.Error(), "in it already") {
				t.Errorf("inserted twice: %v", err)
			}
		})
	}
}

// sameRoutes checks that the user's alerts reach the same receivers as before.
func sameRoutes(t *testing.T, base string, c *amconfig.Config) {
	t.Helper()
	old, err := amconfig.Load(base)
	if err != nil {
		t.Fatal(err)
	}
	before, after := dispatch.NewRoute(old.Route, nil), dispatch.NewRoute(c.Route, nil)
	for _, labels := range []map[string]string{
		{"alertname": "A", "service": "mysql"},
		{"alertname": "B", "severity": "critical"},
		{"alertname": "C", "priority": "P1"},
		{},
	} {
		x, y := before.Match(labelSet(labels)), after.Match(labelSet(labels))
		if len(x) != len(y) {
			t.Fatalf("%v matched %d routes and now %d", labels, len(x), len(y))
		}
		for i := range x {
			if !reflect.DeepEqual(x[i].RouteOpts, y[i].RouteOpts) {
				t.Errorf("%v went to %s, now to %s", labels, &x[i].RouteOpts, &y[i].RouteOpts)
			}
		}
	}
}

func amtool(t *testing.T, text []byte) {
	t.Helper()
	program, err := filepath.Abs(filepath.Join("..", "bin", "tools", "amtool"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatal("amtool is not built; run make tools")
	}
	file := write(t, testPolicy(t))
	testkit.WriteFile(t, file, bytes.ReplaceAll(text, []byte("/etc/alertmanager/*.tmpl"), []byte("templates/*.tmpl")))
	if out, err := exec.Command(program, "check-config", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestInsertRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"route: {receiver: x}\nreceivers: [{name: x}]\n", "route must be written as key: value lines"},
		{"{route: {receiver: x}, receivers: [{name: x}]}\n", "line 1: write the configuration as key: value lines"},
		{"route:\n  receiver: x\nreceivers: [{name: x}]\n", "line 3: receivers must be a list with a line for each item"},
		{
			"route:\n  receiver: x\n  routes: []\nreceivers:\n- name: x\n",
			"line 3: route.routes must be a list with a line for each item",
		},
		{"route:\n  receiver: y\nreceivers:\n- name: x\n", "base file is refused as it is"},
		{"route:\n  receiver: x\nreceivers:\n- name: x\n- name: thorbis-critical", "it and the bundle do not go together"},
		{"route:\n  receiver: x\nreceivers:\n- name: x\n---\nx: y\n", "second document"},
		{"", "base file is refused as it is"},
		{"route:\n\treceiver: x\nreceivers:\n- name: x\n", "line 2 is indented by a tab: use spaces"},
		{"route:\n  receiver: x\nroute:\n  receiver: x\nreceivers:\n- name: x\n", "base file is refused as it is"},
		{"route:\n  receiver: x\n  hold_and_digest: 1h\nreceivers:\n- name: x\n", "use a newer thorbis_mixin"},
		{"route:\n  receiver: x\nreceivers:\n- name: x\n---\n{", "a second document follows"},
		{"templates: &t [a.tmpl]\nroute:\n  receiver: x\nreceivers:\n- name: x\n", "templates has an anchor (&t)"},
		{
			"route:\n  receiver: x\n  routes: &r\n  - receiver: x\n    routes:\n    - receiver: x\nreceivers:\n- name: x\n",
			"route.routes has an anchor (&r)",
		},
		{
			"route:\n  receiver: x\n  routes:\n  - receiver: x\n    routes: &r\n    - receiver: x\n  - receiver: x\n    " +
				"routes: *r\nreceivers: &n\n- name: x\n",
			"receivers has an anchor",
		},
		{
			"route:\n  receiver: x\n  routes:\n  - &m\n    receiver: x\n    routes:\n    - receiver: x\n  <<: *m\n" +
				"receivers:\n- name: x\n",
			"a merge key (<<) beside route.routes",
		},
	} {
		if out, err := Insert([]byte(c.text), testPolicy(t)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s\n%s", c.text, err, c.want, out)
		}
	}
}

// TestBaseWarnings checks the warnings on inhibition rules of a base file that may hide alerts of the bundle.
func TestBaseWarnings(t *testing.T) {
	rule := func(text string) string {
		return "route:\n  receiver: x\nreceivers:\n- name: x\ninhibit_rules:\n- source_matchers: [a=\"b\"]\n  " + text +
			"\n  equal: [alertname]\n"
	}
	for text, want := range map[string]string{
		`target_matchers: [severity="warning"]`: `inhibit_rules[0] of the base file may hide ` +
			`ThorbisAccessUnknown (P3), ThorbisAlertmanagerClusterSplit (P3), others of the bundle: add ` +
			`bundle!="thorbis" to its target_matchers`,
		`target_match: {severity: warning}`:           "inhibit_rules[0]",
		`target_match_re: {severity: "warning|info"}`: "inhibit_rules[0]",
		// an external label of Prometheus
		`target_matchers: [cluster="a"]`:                                 "inhibit_rules[0]",
		`target_matchers: [severity="warning", bundle!="thorbis"]`:       "",
		`target_matchers: [severity="page"]`:                             "",
		`target_matchers: [alertname=~"Kube.*"]`:                         "",
		`target_matchers: [alertname="ThorbisCheckDown"]`:                "ThorbisCheckDown (P1)",
		`target_matchers: [alertname="ThorbisCheckDown", priority="P9"]`: "",
	} {
		got, err := BaseWarnings([]byte(rule(text)))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if joined := strings.Join(got, " "); (joined == "") != (want == "") || !strings.Contains(joined, want) {
			t.Errorf("%s: %q, want %q", text, joined, want)
		}
	}
	if _, err := BaseWarnings([]byte("route: {")); err == nil {
		t.Error("what is no configuration has no warnings")
	}
}

// FuzzInsert: whatever file is accepted, the lines of it are all there in their order, and Alertmanager reads all of it
// and all of ours.
func FuzzInsert(f *testing.F) {
	for _, base := range bases {
		f.Add([]byte(base))
	}
	f.Add([]byte("route:\n    receiver: x\n    routes:\n    -"))
	f.Add([]byte("a: &a\n  - x\nroute:\n  receiver: x\n  routes: *a\nreceivers:\n- name: x\n"))
	f.Add([]byte("route:\n  receiver: x\n  ? routes\n  : - receiver: x\nreceivers:\n- name: x\n"))
	f.Add([]byte("\"route\":\n  receiver: x\nreceivers:\n- name: x\n'inhibit_rules':\n"))
	f.Add([]byte("route:\n  receiver: |\n    x\n\nreceivers:\n- name: \"x\\n\"\n"))
	p := testPolicy(f)
	ours := assemble(p)
	f.Fuzz(func(t *testing.T, base []byte) {
		out, err := insert(base, ours, `bundle="thorbis"`)
		if err != nil {
			return
		}
		rest := out
		for line := range bytes.SplitAfterSeq(base, []byte("\n")) {
			i := bytes.Index(rest, line)
			if i < 0 {
				t.Fatalf("%q is gone from\n%s", line, out)
			}
			rest = rest[i+len(line):]
		}
		before, err := amconfig.Load(string(base))
		if err != nil {
			t.Fatalf("what Alertmanager refuses was accepted: %v", err)
		}
		after, err := amconfig.Load(string(out))
		if err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		for what, n := range map[string][3]int{
			"routes":         {len(before.Route.Routes), 1, len(after.Route.Routes)},
			"receivers":      {len(before.Receivers), len(ours.Receivers), len(after.Receivers)},
			"inhibitions":    {len(before.InhibitRules), len(ours.InhibitRules), len(after.InhibitRules)},
			"time intervals": {len(before.TimeIntervals), len(ours.TimeIntervals), len(after.TimeIntervals)},
			"templates":      {len(before.Templates), len(ours.Templates), len(after.Templates)},
		} {
			if n[0]+n[1] != n[2] {
				t.Errorf("%d and %d %s became %d in\n%s", n[0], n[1], what, n[2], out)
			}
		}
		if len(after.Route.Routes) > 0 && len(after.Route.Routes[0].Routes) != len(ours.Route.Routes) {
			t.Errorf("our tree has %d branches, not %d, in\n%s", len(after.Route.Routes[0].Routes), len(ours.Route.Routes), out)
		}
	})
}
