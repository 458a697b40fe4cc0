package store

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestDamagedStateStartsAtZero(t *testing.T) {
	for name, damage := range map[string]func(path string){
		"log cut off": func(p string) { _ = os.Truncate(filepath.Join(p, "tenant.00000001.log"), 40) },
		"log removed": func(p string) { _ = os.Remove(filepath.Join(p, "tenant.00000001.log")) },
		"log overwritten": func(p string) {
			_ = os.WriteFile(filepath.Join(p, "tenant.00000001.log"), bytes.Repeat([]byte{7}, 4000), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			d := newTestStore(t, path, Config{Limit: 10, Thresholds: []uint64{300e6}})
			d.scrape("a")
			d.count("acme", 5)
			d.close()
			damage(path)
			d = newTestStore(t, path, Config{Limit: 10, Thresholds: []uint64{300e6}})
			if total, _, _ := d.Totals(); !d.Lost(d.web.Source) || total != 0 {
				t.Errorf("lost %v, %d requests", d.Lost(d.web.Source), total)
			}
			d.count("acme", 1)
			d.close()
			// What was begun anew is not lost again; that something was is not forgotten.
			d = newTestStore(t, path, Config{Limit: 10, Thresholds: []uint64{300e6}})
			if total, _, _ := d.Totals(); !d.Lost(d.web.Source) || total != 1 {
				t.Errorf("lost %v, %d requests", d.Lost(d.web.Source), total)
			}
			st := newState()
			if _, err := st.restore(d.saved.snapshot(1)); err != nil || st.lostAt != d.saved.lostAt {
				t.Errorf("lost at %d in a snapshot, want %d: %v", st.lostAt, d.saved.lostAt, err)
			}
			d.clock.add(lostFor)
			added := d.Configure(Config{
				Limit: 10, Thresholds: []uint64{300e6},
				Sources: []SourceConfig{{Name: "access", Service: "web"}, {Name: "new", Service: "web"}},
			})["new"]
			for range 2 { // before and after it is saved
				if d.Lost(added.Source) {
					t.Error("a source that was added later is lost")
				}
				_ = d.save()
			}
		})
	}
}
