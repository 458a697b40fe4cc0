package health

import (
	"log/slog"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// A reload takes away nothing that was found of references: neither a loss, nor a death, nor the way to one.
func TestReloadKeepsWhatReferencesShowed(t *testing.T) {
	p := policy(t, referring("http://127.0.0.1:1", deadReference, "http://127.0.0.2:1", "http://127.0.0.3:1"), "")
	make := func() *reference {
		r, err := newReference(p, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	now := time.Now()
	old := make()
	old.targets.reached(elsewhere, now.Add(-time.Second))
	dead, dying, good := old.targets.members[0], old.targets.members[1], old.targets.members[2]
	for i := range deadAfter + 1 {
		old.targets.note(dead, metric.ResultFailure, now.Add(time.Duration(i-10)*time.Second))
		old.targets.reached(elsewhere, now.Add(time.Duration(i-10)*time.Second+time.Millisecond))
	}
	old.targets.note(dying, metric.ResultSuccess, now.Add(-6*time.Second))
	old.targets.note(dying, metric.ResultFailure, now.Add(-5*time.Second))
	old.targets.note(dying, metric.ResultFailure, now.Add(-4*time.Second))
	old.targets.note(good, metric.ResultSuccess, now.Add(-3*time.Second))
	old.targets.asked, old.targets.lost = now, true
	upBefore, deadBefore := old.targets.works()
	if upBefore != 0 || deadBefore != 1 || dying.proofs == 0 {
		t.Fatalf("up %v, dead %v, %d proofs", upBefore, deadBefore, dying.proofs)
	}

	again := make()
	again.carry(old, map[string]time.Time{dead.key: now.Add(-time.Minute)}, now)
	if up, dead := again.targets.works(); up != upBefore || dead != deadBefore {
		t.Errorf("after a reload: up %v, dead %v", up, dead)
	}
	if got := again.targets.members[1].proofs; got != dying.proofs {
		t.Errorf("%d proofs after a reload, %d before", got, dying.proofs)
	}
	if !again.targets.members[2].trusted() || again.targets.answered != old.targets.answered {
		t.Error("what answered before a reload is not relied on")
	}

	// With a member that was never asked all are asked anew.
	old.targets.members = old.targets.members[:2]
	more := make()
	more.carry(old, nil, now)
	if up, dead := more.targets.works(); up != 1 || dead != deadBefore || !more.targets.asked.IsZero() {
		t.Errorf("with one more reference: up %v, dead %v", up, dead)
	}
}
