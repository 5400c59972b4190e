import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { formatGoDuration, parseGoDuration } from "../../components/configuration/goDuration.ts";

suite("Go's durations", () => {
  const cases: Record<string, string | undefined> = {
    "0": "0s",
    "0s": "0s",
    "30s": "30s",
    "1h30m": "1h30m0s",
    "15m": "15m0s",
    "24h": "24h0m0s",
    "250ms": "250ms",
    ".5s": "500ms",
    "1.5h": "1h30m0s",
    "90s": "1m30s",
    "-1m": "-1m0s",
    "1us": "1µs",
    "1500ns": "1.5µs",
    "2562047h47m16.854775807s": "2562047h47m16.854775807s",
    "2562047h47m16.854775808s": undefined,
    "30": undefined,
    "": undefined,
    s: undefined,
    "1 s": undefined,
    "1d": undefined,
    ".s": undefined,
  };
  for (const [text, expected] of Object.entries(cases)) {
    test(`${JSON.stringify(text)} is ${expected ?? "refused"}`, () => {
      const parsed = parseGoDuration(text);
      assert.equal(parsed === undefined ? undefined : formatGoDuration(parsed), expected);
    });
  }

  test("what is written is read back", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (duration) => {
        assert.equal(parseGoDuration(formatGoDuration(duration)), duration);
      }),
    );
  });
});
