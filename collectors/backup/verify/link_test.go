package verify

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Verifications and restore tests are heavy and run with rights of their own: a command makes them, the server cannot.
func TestServerDoesNotLinkThisPackage(t *testing.T) {
	const module, this = "github.com/thorbis/thorbis_exporter/",
		"github.com/thorbis/thorbis_exporter/collectors/backup/verify"
	list := func(args ...string) []string {
		t.Helper()
		command := exec.Command("go", append([]string{"list"}, args...)...)
		command.Dir = "../../.."
		out, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	server := list("-deps", "./exporter")
	if !slices.Contains(server, module+"collectors/backup") {
		t.Fatalf("the server does not link the collector: %q", server)
	}
	if slices.Contains(server, this) {
		t.Error("package exporter links package verify")
	}
	for _, line := range list("-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		fields := strings.Fields(line)
		if slices.Contains(fields[1:], this) && fields[0] != module+"cmd/thorbis_exporter" {
			t.Errorf("%s imports package verify; only the command does", fields[0])
		}
	}
}
