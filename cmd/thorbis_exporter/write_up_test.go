package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// One exporter that takes a write-up is enough. A login page to which a proxy redirects has not taken it.
func TestWriteUpCommand(t *testing.T) {
	const key = "a key of the tests' own"
	file := filepath.Join(t.TempDir(), "key")
	testkit.WriteFile(t, file, key+"\n")
	login := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer login.Close()
	var got []string
	answering := func(code int, text string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body)
			got = append(got, req.Method+" "+req.URL.Path+" "+req.Header.Get("Authorization")+" "+string(body))
			if code == http.StatusFound {
				w.Header().Set("Location", login.URL)
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, text)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	takes := answering(http.StatusNoContent, "")
	unknown := answering(http.StatusNotFound, "no incident has this ID\n")
	redirects := answering(http.StatusFound, "")
	for _, x := range []struct {
		name string
		urls []string
		code int
		want string
	}{
		{"it is taken", []string{takes + "/"}, 0, ""},
		{
			"one of two takes it",
			[]string{unknown, takes},
			0,
			"thorbis_exporter: " + unknown + ": 404 Not Found: no incident has this ID\n",
		},
		{"none takes it", []string{unknown}, 1, unknown + ": 404 Not Found: no incident has this ID\n"},
		{
			"a redirect",
			[]string{redirects},
			1,
			redirects + ": it answered 302 Found, to " + login.URL + ": write the address of what takes the report itself\n",
		},
		{
			"no address",
			[]string{"thorbis:10089"},
			1,
			"thorbis:10089: invalid address: write it like --receive.url=https://thorbis.example.com:10089\n",
		},
	} {
		got = nil
		args := []string{"write-up", "01J-0", "https://wiki.example.com/1", "--key-file=" + file}
		for _, u := range x.urls {
			args = append(args, "--receive.url="+u)
		}
		code, out, errs := call(t, args...)
		if code != x.code || out != "" || strings.TrimPrefix(errs, "thorbis_exporter: ") !=
			strings.TrimPrefix(x.want, "thorbis_exporter: ") || strings.Contains(errs, key) {
			t.Errorf("%s: %d %q %q", x.name, code, out, errs)
		}
		for _, line := range got {
			want := "POST /api/v1/incidents/01J-0/write-up Bearer " + key + ` {"link":"https://wiki.example.com/1"}`
			if line != want {
				t.Errorf("%s: %s", x.name, line)
			}
		}
	}
	code, _, errs := call(t, "write-up", "1", "https://x.example", "--receive.url="+takes, "--key-file=nowhere")
	if code != 1 || !strings.Contains(errs, "nowhere") {
		t.Errorf("no key: %d %q", code, errs)
	}
}
