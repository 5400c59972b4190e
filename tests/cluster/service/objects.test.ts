/** What is looked at of the API server's objects. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sliceOf } from "../../../components/cluster/service/objects.ts";

test("an EndpointSlice tells when that which it follows last changed, by the controller's annotation", () => {
  const changedAt = (value?: string) =>
    sliceOf({
      metadata: {
        labels: { "kubernetes.io/service-name": "web" },
        ...(value !== undefined && {
          annotations: { "endpoints.kubernetes.io/last-change-trigger-time": value },
        }),
      },
      addressType: "IPv4",
      endpoints: [],
    })?.changedAt;
  assert.equal(changedAt("2026-11-29T01:02:03.123456789Z"), Date.UTC(2026, 10, 29, 1, 2, 3, 123));
  assert.equal(changedAt("2026-11-29T01:02:03Z"), Date.UTC(2026, 10, 29, 1, 2, 3));
  assert.equal(changedAt(), undefined);
  assert.equal(changedAt("yesterday"), undefined);
  assert.equal(changedAt(""), undefined);
});
