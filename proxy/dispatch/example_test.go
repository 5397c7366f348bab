package dispatch_test

import (
	"fmt"
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// A request arrives, its worker dies, and another one answers it.
func Example() {
	d := dispatch.New[string](dispatch.Config{})
	client, first := d.Join(), d.Up()
	client.Data, first.Data = "alice", "hello/0#1"

	var now time.Duration
	act := func() (token dispatch.Token) {
		for a, ok := d.Next(now); ok; a, ok = d.Next(now) {
			if a.Kind == dispatch.Deliver {
				fmt.Printf("send %q to %v\n", a.Message, a.Lane.Data)
				token = a.Token
			}
		}
		return token
	}

	d.Request(now, client, "Hello", len("Hello"))
	act()

	now += 3 * time.Millisecond
	d.Lost(now, first)
	second := d.Up()
	second.Data = "hello/1#1"
	token := act()

	now += time.Millisecond
	c, message, ok := d.Reply(now, second, token)
	fmt.Printf("the reply to %q is for %v: %t\n", message, c.Data, ok)
	// Output:
	// send "Hello" to hello/0#1
	// send "Hello" to hello/1#1
	// the reply to "Hello" is for alice: true
}
