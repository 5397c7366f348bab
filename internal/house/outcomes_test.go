package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// outcome is a row of a table in docs/delivery.md, by its first cell, and the tests that show it: what the client sees, and what the
// operator sees. A test is named by its folder and its name.
type outcome struct {
	row   string
	tests []string
}

var outcomes = []outcome{
	{"nothing", []string{"e2e.TestAnswered"}},
	{"its worker dies before it has answered: killed, crashed, hung up, machine gone (once the connection says so)",
		[]string{"e2e.TestWorkerDiesBeforeItAnswers", "e2e.TestWorkersKilled",
			"e2e.TestForeignWorkerKilled", "proxy/conformance.TestWorkerLeavesHoldingRequests"}},
	{"its worker dies after it sent the reply",
		[]string{"e2e.TestWorkerDiesAfterItAnswered", "proxy/conformance.TestWorkerAnswersAndDies"}},
	{"its worker stands still, or its machine is gone: silent for `heartbeat_timeout` (10 s)",
		[]string{"e2e.TestForeignWorkerStopped", "e2e.TestWorkerStopped", "proxy.TestWhoIsSentHeartbeats"}},
	{"its worker takes longer than `timeout` (none by default)", []string{"e2e.TestWorkerTakesTooLong"}},
	{"the same, and zfleet did not start that worker",
		[]string{"e2e.TestForeignWorkerTakesTooLong", "proxy/conformance.TestHungWorkerBesideABusyOne"}},
	{"its worker answers it with an error, or slowly, as no other worker does, and has done so before", []string{"e2e.TestWorkersThatAreFarWorse"}},
	{"works as others do", []string{"proxy.TestWhoIsNotEjected"}},
	{"has half as much against it as ejects one: doubtful", []string{"proxy/dispatch.TestScripts", "proxy.TestFailingWorkerIsEjected"}},
	{"fails: ten errors more than good answers, or two timeouts, and not so the others",
		[]string{"proxy.TestFailingWorkerIsEjected", "e2e.TestWorkersThatAreFarWorse"}},
	{"is slow: twenty more answers than not that took eight times as long as others take for most requests, and a millisecond at least",
		[]string{"proxy.TestSlowWorkerIsEjected", "e2e.TestWorkersThatAreFarWorse"}},
	{"has served its time", []string{"proxy/dispatch.TestScripts", "e2e.TestWorkersThatAreFarWorse"}},
	{"its worker sends back no reply to it, but another envelope, or nothing behind it",
		[]string{"e2e.TestWorkerAnswersNothing", "proxy/conformance.TestRepliesInAnotherEnvelope"}},
	{"`attempts` workers (3) died or took too long while it was the oldest at them",
		[]string{"e2e.TestAttemptsUsedUp", "e2e.TestPoison", "e2e.TestRequestThatHangsWorkers",
			"proxy/conformance.TestOnlyTheOldestIsCharged"}},
	{"it is not answered within `deadline` (none by default) of its arrival",
		[]string{"e2e.TestRequestPastItsDeadline", "e2e.TestNoReplyAfterTheDeadline"}},
	{"its worker dies or takes longer than `timeout`, and `redeliver` is `never`",
		[]string{"e2e.TestRequestThatKillsOnce", "e2e.TestRequestThatHangsOnce", "proxy.TestDeadLetterOnce"}},
	{"the handler of a plugin returns an error, or panics", []string{"e2e.TestHandlerFails"}},
	{"its worker says that it is not ready", []string{"e2e.TestWorkerNotReady", "proxy.TestHold"}},
	{"its worker says that it is not alive, or does not answer that question",
		[]string{"e2e.TestWorkerNotAlive", "e2e.TestSilentWorkersAreKilledOneAtATime"}},
	{"all workers say that they are not ready", []string{"e2e.TestNoWorkerReady"}},
	{"a worker hangs that has nothing to do (`probe`)",
		[]string{"e2e.TestIdleCommandThatHangs", "e2e.TestCommandThatAnswersItsProbesWrong", "proxy.TestProbe", "proxy.TestProbeLeavesTheBusyAlone"}},
	{"one that zfleet did not start hangs, and has nothing to do (`probe`)", []string{"e2e.TestForeignWorkerThatFailsItsProbes"}},
	{"no worker is there", []string{"e2e.TestNoWorker"}},
	{"the queue is full (`queue`, `queue_bytes`)", []string{"e2e.TestFullQueueBlocks"}},
	{"the queue is full, and `overflow` is `reject`", []string{"e2e.TestFullQueueRejects"}},
	{"the client goes away while it waits", []string{"e2e.TestClientLeavesWhileItWaits"}},
	{"the client goes away while a worker has it", []string{"e2e.TestClientLeavesWhileAWorkerHasIt"}},
	{"the client does not read its replies (`client_buffer`)",
		[]string{"e2e.TestClientDoesNotRead", "proxy/conformance.TestClientThatDoesNotRead"}},
	{"it has no empty delimiter frame in front of its body",
		[]string{"e2e.TestNoDelimiter", "proxy/conformance.TestNoAnswerWithoutDelimiterAndBody"}},
	{"it is larger than `max_message`", []string{"e2e.TestMessageTooLarge", "proxy/conformance.TestMessageLimit"}},
	{"scale-down, `zfleet down`, a reload that removes the service",
		[]string{"e2e.TestStoppedWorkerAnswers", "e2e.TestScaleDownRunsNothingTwice", "e2e.TestServicesComeAndGoUnderLoad"}},
	{"`zfleet down`, and `grace` is over", []string{"e2e.TestDownWithGraceOver"}},
	{"`zfleet down --now`, or a second Ctrl-C", []string{"e2e.TestDownNow"}},
	{"the supervisor is killed with -9, and the next one comes within `orphan_grace` (1 min)",
		[]string{"e2e.TestSupervisorKilledTwentyTimes", "e2e.TestForeignWorkersServeAnOrphan"}},
	{"the same, and none comes", []string{"e2e.TestOrphanThatNobodyAdopts", "e2e.TestOrphanAnswersWhatWorkersHave"}},
	{"`zfleet upgrade`, or a reload of `[.delivery]`, `frontend` or `backend`",
		[]string{"e2e.TestUpgradeUnderLoad", "e2e.TestReloadOfPortsUnderLoad", "e2e.TestReloadOfDeliveryUnderLoad"}},
	{"the same, and the new proxy cannot be started or take over", []string{"e2e.TestUpgradeToABrokenProgram", "e2e.TestReloadWhoseProxyFails"}},
	{"the same, and `orphan_grace` is `0s`",
		[]string{"e2e.TestSupervisorKilledThenPortClosed", "e2e.TestSupervisorKilledUnderWay", "e2e.TestSupervisorKilled"}},
	{"another proxy takes over (`zfleet proxy --take-over`)",
		[]string{"e2e.TestTakeOver", "e2e.TestTakeOverWithOtherPorts", "proxy.TestTakeOver", "proxy.TestTakeOverKeepsStanding"}},
	{"the same, and the new proxy fails before it serves: killed, hung, out of descriptors, of another release",
		[]string{"e2e.TestTakeOverKilled", "e2e.TestTakeOverRefused", "proxy.TestTakeOverFails", "proxy.TestTakeOverRefused"}},
	{"the proxy is killed with -9", []string{"e2e.TestProxyKilled", "e2e.TestProxyKilledUnderPlainREQ"}},

	{"greeting and handshake", []string{"proxy/conformance.TestSlowHandshakesAreClosed", "proxy/hostile.TestHalfOpenConnections",
		"proxy/hostile.TestDescriptorsRunOut"}},
	{"a command of the handshake", []string{"proxy/conformance.TestHostilePeersAreClosed"}},
	{"a command later", []string{"proxy.TestRefused", "proxy/zmtp.TestScannerTranscripts"}},
	{"a message, with all its frames", []string{"proxy/conformance.TestMessageLimit"}},
	{"frames of one message", []string{"proxy.TestTooManyFrames", "proxy/hostile.TestLongEnvelope"}},
	{"memory for what a header announces and has not sent", []string{"proxy/hostile.TestClaimsCostNothing"}},
	{"commands inside of a message", []string{"proxy.TestCommandsInsideOfAMessage", "proxy/hostile.TestManyFramesAreReadInTime"}},
	{"PONGs that are not read", []string{"proxy/hostile.TestPingsWithoutReading", "proxy/hostile.TestPingsAreAnswered"}},
	{"replies that are not read", []string{"proxy/hostile.TestRepliesThatNobodyReads", "proxy/conformance.TestClientThatDoesNotRead"}},
	{"requests that wait", []string{"e2e.TestFullQueueBlocks"}},
	{"connections", []string{"proxy/hostile.TestDescriptorsRunOut", "proxy.TestRoomFor"}},
	{"silence", []string{"proxy.TestKeepAlive"}},

	{"`UNAVAILABLE`", []string{"e2e.TestAttemptsUsedUp", "e2e.TestDownWithGraceOver"}},
	{"`DEADLINE_EXCEEDED`", []string{"e2e.TestRequestPastItsDeadline"}},
	{"`ABORTED`", []string{"e2e.TestRequestThatKillsOnce", "e2e.TestRequestThatHangsOnce", "proxy.TestDeadLetterOnce"}},
	{"`RESOURCE_EXHAUSTED`", []string{"e2e.TestFullQueueRejects"}},

	{"a REQ with a request in the proxy", []string{"e2e.TestProxyKilledUnderPlainREQ"}},
	{"a REQ with `ZMQ_REQ_RELAXED`, `ZMQ_REQ_CORRELATE` and `ZMQ_RCVTIMEO`",
		[]string{"e2e.TestProxyKilledUnderRelaxedREQ"}},
	{"the same, when its first request was only slow", []string{"e2e.TestLateReplyIsNotTaken"}},
	{"a DEALER", []string{"e2e.TestProxyKilledUnderDEALER"}},
	{"a client that connects while there is no proxy", []string{"e2e.TestProxyKilledRefusesNobody"}},
	{"a REP, the worker",
		[]string{"e2e.TestProxyKilledUnderDEALER", "e2e.TestProxyKilled", "proxy/conformance.TestReplyToTheProxyBefore"}},
}

