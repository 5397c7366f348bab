package workerkit_test

import (
	"context"
	"errors"
	"fmt"
	"log"      //nolint:depguard // authors use it
	"log/slog" //nolint:depguard // authors use it
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/zfleet/zfleet/workerkit"
)

// The test binary is also the worker that the tests start: TEST_WORKER says which.
func TestMain(m *testing.M) {
	worker, ok := testWorkers[os.Getenv("TEST_WORKER")]
	if !ok {
		os.Exit(m.Run())
	}
	fmt.Println("printed before Main")
	workerkit.Main(workerkit.HandlerFunc(obey), append(worker, workerkit.Name("tester"), workerkit.Version("1.2.3"),
		workerkit.Description("does what the request says"))...)
}

var testWorkers = map[string][]workerkit.Option{
	"plain":     {},
	"two lanes": {workerkit.Concurrency(2)},
	"impatient": {workerkit.ShutdownGrace(50 * time.Millisecond)},
	"slow setup": {workerkit.Setup(func(context.Context) error {
		for {
			if _, err := os.Stat(os.Getenv("TEST_GATE")); err == nil {
				return nil
			}
			time.Sleep(time.Millisecond)
		}
	})},
	"broken setup": {workerkit.Setup(func(context.Context) error { return errors.New("no model at /models/x") })},
	"unhealthy":    {workerkit.Health(func(context.Context) error { return errors.New("the database is away") })},
	"panicky":      {workerkit.Health(func(context.Context) error { panic("boom") })},
	"hung health":  {workerkit.Health(func(context.Context) error { select {} })},
	"dead":         {workerkit.Alive(func(context.Context) error { return errors.New("a lock is never released") })},
	"hung alive":   {workerkit.Alive(func(context.Context) error { select {} })},
}

// early is a logger that an author made before Main.
var early = log.New(os.Stdout, "early ", 0)

// obey does what the request's first frame says.
func obey(ctx context.Context, req [][]byte) ([][]byte, error) {
	word, rest, _ := strings.Cut(string(req[0]), " ")
	switch word {
	case "hang":
		zerolog.Ctx(ctx).Info().Msg("hanging")
		select {}
	case "wait": // for a file
		zerolog.Ctx(ctx).Info().Msg("waiting")
		for {
			if _, err := os.Stat(rest); err == nil {
				return req, nil
			}
			time.Sleep(time.Millisecond)
		}
	case "fail":
		return nil, errors.New("no luck")
	case "panic":
		panic("boom")
	case "print":
		return nil, printMiB(rest)
	case "env":
		return [][]byte{[]byte(os.Getenv(rest))}, nil
	}
	return req, nil
}

// printMiB prints so many MiB in every way that Go has.
func printMiB(number string) error {
	n, err := strconv.Atoi(number)
	line := strings.Repeat("x", 1<<10-1)
	for i := range n << 10 {
		switch i % 4 {
		case 0:
			fmt.Println(line)
		case 1:
			log.Print(line)
		case 2:
			early.Print(line)
		case 3:
			slog.Info(line)
		}
	}
	return err
}
