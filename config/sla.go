package config

// SLA is the contract with the customers. It counts by calendar month without maintenance, apart from the objectives,
// which are internal and roll.
type SLA struct {
	Availability Ratio `yaml:"availability"`
}

var slaSection = &section[SLA]{
	key:   "sla",
	field: func(p *Policy) *SLA { return &p.SLA },
}
