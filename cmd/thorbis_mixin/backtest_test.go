package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/mixin/backtest"
)

func TestBacktestFlags(t *testing.T) {
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"success","data":[]}`))
	}))
	defer empty.Close()
	policy := "--config.file=" + filepath.Join("..", "..", "alertmanager", "testdata", "policy.yaml")
	for name, c := range map[string]struct{ flag, want string }{
		"since": {"--since=soon", "--since"},
		"chunk": {"--chunk=0s", "--chunk"},
		"load":  {"--load=2", "--load"},
		"until": {"--until=yesterday", "--until"},
		"empty": {"--since=1h", "holds none of the series"},
	} {
		for _, command := range []string{"backtest", "try"} {
			err := run([]string{command, policy, "--prometheus=" + empty.URL, c.flag}, &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v, want %q", command, name, err, c.want)
			}
		}
	}
}

// TestBacktestReaches: requests carry the credentials of a file that promtool reads too; without them the error names
// the flag.
func TestBacktestReaches(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "thorbis" || password != "secret" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"status":"success","data":[]}`))
	}))
	defer server.Close()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		testkit.WriteFile(t, path, text)
		return path
	}
	write("password", "secret\n")
	good := write("http.yaml", "basic_auth: {username: thorbis, password_file: password}\n")
	for name, c := range map[string]struct{ url, file, want string }{
		"asked":     {server.URL, good, "holds none of the series"},
		"not asked": {server.URL, "", "say who asks with --http.config.file"},
		"no file":   {server.URL, good + ".missing", "--http.config.file: "},
		"bad file":  {server.URL, write("bad.yaml", "basic_auth: {user: thorbis}\n"), "--http.config.file: "},
		"no URL":    {"prometheus:9090", "", `--prometheus: invalid URL "prometheus:9090": write it like http://`},
		"elsewhere": {server.URL, write("other.yaml", "authorization: {credentials: x}\n"), "401 Unauthorized"},
	} {
		args := []string{
			"backtest", "--config.file=" + filepath.Join("..", "..", "alertmanager", "testdata", "policy.yaml"), "--since=1h",
			"--prometheus=" + c.url,
		}
		if c.file != "" {
			args = append(args, "--http.config.file="+c.file)
		}
		err := run(args, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestProgressBar(t *testing.T) {
	var out bytes.Buffer
	from := time.Unix(0, 0)
	progressBar(&out, time.Now())(
		backtest.Progress{At: from.Add(time.Hour), From: from, To: from.Add(2 * time.Hour), Samples: 5})
	if !strings.Contains(out.String(), " 50 %  1970-01-01 01:00  5 samples") {
		t.Errorf("%q", out.String())
	}
}
