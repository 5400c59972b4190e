import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { planOf } from "../../components/plan/plan.ts";
import { templateGenerationAnnotation } from "../../components/restart/restart.ts";

const plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };

suite("the number that a new DaemonSet gives its pod template", () => {
  const number = (token: string) => {
    const { waves } = planOf({ ...plain, restart: token });
    return BigInt(waves[0].daemonSet.metadata.annotations?.[templateGenerationAnnotation] ?? "0");
  };
  const tokens = fc.string({ minLength: 1 });

  test("fits int64, and is never one that the API server would have counted up to by itself", () => {
    fc.assert(
      fc.property(tokens, (token) => {
        assert.ok(number(token) >= 2n ** 16n && number(token) < 2n ** 63n - 2n ** 16n);
      }),
    );
  });

  test("two tokens never meet, not even after 65,535 changes in place", () => {
    fc.assert(
      fc.property(tokens, tokens, (a, b) => {
        const distance = number(a) - number(b);
        assert.ok(a === b || distance >= 2n ** 16n || distance <= -(2n ** 16n), `${a} and ${b}`);
      }),
      { numRuns: 2000 },
    );
  });

  test("pods that change hands are told apart, too: another template under the same token has another number", () => {
    const of = (more: object) =>
      planOf({ ...plain, ...more }).waves.map(
        ({ daemonSet }) => daemonSet.metadata.annotations?.[templateGenerationAnnotation],
      );
    const pools = [
      { name: "a", nodeSelector: { pool: "a" } },
      { name: "b", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["a"] }] },
    ];
    const numbers = [...of({}), ...of({ pools }), ...of({ image: "example.com/p:1" })];
    assert.equal(new Set(numbers).size, 4);
  });
});
