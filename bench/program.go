package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/loopback"
)

// program is a child process whose own use of CPU and memory is measured.
type program struct {
	cmd *exec.Cmd
	log string
	url string // of its web server, if serve started it
}

// exporter starts ours on a policy in a directory of its own and waits until it is ready.
func exporter(ctx context.Context, dir, policy string, args ...string) (*program, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "thorbis.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nchannels: {deadman: none}\n"+policy), 0o600); err != nil {
		return nil, err
	}
	return serve(ctx, dir, bin("thorbis_exporter"), "/-/ready",
		append([]string{"--config.file=" + file, "--storage.path=" + filepath.Join(dir, "data")}, args...)...)
}

// serve starts a program that serves metrics, on an address of its own, and waits until a page answers.
func serve(ctx context.Context, dir, path, page string, args ...string) (*program, error) {
	address, err := loopback.FreeAddress()
	if err != nil {
		return nil, err
	}
	p, err := launch(dir, path, append(args, "--web.listen-address="+address, "--log.level=error")...)
	if err != nil {
		return nil, err
	}
	p.url = "http://" + address
	if err := p.ready(ctx, p.url+page); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// cpuOf measures the processor time that programs use while something happens.
func cpuOf(happens func() error, programs ...*program) ([]time.Duration, error) {
	used := make([]time.Duration, len(programs))
	add := func(sign time.Duration) error {
		for i, p := range programs {
			t, err := p.cpu()
			if err != nil {
				return err
			}
			used[i] += sign * t
		}
		return nil
	}
	if err := add(-1); err != nil {
		return nil, err
	}
	if err := happens(); err != nil {
		return nil, err
	}
	return used, add(1)
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

// peakRSS is the most memory in bytes that the process ever held: VmHWM of proc(5).
func (p *program) peakRSS() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kibibytes, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kibibytes * 1024, err
		}
	}
	return 0, errors.New("/proc has no VmHWM")
}

var client = &http.Client{
	Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
}

// fetch gets a page whole.
func fetch(ctx context.Context, url string) (string, error) {
	var page bytes.Buffer
	err := fetchInto(ctx, url, &page)
	return page.String(), err
}

func fetchInto(ctx context.Context, url string, page *bytes.Buffer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = page.ReadFrom(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s: %.200s", url, resp.Status, page.Bytes())
	}
	return err
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
