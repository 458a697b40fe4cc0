package main

import (
	"flag"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/thorbis/thorbis_exporter/internal/scripttest"
)

var update = flag.Bool("update", false, "write the output of the commands into testdata/script")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"thorbis_mixin": main})
}

// TestScripts runs every command as a user does and compares its output with testdata/script.
func TestScripts(t *testing.T) { scripttest.Run(t, *update) }
