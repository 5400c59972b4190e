/** The proxy of the recovery tests does what its faults say. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ApiException, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { useLab } from "../useLab.ts";
import { type Fault, FaultProxy, faults } from "./faultProxy.ts";

const namespace = "default";
const created = `POST /api/v1/namespaces/${namespace}/configmaps`;

/** How each fault ends for the client, and whether the API server has done what was asked. */
const outcomes: Record<Fault, { says: RegExp; done: boolean }> = {
  refuse: { says: /failed/, done: false },
  internalError: { says: /^500$/, done: false },
  tooManyRequests: { says: /^429$/, done: false },
  conflict: { says: /^409$/, done: false },
  slow: { says: /^created$/, done: true },
  reset: { says: /terminated|failed/, done: true },
  cut: { says: /failed/, done: true },
};

suite("the fault-injecting proxy", () => {
  const at = useLab({ name: "e2e-recovery-proxy", nodes: 0 });
  let proxy: FaultProxy;
  let behind: CoreV1Api;
  let direct: CoreV1Api;
  before(async () => {
    proxy = await FaultProxy.start(at.lab);
    [behind, direct] = [apiOf(proxy.kubeconfig), apiOf(at.lab.kubeconfig)];
  });
  after(() => proxy.stop());

  const create = async (name: string): Promise<string> => {
    try {
      await behind.createNamespacedConfigMap({ namespace, body: { metadata: { name } } });
      return "created";
    } catch (error) {
      return error instanceof ApiException ? String(error.code) : String(error);
    }
  };
  const exists = async (name: string): Promise<boolean> => {
    const { items } = await direct.listNamespacedConfigMap({ namespace });
    return items.some(({ metadata }) => metadata?.name === name);
  };

  for (const fault of Object.keys(faults) as Fault[]) {
    test(`${fault}: ${faults[fault]}, once`, async () => {
      const injection = proxy.inject(fault, created);
      await behind.listNamespacedConfigMap({ namespace });
      assert.equal(injection.met, false, "another call has met it");
      const name = `by-${fault.toLowerCase()}`;
      assert.match(await create(name), outcomes[fault].says);
      assert.equal(injection.met, true);
      assert.equal(await exists(name), outcomes[fault].done);
      assert.equal(await create(`${name}-again`), "created");
    });
  }

  test("calls are told by method and path, reads from writes", async () => {
    proxy.takeCalls();
    await create("told");
    await behind.listNamespacedConfigMap({ namespace });
    assert.deepEqual(proxy.takeCalls(), [
      { name: created, writes: true },
      { name: `GET /api/v1/namespaces/${namespace}/configmaps`, writes: false },
    ]);
    assert.deepEqual(proxy.takeCalls(), []);
  });

  test("who has no certificate of the lab's authority is not let in", async () => {
    const config = configOf(proxy.kubeconfig);
    const [user] = config.users;
    config.users = [{ name: user?.name ?? "" }];
    await assert.rejects(config.makeApiClient(CoreV1Api).listNamespace());
  });
});

function configOf(path: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(path);
  return config;
}

function apiOf(path: string): CoreV1Api {
  return configOf(path).makeApiClient(CoreV1Api);
}
