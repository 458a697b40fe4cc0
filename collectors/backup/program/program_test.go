package program

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Every program of the table is in the table of docs/backups.md, in the same order, and every row there is a program.
func TestTable(t *testing.T) {
	text, err := os.ReadFile("../../../docs/backups.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Programs\n")
	if !ok {
		t.Fatal("docs/backups.md has no section Programs")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	section, _, _ = strings.Cut(section, "\n### ")
	documented := map[string][]string{}
	var order []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|(.*)\\|$").FindAllStringSubmatch(section, -1) {
		order = append(order, row[1])
		documented[row[1]] = strings.Split(row[2], " | ")
	}
	var names []string
	for _, p := range programs {
		names = append(names, p.Name)
	}
	if !slices.Equal(names, order) {
		t.Errorf("the table of programs has %q, docs/backups.md %q", names, order)
	}
	for _, p := range programs {
		if !slices.Contains(metric.BackupKinds, p.Kind) || p.Kind == metric.KindWAL || p.List == nil {
			t.Errorf("%s: kind %q, or no List", p.Name, p.Kind)
		}
		if columns := documented[p.Name]; len(columns) == 3 {
			if verifies := !strings.HasPrefix(strings.TrimSpace(columns[2]), "-"); verifies != (p.Verify != nil) {
				t.Errorf("%s: docs/backups.md says %q of its verification", p.Name, columns[2])
			}
		} else {
			t.Errorf("%s: a row of %d columns in docs/backups.md", p.Name, len(columns))
		}
	}
	if Find("tar") != nil || !slices.IsSorted(Names()) || len(Names()) != len(programs) {
		t.Errorf("names %q", Names())
	}
}

// config accepts a recovery point younger than the newest backup only for programs whose listing has the newest log.
func TestConfigKnowsWhichProgramsListLogs(t *testing.T) {
	for _, p := range programs {
		file := filepath.Join(t.TempDir(), "thorbis.yaml")
		backuptest.Write(t, file, []byte(`version: 1
channels: {deadman: none}
backups: [{name: main, interval: 1d, max_age: 2h, refresh: 10m, source: {program: `+p.Name+`}}]
`), backuptest.Noon)
		if _, err := config.Load(file); (err == nil) != p.Logs {
			t.Errorf("%s: Logs is %v, config says %v", p.Name, p.Logs, err)
		}
	}
}
