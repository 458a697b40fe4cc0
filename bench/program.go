package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// program is a child process whose own use of CPU and memory is measured.
type program struct {
	cmd *exec.Cmd
	log string
}

// launch starts a program of which the log is kept in dir. stop ends it.
func launch(dir, path string, args ...string) (*program, error) {
	p := &program{cmd: exec.Command(path, args...), log: filepath.Join(dir, filepath.Base(path)+".log")}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s does not start: %w", path, err)
	}
	return p, nil
}

func (p *program) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait()
}

// ready waits until a page answers 200.
func (p *program) ready(ctx context.Context, url string) error {
	for range 300 {
		if _, err := fetch(ctx, url); err == nil {
			return nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	text, _ := os.ReadFile(p.log)
	return fmt.Errorf("%s is not ready; it said:\n%s", p.cmd.Path, text)
}

// cpu is the processor time that the process has used, of user and kernel, to the kernel's 10 ms.
func (p *program) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may hold spaces. utime and stime are fields 14 and 15 of proc(5).
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const ticksPerSecond = 100 // USER_HZ of every Linux that Go runs on
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// rss is the memory in bytes that the process holds now.
func (p *program) rss() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	return pages * float64(os.Getpagesize()), err
}

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}

// fetch gets a page whole.
func fetch(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s: %.200s", url, resp.Status, text)
	}
	return string(text), err
}

// total sums the samples of a metric in a page of the text format.
func total(page, name string) float64 {
	sum := 0.0
	for line := range strings.Lines(page) {
		series, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if end := strings.IndexByte(series, '{'); end >= 0 {
			series, value = line[:end], line[strings.LastIndexByte(line, ' ')+1:]
		}
		if ok && series == name {
			v, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
			sum += v
		}
	}
	return sum
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// bin is a program that make build or make tools has built.
func bin(name string) string {
	dir := os.Getenv("THORBIS_BIN")
	if dir == "" {
		dir = "bin"
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		return name
	}
	return path
}
