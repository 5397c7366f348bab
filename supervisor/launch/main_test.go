package launch

import (
	"fmt"
	"os"
	"testing"
)

// The test binary is every process that the tests need. As the zfleet binary it is called with the command proxy or guard, see
// Options.Self; as a plain command its first argument is one of these too; as a plugin, which has no arguments, modeVariable names one.
const modeVariable = "LAUNCH_TEST_MODE"

func TestMain(m *testing.M) {
	// A helper with the race detector would sleep for a second at its exit.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		fail(err)
	}
	modes := map[string]func(){
		GuardCommand: guardMain,
		"proxy":      proxyMain,
		"supervisor": supervisorMain,
		"heir":       heirMain,
		"parent":     parentMain,
		"stranger":   strangerMain,
		"command":    commandMain,
		"report":     reportMain,
		"daemon":     daemonMain,
		"stubborn":   stubbornMain,
		"plugin":     pluginMain,
	}
	mode := os.Getenv(modeVariable)
	if mode == "" && len(os.Args) > 1 {
		mode = os.Args[1]
	}
	if main, ok := modes[mode]; ok {
		main()
		os.Exit(0)
	}
	if misbehave, ok := misbehaviours[mode]; ok {
		misbehave()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func guardMain() {
	if err := Guard(os.Stdin); err != nil {
		fail(err)
	}
}

// fail ends a helper process that cannot do its part.
func fail(err error) {
	fmt.Fprintln(os.Stderr, "helper process:", err)
	os.Exit(99)
}
