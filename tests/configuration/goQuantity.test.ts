import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseQuantity } from "../../components/configuration/goQuantity.ts";

suite("quantities as Kubernetes reads and writes them", () => {
  const read: readonly (readonly [given: string, value: bigint, text: string])[] = [
    ["0", 0n, "0"],
    ["0Ki", 0n, "0"],
    ["1024", 1024n, "1024"],
    ["64Ki", 65536n, "64Ki"],
    ["1.5Ki", 1536n, "1536"],
    ["2048Ki", 2097152n, "2Mi"],
    ["0.5", 1n, "500m"],
    ["1000m", 1n, "1"],
    ["-1m", -1n, "-1m"],
    ["1e3", 1000n, "1e3"],
    ["5E", 5_000_000_000_000_000_000n, "5E"],
    [" 1k ", 1000n, "1k"],
    // What Go takes for canonical stays as it was written.
    ["+5", 5n, "+5"],
    ["1.500", 2n, "1.500"],
    ["1E6", 1_000_000n, "1E6"],
    ["0063Ki", 64512n, "0063Ki"],
    ["0064Ki", 65536n, "64Ki"],
  ];
  for (const [given, value, text] of read) {
    test(JSON.stringify(given), () => {
      assert.deepEqual(parseQuantity(given), { value, text });
    });
  }

  test("what is none", () => {
    assert.notEqual(parseQuantity("1".repeat(10_000)), undefined);
    for (const text of ["1".repeat(10_001), "", "x", "1Kii", "1 k", "1Zi", "--1", "true", "1e"]) {
      assert.equal(parseQuantity(text), undefined, text);
    }
  });
});
