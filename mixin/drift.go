package mixin

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// generatedOnly are folders of files of which each is generated, so that one more is a leftover.
var generatedOnly = []string{
	"rules/*.rules.yaml", "dashboards/*.json", "mixin/rules/*.marked.yaml", "mixin/dashboards/*.json",
}

// The values of Difference.Problem.
const (
	Missing  = "missing"  // the file should be there
	Differs  = "differs"  // its content is another
	Leftover = "leftover" // it is not generated any more
)

// Difference is a file that is not as the policy has it.
type Difference struct {
	File    string `json:"file"` // below the directory, with slashes
	Problem string `json:"problem"`
	Line    int    `json:"line,omitempty"` // the first that differs, counted from 1
}

// String returns the difference as a sentence.
func (d Difference) String() string {
	switch d.Problem {
	case Missing:
		return d.File + " is missing"
	case Leftover:
		return d.File + " is not generated any more; remove it"
	}
	return fmt.Sprintf("%s differs from line %d on", d.File, d.Line)
}

// Drift compares a directory with the files and returns the differences in the order of their names.
func (f Files) Drift(dir string) ([]Difference, error) {
	found := []Difference{}
	for name, want := range f {
		got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		switch {
		case os.IsNotExist(err):
			found = append(found, Difference{File: name, Problem: Missing})
		case err != nil:
			return nil, err
		case string(got) != string(want):
			found = append(found, Difference{name, Differs, firstDifference(got, want)})
		}
	}
	for _, pattern := range generatedOnly {
		names, err := fs.Glob(os.DirFS(dir), pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if _, ok := f[name]; !ok {
				found = append(found, Difference{File: name, Problem: Leftover})
			}
		}
	}
	slices.SortFunc(found, func(a, b Difference) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Problem, b.Problem))
	})
	return found, nil
}

// firstDifference is the number of the first line in which two texts differ.
func firstDifference(a, b []byte) int {
	line := 1
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			break
		}
		if a[i] == '\n' {
			line++
		}
	}
	return line
}
