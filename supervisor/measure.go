package supervisor

import (
	"context"
	"sync"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// measureEvery is how often workers are measured. A limit is overstepped by what a worker does in that time.
const measureEvery = time.Second

// measurers are the goroutines beside the loop that measure the services, one each.
type measurers struct {
	ctx  context.Context
	end  context.CancelFunc
	busy sync.WaitGroup
	of   map[string]measurer // by service, also of those that are gone
}

type measurer struct {
	end   context.CancelFunc
	ended context.Context
}

func newMeasurers() *measurers {
	m := &measurers{of: map[string]measurer{}}
	m.ctx, m.end = context.WithCancel(context.Background())
	return m
}

// begin measures a service until stop. One that was measured before is first let go.
func (m *measurers) begin(service string, measure func(ctx context.Context, service string)) {
	before, again := m.of[service]
	ctx, end := context.WithCancel(m.ctx)
	ended, over := context.WithCancel(context.Background())
	m.of[service] = measurer{end, ended}
	m.busy.Go(func() {
		defer over()
		if again {
			<-before.ended.Done()
		}
		measure(ctx, service)
	})
}

func (m *measurers) stop(service string) {
	if of, ok := m.of[service]; ok {
		of.end()
	}
}

// close stops all, and waits for them.
func (m *measurers) close() {
	m.end()
	m.busy.Wait()
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
		svc, err := s.find(service)
		if err != nil { // it has just been removed
			return
		}
		if workers := s.launcher.Measure(ctx, svc); len(workers) > 0 {
			s.tell(fleet.Measured{Service: service, Workers: workers})
		}
	}
}
