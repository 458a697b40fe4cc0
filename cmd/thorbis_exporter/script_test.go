package main

import (
	"flag"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/scripttest"
)

var update = flag.Bool("update", false, "write the output of the commands into testdata/script")

// TestScripts runs every command as a user does and compares its output with testdata/script.
func TestScripts(t *testing.T) { scripttest.Run(t, *update) }
