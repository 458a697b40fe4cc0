package report

// Source is something that was read for a report.
type Source struct {
	Kind    string `json:"kind"` // exporter, state directory or Prometheus
	Address string `json:"address"`
	// Location and PolicyHash are the exporter's own.
	Location   string `json:"location,omitempty"`
	PolicyHash string `json:"policy_sha256,omitempty"`
	Version    string `json:"version,omitempty"`
	Note       string `json:"note,omitempty"`
}

// SourceSection lists what was read for a report below a text.
func SourceSection(key, title string, all []Source, text ...string) Section {
	s := Section{
		Key: key, Title: title, Text: text,
		Table: &Table{Columns: []Column{
			{Key: "kind", Title: "Source"},
			{Key: "address", Title: "Address"},
			{Key: "location", Title: "Location"},
			{Key: "policy_sha256", Title: "Policy"},
			{Key: "note", Title: "Note"},
		}},
	}
	for _, one := range all {
		s.Table.Rows = append(s.Table.Rows, []Cell{one.Kind, one.Address, one.Location, one.PolicyHash, one.Note})
	}
	return s
}
