package config

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEffective(t *testing.T) {
	dir := write(t, map[string]string{"p.yaml": `version: 1
channels: {deadman: none, chat: {slack: {channel: "#ops", url_file: chat}}}
services: [{name: web, owner: sre}]
health:
  checks:
    - name: home
      app_service: web
      target: https://example.com
tenants:
  hosts: {shop.example.com: acme}
delivery: {failed_if: [rollback, {page_within: 5m}]}
`})
	p, err := Load(filepath.Join(dir, "p.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got := WriteEffective(p.Effective())
	for _, want := range []string{
		"version: 1", "# DIR/p.yaml:1",
		"environment: production", "# default",
		"  deadman: none", "# DIR/p.yaml:2",
		"      channel: '#ops'", "# DIR/p.yaml:2",
		"    - name: home", "# DIR/p.yaml:6",
		"      interval: 30s", "# default",
		"    shop.example.com: acme", "# DIR/p.yaml:10",
		"    - rollback", "# DIR/p.yaml:11",
		"    - page_within: 5m", "# DIR/p.yaml:11",
	} {
		if !strings.Contains(got, strings.ReplaceAll(want, "DIR", dir)) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// What is written is a policy with the same meaning.
func TestEffectiveIsThePolicy(t *testing.T) {
	for _, key := range slices.Sorted(maps.Keys(examples)) {
		t.Run(key, func(t *testing.T) {
			text := example{}.policy(key, examples[key].valid)
			p := loadedFrom(t, text)
			again := loadedFrom(t, WriteEffective(p.Effective()))
			values := func(p *Policy) (all []string) {
				for _, s := range p.Effective() {
					all = append(all, s.Path+" = "+flow(s.Value))
				}
				return all
			}
			before, after := values(p), values(again)
			if !slices.Equal(before, after) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
		})
	}
}
