import { assertEquals } from "@std/assert";
import { parseReport } from "../../scripts/test_report.ts";

const XML = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="5" failures="2" errors="0" time="0.019">
    <testsuite name="./tests/quick_test.ts" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="one" classname="./tests/quick_test.ts" time="0.250" line="1" col="6">
        </testcase>
    </testsuite>
    <testsuite name="./tests/slow_test.ts" tests="4" disabled="1" errors="0" failures="2">
        <testcase name="a &lt;b&gt; &amp; &quot;c&quot;" classname="x" time="1.500" line="1" col="6">
            <failure message="no">Error: &lt;skipped/&gt;

  at once</failure>
        </testcase>
        <testcase name="cancelled" classname="x" time="0.000" line="2" col="6">
            <error message="Cancelled"/>
        </testcase>
        <testcase name="left out [no browser here]" classname="x" time="0.000" line="3" col="6">
            <skipped/>
        </testcase>
        <testcase name="steps" classname="x" time="0.500" line="4" col="6">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="steps &gt; two" classname="x" time="0.500" line="4" col="70">
            <failure message="Uncaught Error: st">Error: st</failure>
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("a report counts tests but not their steps, and lists the slowest file first, and what failed with why", () => {
  assertEquals(parseReport(XML), {
    passed: 1,
    failed: [
      { name: 'tests/slow_test.ts: a <b> & "c"', why: "Error: <skipped/>\n\n  at once" },
      { name: "tests/slow_test.ts: cancelled", why: "" },
      { name: "tests/slow_test.ts: steps", why: "1 test step failed.\nError: st" },
    ],
    skipped: ["tests/slow_test.ts: left out [no browser here]"],
    files: [
      { file: "tests/slow_test.ts", seconds: 2 },
      { file: "tests/quick_test.ts", seconds: 0.25 },
    ],
  });
});

Deno.test("a run that wrote no report has passed nothing", () => {
  assertEquals(parseReport(""), { passed: 0, failed: [], skipped: [], files: [] });
});

Deno.test("of a long failure a report keeps the beginning", () => {
  const [failure] = parseReport(XML.replace("Error: st<", `Error: ${"x".repeat(10_000)}<`)).failed
    .slice(-1);
  assertEquals(failure?.why, `1 test step failed.\nError: ${"x".repeat(573)}`);
});
