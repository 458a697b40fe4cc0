package domain

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// A list of servers that cannot be used replaces none.
func TestBootstrapRefresh(t *testing.T) {
	for name, text := range map[string]string{
		"an error page": "<html>",
		"half of it":    `{"publication": "2026-11-01T00:00:00Z", "services": [[["com"], ["https://x.example/"]]]}`,
	} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
		c := start(t, nil, `{names: [{name: example.com}]}`)
		before := c.bootstrap
		if err := c.refreshBootstrap(t.Context(), base); err != nil || c.bootstrap != before {
			t.Errorf("%s replaces the list in use, %v", name, err)
		}
	}
}

// The policy's own list is read when the policy is, and one that cannot be used refuses the policy.
func TestBootstrapFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dns.json")
	writeFile(t, file, `{"publication": "2026-11-01T00:00:00Z", "services": [[["com"], ["https://x.example/"]]]}`)
	c := start(t, nil, `{names: [{name: example.com}], bootstrap: {file: "`+file+`"}}`)
	if next, _ := c.next(time.Now()); next.base != "https://x.example/" {
		t.Errorf("asked at %q", next.base)
	}
	p := policy(t, `domains: {bootstrap: {file: "`+file+`"}}`)
	writeFile(t, file, "{}")
	if _, err := c.Prepare(p); collectors.ReasonOf(err) != collectors.ReasonConfig {
		t.Errorf("a broken list: %v", err)
	}
	if err := collectors.Apply(c, policy(t, `domains: {names: [{name: example.com}]}`)); err != nil {
		t.Fatal(err)
	}
	if next, _ := c.next(time.Now()); next.base != "https://rdap.verisign.com/com/v1/" {
		t.Errorf("without the file asked at %q", next.base)
	}
}
