package source

import (
	"context"
	"errors"
	"net/url"

	"github.com/thorbis/thorbis_exporter/collectors/procedure"
)

// Procedures returns the procedures of an exporter, each with the runs that it lists: of tasks, with who signed them,
// and of what is due about daily or less often.
func (e *Exporter) Procedures(ctx context.Context) ([]procedure.Detail, error) {
	var l struct {
		Procedures []procedure.Summary `json:"procedures"`
	}
	err := e.get(ctx, "procedures", nil, &l)
	if errors.Is(err, ErrNotFound) { // an exporter without this collector
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := make([]procedure.Detail, 0, len(l.Procedures))
	for _, p := range l.Procedures {
		var d procedure.Detail
		err := e.get(ctx, "procedures/"+url.PathEscape(p.Procedure), nil, &d)
		switch {
		case errors.Is(err, ErrNotFound): // its policy has changed meanwhile
		case err != nil:
			return nil, err
		default:
			all = append(all, d)
		}
	}
	return all, nil
}
