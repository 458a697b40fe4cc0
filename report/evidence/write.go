package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/report"
)

// Manifest says what files evidence consists of. It holds no time of its making: the same data gives the same bytes.
type Manifest struct {
	Report      string          `json:"report"` // evidence
	Platform    string          `json:"platform"`
	Environment string          `json:"environment"`
	From        time.Time       `json:"from"`
	To          time.Time       `json:"to"`
	PolicyHash  string          `json:"policy_sha256"`
	Sources     []report.Source `json:"sources"`
	Seed        string          `json:"seed"`
	Populations []Entry         `json:"populations"`
	// Unmeasured are controls of which nothing is recorded.
	Unmeasured []string `json:"unmeasured"`
	Defects    []string `json:"defects"`
}

// Entry is a population in a manifest.
type Entry struct {
	*Population
	File   string `json:"file"`
	Items  int    `json:"items"`
	SHA256 string `json:"sha256"`
	// Sample are the numbers of the items that were drawn.
	Size   int   `json:"sample_size"`
	Sample []int `json:"sample"`
}

// Unmeasured are the controls that no collector records.
var Unmeasured = []string{
	"CC8.1: who approved a deployment: it is with the pull request",
	"CC7.1: the findings themselves: /api/v1/scans has those of now, Prometheus how many there were and how old",
	"CC6.1 to CC6.3: what an access review decided is with the link of its signature; /api/v1/access has what is open",
}

// File is a file of evidence.
type File struct {
	Name string
	Text []byte
}

// Files returns the files of evidence: one of each population, the sample, the manifest, and the checksums of all as
// sha256sum -c reads them. size is that of each sample, 0 for the rule of thumb.
func Files(m Manifest, populations []*Population, size int, zone *time.Location) ([]File, error) {
	var files []File
	m.Report, m.Unmeasured, m.Populations = "evidence", Unmeasured, []Entry{}
	sample := [][]string{append([]string{"population"}, header...)}
	for _, p := range populations {
		rows := [][]string{header}
		for i := range p.Items {
			rows = append(rows, p.row(i, zone))
		}
		text, err := table(rows)
		if err != nil {
			return nil, err
		}
		n := size
		if n == 0 {
			n = SampleSize(len(p.Items))
		}
		e := Entry{Population: p, File: p.Key + ".csv", Items: len(p.Items), SHA256: sumOf(text), Sample: []int{}}
		for _, i := range p.Sample(m.Seed, n) {
			e.Sample = append(e.Sample, i+1)
			sample = append(sample, append([]string{p.Key}, p.row(i, zone)...))
		}
		e.Size = len(e.Sample)
		m.Populations = append(m.Populations, e)
		files = append(files, File{e.File, text})
	}
	text, err := table(sample)
	if err != nil {
		return nil, err
	}
	files = append(files, File{"sample.csv", text})
	if text, err = json.MarshalIndent(m, "", " "); err != nil {
		return nil, err
	}
	files = append(files, File{"manifest.json", append(text, '\n')})
	var sums strings.Builder
	for _, f := range files {
		fmt.Fprintf(&sums, "%s  %s\n", sumOf(f.Text), f.Name)
	}
	return append(files, File{"SHA256SUMS", []byte(sums.String())}), nil
}

var header = []string{"number", "time", "control", "result", "who", "artefact", "detail", "criteria"}

// row is an item as it is written: its number begins with 1.
func (p *Population) row(i int, zone *time.Location) []string {
	one := p.Items[i]
	cells := []report.Cell{
		i + 1, one.At.Round(time.Millisecond), one.Control, one.Result, one.Who, one.Artefact, one.Detail,
		strings.Join(p.Criteria, " "),
	}
	row := make([]string, len(cells))
	for j, c := range cells {
		row[j] = report.Raw(c, zone)
	}
	return row
}

func table(rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	out := report.NewRows(&b)
	for _, row := range rows {
		out.Write(row...)
	}
	err := out.Flush()
	return b.Bytes(), err
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
