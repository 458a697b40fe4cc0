package config

import (
	"fmt"
	"time"
)

// WriteUps says which incidents are to be written up. Without the section none is.
type WriteUps struct {
	// Within is how long after its end an incident is to be written up.
	Within     Duration `yaml:"within"`
	Priorities []string `yaml:"priorities"`
}

// WriteUps returns the section on write-ups, nil if the policy has none.
func (p *Policy) WriteUps() *WriteUps { return *writeUpsSection.of(p) }

var writeUpsSection = &section[*WriteUps]{
	key: "write_ups",
	inherit: func(_ *Policy, w **WriteUps) {
		if (*w).Within == 0 {
			(*w).Within = Duration(24 * time.Hour)
		}
		if (*w).Priorities == nil {
			(*w).Priorities = []string{"P1", "P2"}
		}
	},
	validate: validateWriteUps,
}

func validateWriteUps(v *validator, w *WriteUps) {
	v.between("write_ups.within", w.Within, Duration(time.Minute), Duration(90*24*time.Hour))
	seen := map[string]bool{}
	for i, p := range w.Priorities {
		path := fmt.Sprintf("write_ups.priorities[%d]", i)
		v.page(path, p)
		v.unique(path, p, seen)
	}
	if len(v.policy.People()) == 0 {
		v.failAt("write_ups", "no person can write up an incident: write procedures.people: "+
			"[{name: ada, key: {file: /etc/thorbis/keys/ada}}]")
	}
	if len(v.policy.Alertmanagers) == 0 {
		v.failAt("write_ups", "missing alertmanagers, from which the exporter reads incidents")
	}
}
