package domain

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// A list of servers that cannot be used replaces none.
func TestBootstrapRefresh(t *testing.T) {
	for name, text := range map[string]string{
		"an error page": "<html>",
		"half of it":    `{"publication": "2026-11-01T00:00:00Z", "services": [[["com"], ["https://x.example/"]]]}`,
	} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
		c := start(t, nil, `{names: [{name: example.com}], bootstrap: {url: "`+base+`"}}`)
		before := c.bootstrap
		if err := c.refreshBootstrap(t.Context(), base); err != nil || c.bootstrap != before {
			t.Errorf("%s replaces the list in use, %v", name, err)
		}
	}
}

// The policy's own list is read when the policy is, and one that cannot be used refuses the policy.
func TestBootstrapFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dns.json")
	testkit.WriteFile(t, file, `{"publication": "2026-11-01T00:00:00Z", "services": [[["com"], ["https://x.example/"]]]}`)
	c := start(t, nil, `{names: [{name: example.com}], bootstrap: {file: "`+file+`"}}`)
	if next, _ := c.next(time.Now()); next.base != "https://x.example/" {
		t.Errorf("asked at %q", next.base)
	}
	p := policy(t, `domains: {bootstrap: {file: "`+file+`"}}`)
	testkit.WriteFile(t, file, "{}")
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

// manyServers is a list that does not lack half of the entries of the one in use.
func manyServers(year int) string {
	var services []string
	for i := range 2000 {
		services = append(services, fmt.Sprintf(`[["x%d"], ["https://x.example/"]]`, i))
	}
	return fmt.Sprintf(`{"publication": "%d-11-01T00:00:00Z", "services": [%s]}`, year, strings.Join(services, ", "))
}

// The list of another address is read at once. That of an address that the policy no longer names replaces none.
func TestBootstrapAddress(t *testing.T) {
	var c *Collector
	var late func()
	at := func(year int) string {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if late != nil {
				late()
			}
			_, _ = w.Write([]byte(manyServers(year)))
		})
	}
	first, second := at(2031), at(2032)
	section := func(address string) string {
		return `{names: [{name: example.com}], bootstrap: {url: "` + address + `"}}`
	}
	c = start(t, nil, section(first))
	refresh := func(address string, want int) {
		t.Helper()
		if err := c.refreshBootstrap(t.Context(), address); err != nil || c.bootstrap.published.Year() != want {
			t.Errorf("the list is of %d, want %d; %v", c.bootstrap.published.Year(), want, err)
		}
	}
	apply := func(section string) {
		t.Helper()
		if err := collectors.Apply(c, policy(t, "domains: "+section)); err != nil {
			t.Error(err)
		}
	}
	refresh(first, 2031)
	apply(section(second))
	refresh(second, 2032)
	file := filepath.Join(t.TempDir(), "dns.json")
	testkit.WriteFile(t, file, manyServers(2033))
	apply(section(first))
	late = func() { apply(`{names: [{name: example.com}], bootstrap: {file: "` + file + `"}}`) }
	refresh(first, 2033)
}
