// Package evidence lists every run of a control over a time, so that an auditor can draw a sample from it.
package evidence

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Population is every run of a kind of control in a time.
type Population struct {
	// Key names its file.
	Key   string `json:"population"`
	Title string `json:"title"`
	// Criteria are those of SOC 2 that it is evidence for.
	Criteria []string `json:"criteria"`
	Items    []Item   `json:"-"`
	// Basis is what its items were read from, and what may be missing.
	Basis string `json:"basis"`
}

// Item is one run of a control.
type Item struct {
	At       time.Time
	Control  string
	Result   string
	Who      string
	Artefact string
	// Detail is what else is known, such as when an incident was acknowledged.
	Detail string
}

// item results.
const (
	resultSuccess = "success"
	resultFailure = "failure"
	resultMissed  = "missed"
)

// SampleSize is how many items are drawn where no size is asked for: all of a control that ran a few times, and 25 of
// one that runs daily or more often. It is a rule of thumb; what counts is the auditor's.
func SampleSize(items int) int {
	switch {
	case items <= 4:
		return items
	case items <= 15:
		return 4
	case items <= 60:
		return 8
	}
	return 25
}

// Sample draws a number of items and returns their places, in order. The same seed, population and items give the same
// sample.
func (p *Population) Sample(seed string, size int) []int {
	sum := sha256.Sum256([]byte(seed + "\n" + p.Key))
	random := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])))
	drawn := random.Perm(len(p.Items))
	drawn = drawn[:min(size, len(drawn))]
	slices.Sort(drawn)
	return drawn
}

// order sorts the items by time, and by what they are.
func (p *Population) order() {
	slices.SortStableFunc(p.Items, func(a, b Item) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.Control+a.Artefact+a.Result, b.Control+b.Artefact+b.Result)
	})
}

// Kinds of procedures, by words in their names.
var procedureKinds = []struct {
	words    []string
	key      string
	title    string
	criteria []string
}{
	{[]string{"access"}, "access_reviews", "Access reviews", []string{"CC6.2", "CC6.3"}},
	{
		[]string{"drill", "restore", "failover", "disaster", "recovery"},
		"drills", "Drills and recovery tests",
		[]string{"A1.3", "CC7.5"},
	},
	{
		[]string{"scan", "vulnerab", "patch", "dependenc", "pentest"},
		"scans", "Scans and patches",
		[]string{"CC7.1", "CC6.8"},
	},
	{[]string{"review", "audit", "checklist", "write-up"}, "reviews", "Reviews", []string{"CC4.1", "CC7.2"}},
	{[]string{"deploy", "release", "change"}, "changes", "Changes", []string{"CC8.1"}},
	{[]string{"vendor", "supplier"}, "vendor_reviews", "Reviews of vendors", []string{"CC9.2"}},
	{nil, "procedures", "Other procedures", []string{"A1.2", "CC7.2"}},
}

// kindOf returns the place of a procedure's kind.
func kindOf(procedure string) int {
	for i, k := range procedureKinds {
		if slices.ContainsFunc(k.words, func(word string) bool { return strings.Contains(procedure, word) }) {
			return i
		}
	}
	return len(procedureKinds) - 1
}
