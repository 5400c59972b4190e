/** What is removed of what looks like a test Service, and when. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, test } from "node:test";
import { makeTestService } from "../../../components/cluster/verify/testService.ts";
import { removeExpired, removeTestServices } from "../../../components/cluster/verify/testServiceRemoval.ts";
import { type Service, ServicesApi } from "./servicesApi.ts";

async function withApi(work: (api: ServicesApi) => Promise<void>): Promise<void> {
  const api = await ServicesApi.start();
  try {
    await work(api);
  } finally {
    api.stop();
  }
}

const nodes = [{ node: "a", address: "192.0.2.1" }];
const make = ({ config }: ServicesApi, id: string, lifetimeMs = 60_000, signal?: AbortSignal) =>
  makeTestService(config, { id, nodes, targetPort: 10256, lifetimeMs }, signal);
const ids = ({ services }: ServicesApi) =>
  services.map(({ metadata }) => metadata.labels["kube-proxy/test-service"]);

describe("test Services are removed", { concurrency: true }, () => {
  test("of somebody who was killed when their time is over, and not before", async () => {
    await withApi(async (api) => {
      await make(api, "killed", -1000);
      await make(api, "at work");
      await removeExpired(api.config);
      assert.deepEqual(ids(api), ["at work"]);
    });
  });

  const foreign: Readonly<Record<string, (service: Service) => void>> = {
    "another name": ({ metadata }) => (metadata.name = "dns"),
    "no label": ({ metadata }) => (metadata.labels = {}),
    "no time": ({ metadata }) => (metadata.annotations = {}),
    "another type": ({ spec }) => (spec.type = "ClusterIP"),
    "a selector": ({ spec }) => (spec.selector = { app: "theirs" }),
  };
  for (const [what, change] of Object.entries(foreign)) {
    test(`but not one with ${what}, which is somebody else's`, async () => {
      await withApi(async (api) => {
        await make(api, "test", -1000);
        const [service] = api.services;
        assert.ok(service);
        const before = service.metadata.labels;
        change(service);
        // One that the selector does not find would not be looked at anyway.
        const answered = structuredClone(service.metadata.labels);
        if (what === "no label") api.unselected = true;
        await removeExpired(api.config);
        assert.ok(await removeTestServices(api.config, before["kube-proxy/test-service"] ?? ""));
        assert.deepEqual(
          api.services.map(({ metadata }) => metadata.labels),
          [answered],
        );
      });
    });
  }

  test("but not one that was made anew under the same name", async () => {
    await withApi(async (api) => {
      await make(api, "test");
      api.beforeDelete = ([service]) => {
        if (service) service.metadata.uid = "another";
      };
      assert.ok(await removeTestServices(api.config, "test"), "what was this program's is gone");
      assert.deepEqual(ids(api), ["test"]);
    });
  });

  for (const delay of [0, 200]) {
    test(`also when the answer to the making did not come, and it is made ${delay} ms after that`, async () => {
      const deadline = Date.now() + 60_000;
      // It is looked for for half a second, which a busy machine may need for one request.
      while (!(await isRemovedUnanswered(delay))) {
        assert.ok(Date.now() < deadline, "it was never removed");
      }
    });
  }
});

/** Makes a Service, of which the answer never comes; whether it was removed all the same. */
async function isRemovedUnanswered(delay: number): Promise<boolean> {
  let isRemoved = false;
  await withApi(async (api) => {
    const end = new AbortController();
    const made = new Promise<void>((resolve) => {
      api.onService = (create) => {
        end.abort();
        void sleep(delay).then(() => {
          create();
          resolve();
        });
      };
    });
    await assert.rejects(make(api, "test", 60_000, end.signal));
    await made;
    isRemoved = api.services.length === 0;
  });
  return isRemoved;
}
