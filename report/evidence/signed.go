package evidence

import (
	"context"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/procedure"
)

// reportOfProcedure is the artefact of a run that has no link.
const reportOfProcedure = "report of the procedure"

// listed are the runs within the time that the exporters list, by procedure and in order, each once.
func (c *collection) listed(ctx context.Context) (map[string][]procedure.EndedRun, error) {
	all := map[string][]procedure.EndedRun{}
	for _, e := range c.Exporters {
		procedures, err := e.Procedures(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range procedures {
			for _, r := range p.Runs {
				if r.At.Before(c.From) || !r.At.Before(c.To) || lists(all[p.Procedure], r.At, r.Result) {
					continue
				}
				all[p.Procedure] = append(all[p.Procedure], r)
			}
		}
	}
	return all, nil
}

// lists reports whether a run is among others: one report may reach two exporters.
func lists(runs []procedure.EndedRun, at time.Time, result string) bool {
	return slices.ContainsFunc(runs, func(r procedure.EndedRun) bool {
		return r.Result == result && r.At.Sub(at).Abs() < time.Second
	})
}

// signed is a run that an exporter lists. Who is the person that signed it, else the owner of the procedure.
func signed(name, owner string, r procedure.EndedRun) Item {
	item := Item{At: r.At, Control: name, Result: r.Result, Who: owner, Artefact: reportOfProcedure, Detail: r.Note}
	if r.By != "" {
		item.Who, item.Artefact = r.By, "signature of "+r.By
	}
	if r.Link != "" {
		item.Artefact = r.Link
	}
	return item
}

// signers notes where signatures are missing because no exporter was read.
func (c *collection) signers(context.Context) error {
	if len(c.Exporters) > 0 {
		return nil
	}
	signs := c.Policy.WriteUps() != nil
	if p := c.Policy.Procedures(); p != nil {
		for _, e := range p.Expected {
			signs = signs || e.Task != nil
		}
	}
	if signs {
		c.defects = append(c.defects, "No exporter was read: who signed tasks and wrote up incidents is not listed. "+
			"Write --exporter.url.")
	}
	return nil
}
