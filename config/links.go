package config

// Links are the addresses that pages point to.
type Links struct {
	Grafana  string `yaml:"grafana"`
	Runbooks string `yaml:"runbooks"`
}

var linksSection = &section[Links]{
	key:   "links",
	field: func(p *Policy) *Links { return &p.Links },
	defaults: func() Links {
		return Links{Runbooks: "https://github.com/thorbis/thorbis_exporter/blob/main/docs/runbooks"}
	},
}
