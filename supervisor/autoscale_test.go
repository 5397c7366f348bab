package supervisor

import (
	"strings"
	"testing"
)

func TestAnOperatorsNumberHoldsAgainstAutoscaling(t *testing.T) {
	hello := service("hello", 1)
	hello.Autoscale.Max = 8
	inBubble(t, services(hello), func(t *testing.T, b *bench) {
		auto := func(want, now int) {
			t.Helper()
			if got, err := b.Autoscale(t.Context(), "hello", want, "wait 120ms > 50ms"); err != nil || got != now {
				t.Errorf("autoscaling to %d came to %d, %v, want %d", want, got, err, now)
			}
		}
		auto(2, 2)
		b.next()
		if want, err := b.Scale(t.Context(), "hello", "", to(3)); err != nil || want != 3 {
			t.Errorf("Scale = %d, %v", want, err)
		}
		b.next()
		auto(1, 3)
		view, err := b.View(t.Context())
		if err != nil || !view.Services[0].Auto.Held {
			t.Errorf("View = %+v, %v", view, err)
		}
		if want, err := b.Auto(t.Context(), "", "uid 1000"); err != nil || want != 3 {
			t.Errorf("Auto = %d, %v", want, err)
		}
		auto(4, 4)
		b.next()
	})
}

func TestAutoNeedsAutoscaling(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		if _, err := b.Auto(t.Context(), "hello", ""); err == nil || !strings.Contains(err.Error(), "[service.hello.autoscale]") {
			t.Errorf("Auto = %v", err)
		}
		if _, err := b.Auto(t.Context(), "helo", ""); err == nil || !strings.Contains(err.Error(), "it has hello") {
			t.Errorf("Auto = %v", err)
		}
		if want, err := b.Autoscale(t.Context(), "hello", 3, "nonsense"); err != nil || want != 1 {
			t.Errorf("Autoscale = %d, %v", want, err)
		}
	})
}
