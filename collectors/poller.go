package collectors

import (
	"context"
	"time"
)

// Poll is something outside that is asked at an interval: a server, a program, a file.
type Poll struct {
	// Part names it in the group.
	Part     string
	Interval time.Duration
	// Delay comes before the first round, to spread the rounds of many.
	Delay time.Duration
	// Timeout bounds a round; 0 leaves that to the round.
	Timeout time.Duration
	// Round asks once. It exposes what it learns, and takes back what it could not learn.
	Round func(ctx context.Context) error
	// Forget takes back what the last round exposed, because a round has panicked; nil if rounds expose nothing.
	Forget func()
	// Close gives back what rounds have kept open; nil if that is nothing.
	Close func()
}

// Poll runs the rounds of p until the group's context ends, each at its interval from the first. A round that takes
// longer is followed by the next at once; rounds never overlap. One that is cut short by the end reports nothing.
func (g *Group) Poll(p Poll) {
	report := g.Report(p.Part)
	g.Go(p.Part, func(ctx context.Context) error {
		if p.Close != nil {
			defer p.Close()
		}
		if !Pause(ctx, p.Delay) {
			return nil
		}
		tick := time.NewTicker(p.Interval)
		defer tick.Stop()
		for {
			start := time.Now()
			err := Guard(func() error { return p.round(ctx) })
			if ctx.Err() != nil {
				return nil
			}
			if ReasonOf(err) == ReasonPanic {
				LogPanic(g.logger, err)
				if p.Forget != nil {
					p.Forget()
				}
			}
			report(err, time.Since(start))
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
}

func (p *Poll) round(ctx context.Context) error {
	if p.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Timeout)
		defer cancel()
	}
	return p.Round(ctx)
}
