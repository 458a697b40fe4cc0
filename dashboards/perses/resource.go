package perses

// The kinds of resources and of their parts, as Perses calls them.
const (
	KindDashboard = "Dashboard"
	KindProject   = "Project"
	kindGrid      = "Grid"
	kindPanel     = "Panel"
	kindList      = "ListVariable"
	kindQuery     = "TimeSeriesQuery"
)

// Resource is a whole object of the API of Perses.
type Resource struct {
	Kind     string   `json:"kind"`
	Metadata Metadata `json:"metadata"`
	Spec     any      `json:"spec"`
}

// Metadata names a resource, and the project to which it belongs. A project belongs to none.
type Metadata struct {
	Name    string `json:"name"`
	Project string `json:"project,omitempty"`
}

// Display is what a viewer reads about a thing.
type Display struct {
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
}

// Spec is a dashboard.
type Spec struct {
	Display   Display    `json:"display"`
	Variables []variable `json:"variables"`
	// Panels are named by the layouts.
	Panels  map[string]panel `json:"panels"`
	Layouts []layout         `json:"layouts"`
	// Duration is the range of time that is shown at first, like 6h.
	Duration        string `json:"duration"`
	RefreshInterval string `json:"refreshInterval,omitempty"`
	Links           []link `json:"links,omitempty"`
}

// plugin is a part whose fields its kind defines.
type plugin struct {
	Kind string `json:"kind"`
	Spec any    `json:"spec"`
}

// kinded is a part of one of several kinds.
type kinded[T any] struct {
	Kind string `json:"kind"`
	Spec T      `json:"spec"`
}

type (
	variable = kinded[listSpec]
	panel    = kinded[panelSpec]
	layout   = kinded[gridSpec]
	query    = kinded[querySpec]
)

type listSpec struct {
	Name           string  `json:"name"`
	Display        Display `json:"display"`
	AllowAllValue  bool    `json:"allowAllValue"`
	AllowMultiple  bool    `json:"allowMultiple"`
	CustomAllValue string  `json:"customAllValue,omitempty"`
	DefaultValue   string  `json:"defaultValue,omitempty"`
	Sort           string  `json:"sort,omitempty"`
	Plugin         plugin  `json:"plugin"`
}

type panelSpec struct {
	Display Display `json:"display"`
	Plugin  plugin  `json:"plugin"`
	Queries []query `json:"queries"`
	Links   []link  `json:"links,omitempty"`
}

type querySpec struct {
	Plugin plugin `json:"plugin"`
}

type link struct {
	Name            string `json:"name"`
	URL             string `json:"url"`
	RenderVariables bool   `json:"renderVariables"`
}

type gridSpec struct {
	Display *gridDisplay `json:"display,omitempty"`
	Items   []gridItem   `json:"items"`
}

type gridDisplay struct {
	Title    string   `json:"title"`
	Collapse collapse `json:"collapse"`
}

type collapse struct {
	Open bool `json:"open"`
}

// gridItem places a panel on a grid of 24 columns, from the line below the heading on.
type gridItem struct {
	X       int       `json:"x"`
	Y       int       `json:"y"`
	Width   int       `json:"width"`
	Height  int       `json:"height"`
	Content reference `json:"content"`
}

type reference struct {
	Ref string `json:"$ref"`
}
