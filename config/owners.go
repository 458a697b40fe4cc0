package config

// Owner is a team that is notified, in addition to the priority's channels, of alerts on what it owns.
type Owner struct {
	Notify []string `yaml:"notify"`
}

var ownersSection = &section[map[string]*Owner]{
	key:      "owners",
	field:    func(p *Policy) *map[string]*Owner { return &p.Owners },
	validate: validateOwners,
}

func validateOwners(v *validator, owners map[string]*Owner) {
	for _, name := range sortedKeys(owners) {
		v.name("owners."+name, name)
		v.notified("owners."+name+".notify", owners[name].Notify)
	}
}
