package preview

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	h := page(t, newUpstream(t, success))
	for _, target := range []string{"/", "/d/thorbis-slo?var-slo=%22%3E%3Cscript%3E", "/d/thorbis-slo/slug", "/alerts"} {
		w := do(h, http.MethodGet, target, "")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `src="/assets/js/app.js"`) {
			t.Errorf("%s: %d", target, w.Code)
		}
		if strings.Contains(w.Body.String(), "%3C") || strings.Contains(w.Body.String(), `"><script>`) {
			t.Errorf("%s repeats what the URL says", target)
		}
		policy := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "trusted-types",
		} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the content security policy %q lacks %s", target, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", target, w.Header())
		}
	}
	first := do(h, http.MethodGet, "/assets/js/app.js", "")
	again := do(h, http.MethodGet, "/assets/js/app.js", "", "If-None-Match", first.Header().Get("ETag"))
	if first.Code != http.StatusOK || again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("a module is sent again: %d, %d", first.Code, again.Code)
	}
}

func TestDashboards(t *testing.T) {
	h := page(t, newUpstream(t, success))
	var all []listed
	if err := json.Unmarshal(do(h, http.MethodGet, "/api/dashboards", "").Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].UID != "b" || all[0].Title != "First" || all[1].UID != "a" {
		t.Errorf("listed as %+v", all)
	}
	w := do(h, http.MethodGet, "/api/dashboards/a", "")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Second") {
		t.Errorf("dashboard a: %d %s", w.Code, w.Body)
	}
	if w := do(h, http.MethodGet, "/api/dashboards/c", ""); w.Code != http.StatusNotFound {
		t.Errorf("an unknown dashboard: %d", w.Code)
	}
}

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	read := Directory(dir)
	if _, err := read(); err == nil || !strings.Contains(err.Error(), "0 files") {
		t.Errorf("an empty directory: %v", err)
	}
	name := filepath.Join(dir, "a.json")
	if err := os.WriteFile(name, []byte(`{"dashboard":{"uid":"wrapped","title":"W"},"meta":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := Options{Dashboards: read}.read()
	if err != nil || len(all) != 1 || all[0].UID != "wrapped" || strings.Contains(string(all[0].text), "meta") {
		t.Errorf("as Grafana's API wraps it: %+v %v", all, err)
	}
	for text, want := range map[string]string{
		`{"apiVersion":"dashboard.grafana.app/v2","spec":{}}`: "schema version 2", `{"elements":{}}`: "schema version 2",
		`{`: "invalid JSON",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Options{Dashboards: read}.read()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a.json") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if err := os.Truncate(name, maxDashboardSize+1); err != nil {
		t.Fatal(err)
	}
	if _, err := read(); err == nil || !strings.Contains(err.Error(), "at most 8 MiB") {
		t.Errorf("a large file: %v", err)
	}
	if err := errors.Join(os.Remove(name), os.Mkdir(name, 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := read(); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("a directory in place of a file: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"uid":"a","panels":[]}`, `{"dashboard":{}}`, `{"dashboard":3}`, `[]`, `{"tags":[0]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if d, err := decode(text); err == nil && !json.Valid(d.text) {
			t.Errorf("%q is passed on as %q", text, d.text)
		}
	})
}

var (
	importRE    = regexp.MustCompile(`(?m)^(?:import|export) .*from '([^']+)'|^import '([^']+)'`)
	referenceRE = regexp.MustCompile(`(?:src|href)="/assets/([^"]+)"|url\(['"]/assets/([^'"]+)['"]\)`)
	inlineRE    = regexp.MustCompile(`(?i)<script(?:\s*>|\s[^>]*>\s*[^<\s])|<style|\sstyle=|\son\w+=|javascript:`)
	unsafeRE    = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`)
	foreignRE   = regexp.MustCompile(`https?://[a-z0-9.-]+`)
)

// TestFiles holds the page against what its content security policy permits: every file that is named is embedded, no
// script or style stands in the markup, nothing is fetched from elsewhere, and no text becomes markup.
func TestFiles(t *testing.T) {
	files, err := pageFiles()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"index.html": true}
	for name, f := range files {
		if strings.HasSuffix(name, ".LICENSE") {
			used[name] = true
			continue
		}
		for _, m := range referenceRE.FindAllStringSubmatch(f.text, -1) {
			used[m[1]+m[2]] = true
		}
		if path.Ext(name) == ".html" && inlineRE.MatchString(f.text) {
			t.Errorf("%s: %q runs or styles from within the markup", name, inlineRE.FindString(f.text))
		}
		if path.Ext(name) != ".js" || strings.HasPrefix(name, "vendor/") {
			continue
		}
		for _, m := range importRE.FindAllStringSubmatch(f.text, -1) {
			used[path.Join(path.Dir(name), m[1]+m[2])] = true
		}
		if m := unsafeRE.FindString(f.text); m != "" {
			t.Errorf("%s uses %s", name, m)
		}
		for _, url := range foreignRE.FindAllString(f.text, -1) {
			if url != "http://www.w3.org" {
				t.Errorf("%s names %s", name, url)
			}
		}
		for i, line := range strings.Split(f.text, "\n") {
			if len([]rune(line)) > 120 {
				t.Errorf("%s:%d has more than 120 characters", name, i+1)
			}
		}
		if n := strings.Count(f.text, "\n"); n > 400 {
			t.Errorf("%s has %d lines, at most 400", name, n)
		}
	}
	for name := range used {
		if _, ok := files[name]; !ok {
			t.Errorf("%s is named and not embedded", name)
		}
	}
	for name := range files {
		if !used[name] && name != "js/known.js" {
			t.Errorf("%s is embedded and not used", name)
		}
	}
	err = fs.WalkDir(web, ".", func(name string, d fs.DirEntry, err error) error {
		if _, ok := files[name]; err == nil && !d.IsDir() && !ok && !strings.HasSuffix(name, ".md") {
			t.Errorf("%s has no content type", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
