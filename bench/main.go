// Command bench measures the programs side by side with their alternatives, in one run each, and prints a
// line for every figure. docs/benchmarks.md records what it printed and on which machine.
//
// A line is eight fields separated by tabs: benchmark, figure, value, unit, what it is compared to, the
// ratio of the two (ours divided by theirs; - where nothing is compared), the target, and met or missed.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// benchmark measures one thing. Each has a file of its own, which registers it.
type benchmark struct {
	name string
	run  func(ctx context.Context, r *report) error
}

var benchmarks []benchmark

func register(name string, run func(ctx context.Context, r *report) error) struct{} {
	benchmarks = append(benchmarks, benchmark{name, run})
	return struct{}{}
}

// report prints the figures of one benchmark.
type report struct {
	name string
	out  io.Writer
}

// figure is one measured number.
type figure struct {
	name  string
	value float64
	unit  string
	// against names what the value is compared to and ratio is ours divided by theirs; empty and 0 for none.
	against string
	ratio   float64
	// target is what was to be reached, in words, and met whether it was; empty for a figure without target.
	target string
	met    bool
}

func (r *report) add(f figure) {
	ratio, against, target, verdict := "-", "-", "-", "-"
	if f.against != "" {
		against, ratio = f.against, fmt.Sprintf("%.3g", f.ratio)
	}
	if f.target != "" {
		target, verdict = f.target, "missed"
		if f.met {
			verdict = "met"
		}
	}
	fmt.Fprintln(r.out,
		strings.Join([]string{r.name, f.name, fmt.Sprintf("%.4g", f.value), f.unit, against, ratio, target, verdict}, "\t"))
}

// say reports progress on standard error, so that standard output stays a table.
func (*report) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench  "+format+"\n", args...)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if port := os.Getenv(kafkaPort); port != "" {
		if err := serveKafka(ctx, port); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	pattern := "."
	if len(os.Args) > 1 {
		pattern = os.Args[1]
	}
	if err := run(ctx, pattern, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run runs the benchmarks whose names match, in alphabetical order.
func run(ctx context.Context, pattern string, out io.Writer) error {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	slices.SortFunc(benchmarks, func(a, b benchmark) int { return strings.Compare(a.name, b.name) })
	found := false
	for _, b := range benchmarks {
		if !re.MatchString(b.name) {
			continue
		}
		found = true
		if err := b.run(ctx, &report{name: b.name, out: out}); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	if !found {
		return fmt.Errorf("no benchmark matches %q", pattern)
	}
	return nil
}
