package supervisor

import (
	"context"
	"sync"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// measureEvery is how often workers are measured. A limit is overstepped by what a worker does in that time.
const measureEvery = time.Second

// startMeasuring measures all services beside the loop until end is called, which waits for it.
func (s *Supervisor) startMeasuring() (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	for _, svc := range *s.services.Load() {
		busy.Go(func() { s.measure(ctx, svc.Name) })
	}
	return func() { cancel(); busy.Wait() }
}

func (s *Supervisor) measure(ctx context.Context, service string) {
	ticker := time.NewTicker(measureEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if workers := s.launcher.Measure(ctx, s.spec(service)); len(workers) > 0 {
			s.tell(fleet.Measured{Service: service, Workers: workers})
		}
	}
}
