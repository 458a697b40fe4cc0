package preview

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/browsertest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// realPrometheus starts a Prometheus without targets, whose queries make their own series.
func realPrometheus(t *testing.T) *url.URL {
	t.Helper()
	program, err := filepath.Abs(filepath.Join(cmp.Or(os.Getenv("THORBIS_BIN"), "../../bin"), "tools", "prometheus"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("there is no bin/tools/prometheus; make tools builds it")
	}
	address := testkit.FreeAddress(t)
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "prometheus.yml"), "rule_files: [rules.yml]\n"+
		"scrape_configs: [{job_name: itself, scrape_interval: 1s, static_configs: [{targets: ['"+address+"']}]}]\n")
	testkit.WriteFile(t, filepath.Join(dir, "rules.yml"), "groups: [{name: g, interval: 1s, rules: [{alert: Fires, "+
		"expr: vector(1), labels: {priority: P1, x: '<img src=x onerror=window.hacked=7>'}, "+
		"annotations: {summary: '<b>bold</b>', runbook_url: 'javascript:window.hacked=8'}}]}]\n")
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	server := exec.CommandContext(ctx, program, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = server.Wait() })
	at := &url.URL{Scheme: "http", Host: address}
	fires := at.String() + "/api/v1/query?query=" + url.QueryEscape(`count(ALERTS{alertstate="firing"}) + count(up)`)
	testkit.Eventually(t, func() bool {
		resp, err := http.Get(fires)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text := make([]byte, 4096)
		n, _ := resp.Body.Read(text)
		return strings.Contains(string(text[:n]), `"value"`)
	}, "an alert that fires and a target that is up")
	return at
}

const settled = `window.preview && window.preview.idle`

func eval[T any](t *testing.T, b *browsertest.Browser, script string) T {
	t.Helper()
	v, err := browsertest.Eval[T](b, script)
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type drawn struct {
	Title, Type         string
	Empty               bool
	Series              int
	Errors, Unsupported []string
}

// TestEveryKind draws a panel of every kind, whose labels, legends, texts and links try to become markup and scripts.
func TestEveryKind(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real Prometheus and a browser")
	}
	b := browsertest.Start(t)
	h, err := Handler(Options{Prometheus: realPrometheus(t), Dashboards: Directory("testdata")})
	must(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	must(t, b.Size(1600, 1000, false))
	must(t, b.Open(server.URL+"/d/kinds?var-words="+url.QueryEscape(`"><script>window.hacked=9</script>`)))
	must(t, b.Wait(settled))
	must(t, b.Click(".row.closed .row-title"))
	eval[bool](t, b, `preview.load().then(() => true)`)
	must(t, b.Wait(settled))

	var missing []string
	panels := eval[[]drawn](t, b, `preview.panels`)
	for _, kind := range known(t)["panels"] {
		if !slices.ContainsFunc(panels, func(p drawn) bool { return p.Type == kind }) {
			missing = append(missing, kind)
		}
	}
	if len(missing) > 0 {
		t.Errorf("testdata/kinds.json has no panel of %q", missing)
	}
	expected := map[string]string{
		"another kind": `panels of type "candlestick" are not supported`,
		"odd parts": `override "byMagic" is not supported; property "sparkles" is not supported; ` +
			`transformation "rainbow" is not supported`,
		"a wrong query": "parse error", "a wrong figure": "parse error",
	}
	for _, p := range panels {
		slices.Sort(p.Unsupported)
		got := strings.Join(append(p.Unsupported, p.Errors...), "; ")
		if want := expected[p.Title]; want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", p.Title, got, want)
		}
		empty := slices.Contains([]string{"another kind", "nothing", "a wrong query", "a wrong figure"}, p.Title)
		if p.Empty != empty {
			t.Errorf("%s (%s): empty is %t, want %t", p.Title, p.Type, p.Empty, empty)
		}
	}
	wrong := eval[string](t, b, `document.querySelector('[data-title="a wrong figure"]').textContent`)
	if strings.Contains(wrong, "all is well") {
		t.Errorf("a figure whose query failed is shown as %q", wrong)
	}
	for _, title := range []string{"each first", "each two", "inside"} {
		if !slices.ContainsFunc(panels, func(p drawn) bool { return p.Title == title }) {
			t.Errorf("no panel is named %q", title)
		}
	}
	variables := eval[map[string]string](t, b, `Object.fromEntries(preview.variables.map((v) =>
		[v.name, v.error ?? v.chosen.join(' ')]))`)
	for name, want := range map[string]string{
		"evil": "<img src=x onerror=window.hacked=1>", "job": "$__all", "custom": "$__all", "every": "$__auto_interval_every",
		"words": `"><script>window.hacked=9</script>`, "fixed": "42",
		"filters": `variables of type "adhoc" are not supported`,
	} {
		if variables[name] != want {
			t.Errorf("variable %s is %q, want %q", name, variables[name], want)
		}
	}

	// Everything that opens, for what it shows is made when it opens.
	for _, selector := range []string{".panel-info", ".title", ".time", "[data-variable=evil] button"} {
		must(t, b.Click(selector))
		must(t, b.Wait(`document.querySelector('.popover')`))
		checkInert(t, b, selector)
		eval[bool](t, b, `document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))`)
	}
	checkInert(t, b, "the dashboard")
	if n := eval[int](t, b, `document.querySelectorAll('.annotation').length`); n == 0 {
		t.Error("no annotation is drawn")
	}
	must(t, b.Open(server.URL+"/alerts"))
	must(t, b.Wait(settled))
	if text := eval[string](t, b, `document.querySelector('.alert').textContent`); !strings.Contains(text, "<b>bold</b>") {
		t.Errorf("the alert is shown as %q, want its text as it is", text)
	}
	checkInert(t, b, "the alerts")
	var odd []string
	for _, e := range b.Errors() {
		if !strings.Contains(e, "status of 400") { // of the wrong query
			odd = append(odd, e)
		}
	}
	if len(odd) > 0 {
		t.Errorf("the console shows %q", odd)
	}
}

// checkInert expects that no text has become markup, and that no link runs a script.
func checkInert(t *testing.T, b *browsertest.Browser, where string) {
	t.Helper()
	for _, selector := range []string{"img", "b:not(.chip b):not(.legend b)", "script:not([src])", "a[href^=javascript]"} {
		if n := eval[int](t, b, fmt.Sprintf(`document.querySelectorAll(%q).length`, selector)); n > 0 {
			t.Errorf("%s has %d of %s", where, n, selector)
		}
	}
	if hacked := eval[string](t, b, `String(window.hacked)`); hacked != "undefined" {
		t.Errorf("%s ran the script %s", where, hacked)
	}
}
