package config

// Tier is a class of tenants with the same objectives.
type Tier struct {
	// Page is the priority at which the tier's pool pages, TenantPage that of one tenant of it alone.
	Page       string `yaml:"page"`
	TenantPage string `yaml:"tenant_page"`
	// Availability overrides the policy's objective; the zero Ratio does not.
	Availability Ratio `yaml:"availability"`
	Pool         Pool  `yaml:"pool"`
}

// Pool is how many tenants of a tier must be affected before the tier as a whole counts as affected.
type Pool struct {
	Tenants int `yaml:"tenants"`
}

var tiersSection = &section[map[string]*Tier]{
	key:      "tiers",
	field:    func(p *Policy) *map[string]*Tier { return &p.Tiers },
	inherit:  inheritTiers,
	validate: validateTiers,
}

func inheritTiers(_ *Policy, tiers *map[string]*Tier) {
	for _, t := range *tiers {
		if t.Page == "" {
			t.Page = "P2"
		}
		if t.TenantPage == "" {
			t.TenantPage = "P4"
		}
		if t.Pool.Tenants == 0 {
			t.Pool.Tenants = 2
		}
	}
}

func validateTiers(v *validator, tiers map[string]*Tier) {
	for _, name := range sortedKeys(tiers) {
		t, path := tiers[name], "tiers."+name
		v.name(path, name)
		v.page(path+".page", t.Page)
		v.page(path+".tenant_page", t.TenantPage)
		v.canFire(path+".availability", t.Availability)
		if t.Pool.Tenants < 1 {
			v.failAt(path+".pool.tenants", "invalid number \"%d\": write 1 or more", t.Pool.Tenants)
		}
	}
}