// Every row of docs/delivery.md is shown by a test that exists, and every test named here shows a row that exists.
func TestOutcomes(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "delivery.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range unshown(string(page), outcomes, func(dir string) []string { return testsIn(t, dir) }) {
		t.Error(complaint)
	}
}

// unshown is what is missing between the page's rows, the outcomes and the tests of each folder.
func unshown(page string, outcomes []outcome, testsIn func(dir string) []string) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	rows := tableRows(page)
	for _, row := range rows {
		if !slices.ContainsFunc(outcomes, func(o outcome) bool { return o.row == row && len(o.tests) > 0 }) {
			complain("docs/delivery.md: nothing shows the row %q. Write a test that shows what the client and what the operator sees "+
				"(e2e/outcome_*_test.go has many), and add its name to outcomes in internal/house/outcomes_test.go", row)
		}
	}
	for _, o := range outcomes {
		if !slices.Contains(rows, o.row) {
			complain("outcomes has the row %q, which docs/delivery.md has not: write it as the page does, or take it out", o.row)
		}
		for _, name := range o.tests {
			dir, test, _ := strings.Cut(name, ".")
			if !slices.Contains(testsIn(dir), test) {
				complain("outcomes says that %s shows the row %q: there is no such test", name, o.row)
			}
		}
	}
	return complaints
}

