package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/config"
)

// autoFormat is the value of --format by which the format of a file is found by trying.
const autoFormat = "auto"

// findFormat returns the format that reads the most lines of the beginning of a file, and of several the one that finds
// the most in them, and writes what it found. It is an error if none reads a line, or if two find as much.
func findFormat(name string, out io.Writer) (string, error) {
	if name == stdin {
		return "", errors.New("--format=auto: standard input is read once only: name the format, or a file")
	}
	sample, err := source.FirstLines(name)
	if err != nil {
		return "", err
	}
	var trials []source.Trial
	for _, f := range config.LogFormats {
		if f.Keys == config.KeysNamed {
			continue
		}
		trial, err := source.Try(sample, decode.Options{Format: f.Name})
		if err != nil {
			return "", err
		}
		if trial.Counted > 0 {
			trials = append(trials, trial)
		}
	}
	if len(trials) == 0 {
		return "", fmt.Errorf("--format=auto: no format reads one of the first %d lines of %s: it may be json with keys of "+
			"its own (--format=json --field=status=KEY)", len(sample), name)
	}
	slices.SortStableFunc(trials, func(a, b source.Trial) int { return compareTrials(b, a) })
	best := trials[0]
	var same, also []string
	for _, t := range trials[1:] {
		switch {
		case compareTrials(t, best) == 0:
			same = append(same, t.Format)
		case t.Counted == best.Counted:
			also = append(also, t.Format)
		}
	}
	if len(same) > 0 {
		return "", fmt.Errorf("--format=auto: ambiguous: %s read %d of the first %d lines of %s alike: "+
			"choose one with --format", strings.Join(append([]string{best.Format}, same...), " and "), best.Counted,
			len(sample), name)
	}
	_, _ = fmt.Fprintf(out, "%s: %s\n", name, describe(&best, len(sample), also))
	return best.Format, nil
}

// compareTrials orders trials by how many lines were read, and then by what was found in them. The format combined is
// less than others that are as good: they require more of a line.
func compareTrials(a, b source.Trial) int {
	general := func(t source.Trial) int {
		if t.Format == "combined" {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.Counted, b.Counted), cmp.Compare(a.Hosts, b.Hosts), cmp.Compare(b.Odd, a.Odd),
		cmp.Compare(a.Durations, b.Durations), cmp.Compare(a.Times, b.Times), cmp.Compare(a.Sizes, b.Sizes),
		cmp.Compare(a.Ignored, b.Ignored), cmp.Compare(general(a), general(b)))
}

// describe says how much of a sample a format read, and what it found.
func describe(t *source.Trial, lines int, also []string) string {
	var has, lacks []string
	for _, part := range []struct {
		name string
		n    int
	}{{"hosts", t.Hosts}, {"durations", t.Durations}, {"times", t.Times}, {"bytes", t.Sizes}} {
		if part.n > 0 {
			has = append(has, part.name)
		} else {
			lacks = append(lacks, part.name)
		}
	}
	text := fmt.Sprintf("the format is %s: %d of the first %d lines are requests", t.Format, t.Counted, lines)
	if t.Ignored > 0 {
		text += fmt.Sprintf(", %d are others", t.Ignored)
	}
	if len(has) > 0 {
		text += ", with " + strings.Join(has, ", ")
	}
	if len(lacks) > 0 {
		text += ", without " + strings.Join(lacks, ", ")
	}
	if len(also) > 0 {
		text += "; also read, with less found in them, by " + strings.Join(also, ", ")
	}
	return text
}
