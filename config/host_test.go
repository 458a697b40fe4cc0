package config

import (
	"strings"
	"testing"
)

func TestHostErrorsNameTheCure(t *testing.T) {
	errorsAt(t, "host: {", "}", [][2]string{
		{"interval: 1ms", `host.interval: invalid duration "1ms": write 1s to 5m`},
		{"processes: [{match: x}]", "host.processes[0].name: missing name"},
		{"processes: [{name: a}]", "host.processes[0]: missing match: write the command's name as ps -o comm shows it"},
		{"processes: [{name: a, match: '('}]", `invalid regular expression "("`},
		{"processes: [{name: a, match: x}, {name: a, match: y}]", "host.processes[1].name"},
		{
			"processes: [" + strings.Repeat("{name: a, match: x}, ", maxProcesses) + "{}]",
			"too many processes (51): write at most 50",
		},
	})
}
