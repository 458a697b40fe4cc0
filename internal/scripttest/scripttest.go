// Package scripttest runs scripts of commands and compares what they print with golden output.
package scripttest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Run runs every script of testdata/script; with update it writes what the commands print into them. Beside the
// commands of testscript they know exitcode, serve-status and replace; $PROGRAMS is the directory of the programs under
// test alone.
func Run(t *testing.T, update bool) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Setup: func(e *testscript.Env) error {
			e.Setenv("PROGRAMS", filepath.SplitList(os.Getenv("PATH"))[0])
			return nil
		},
		Dir: "testdata/script", UpdateScripts: update, RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exitcode": exitCode, "serve-status": serveStatus,
			"replace": replace,
		},
	})
}

// serveStatus starts a web server whose path is the status that it answers, such as /503, and sets $SITE to its
// address:
//
//	serve-status
func serveStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: serve-status")
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
	}))
	ts.Defer(site.Close)
	ts.Setenv("SITE", site.URL)
}

// replace replaces $NAME in a file by the variable:
//
//	replace NAME file
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: replace NAME file")
	}
	text := ts.ReadFile(args[1])
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.ReplaceAll(text, "$"+args[0], ts.Getenv(args[0]))), 0o600))
}

// exitCode runs a command and requires that it ends with the code:
//
//	exitcode 2 thorbis_exporter --no-such-flag
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode code command ...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exited, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exited.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