// tableRows is the first cell of each row of a page's tables, without those that head them.
func tableRows(page string) (rows []string) {
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		heads := i+1 < len(lines) && strings.HasPrefix(lines[i+1], "|---")
		if strings.HasPrefix(line, "| ") && !heads {
			first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
			rows = append(rows, first)
		}
	}
	return rows
}

// testsIn is the names of the tests in a folder.
func testsIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

// The rule itself is tried on a page and a table that break it in each way once.
func TestMissingOutcomesAreFound(t *testing.T) {
	page := "# Title\n\n| what happens | client |\n|---|---|\n| shown | a reply |\n| forgotten | a reply |\n| no test | a reply |\n" +
		"| gone | a reply |\n\nText.\n\n| code | when |\n|---|---|\n| `CODE` | ever |\n"
	table := []outcome{
		{"shown", []string{"e2e.TestShown"}}, {"no test", nil}, {"gone", []string{"e2e.TestShown", "e2e.TestGone"}},
		{"`CODE`", []string{"proxy/conformance.TestCode"}}, {"of another page", []string{"e2e.TestShown"}},
	}
	got := unshown(page, table, func(dir string) []string {
		return map[string][]string{"e2e": {"TestShown"}, "proxy/conformance": {"TestCode"}}[dir]
	})
	want := []string{
		`docs/delivery.md: nothing shows the row "forgotten". `, `docs/delivery.md: nothing shows the row "no test". `,
		`outcomes says that e2e.TestGone shows the row "gone": `, `outcomes has the row "of another page", `,
	}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
