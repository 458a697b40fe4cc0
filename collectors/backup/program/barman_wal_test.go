package program

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// What is needed and gone is counted once, also at either end, beside gaps that nothing lists; a timeline that a
// later backup began leaves none.
func TestLost(t *testing.T) {
	for _, test := range []struct {
		name          string
		found, needed []string
		want          []string
	}{
		{
			name: "all there", found: []string{"000000010000000000000002", "000000010000000000000003"},
			needed: []string{"000000010000000000000002"},
		},
		{
			name: "first, last and between", found: []string{"000000010000000000000003", "000000010000000000000006"},
			needed: []string{
				"000000010000000000000002", "000000010000000000000003", "000000010000000000000007",
				"000000010000000000000007",
			},
			want: []string{
				"000000010000000000000002", "000000010000000000000007", "000000010000000000000004",
				"000000010000000000000005",
			},
		},
		{
			name: "a promotion between two backups", found: []string{
				"000000010000000000000002", "000000020000000000000003",
				"000000020000000000000004",
			},
			needed: []string{"000000010000000000000002", "000000020000000000000004"},
		},
	} {
		missing, named := lost(segmentsOf(t, test.found...), segmentsOf(t, test.needed...))
		if missing != len(test.want) || !slices.Equal(named, test.want) {
			t.Errorf("%s: %d missing, %q, want %q", test.name, missing, named, test.want)
		}
	}
}

func TestSegmentsBelow(t *testing.T) {
	root := t.TempDir()
	var paths []string
	for _, name := range []string{
		"0000000100000000/000000010000000000000001",
		"0000000100000000/000000010000000000000002", "0000000100000000/000000010000000000000002.00000028.backup",
		"0000000200000000/000000020000000000000003", "00000002.history",
	} {
		path := filepath.Join(root, name)
		paths = append(paths, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		testkit.WriteFile(t, path, "")
	}
	listed, below := barmanSegments(paths)
	if below != root || len(listed) != 3 {
		t.Errorf("%v below %s", listed, below)
	}
	found, err := segmentsBelow(root, listed[1])
	if want := segmentsOf(t, "000000010000000000000002", "000000020000000000000003"); err != nil ||
		!slices.Equal(found, want) {
		t.Errorf("%v, %v, want %v", found, err, want)
	}
	if _, err := segmentsBelow(filepath.Join(root, "nowhere"), segment{}); !os.IsNotExist(err) {
		t.Error(err)
	}
	if files, err := segmentFiles(filepath.Join(root, "removed meanwhile")); len(files) > 0 || err != nil {
		t.Errorf("%v, %v", files, err)
	}
}
