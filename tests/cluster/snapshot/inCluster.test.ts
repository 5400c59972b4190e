/** Snapshots in the cluster: how many stay, whose they are, and what is asked of the API server. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { suite, test } from "node:test";
import { parse } from "yaml";
import type { KubeConfig } from "../../../components/cluster/kubernetes.ts";
import type { ApiObject } from "../../../components/cluster/objects.ts";
import type { Snapshot } from "../../../components/cluster/snapshot/format.ts";
import { keepInCluster, listKept, readKept } from "../../../components/cluster/snapshot/inCluster.ts";
import { takeSnapshot } from "../../../components/cluster/snapshot/index.ts";
import { secretOf } from "../../../components/cluster/snapshot/secret.ts";
import { SnapshotIn } from "../../../components/plan/snapshotIn.ts";
import { reply, withApiServer } from "../apiServer.ts";

const namespace = "/api/v1/namespaces/kube-proxy-snapshots";
const collection = `${namespace}/secrets`;
const metadata = { namespace: "kube-system", name: "kube-proxy" };
const account = { apiVersion: "v1", kind: "ServiceAccount", metadata };
const daemonSet = { apiVersion: "apps/v1", kind: "DaemonSet", metadata };

function snapshotAt(second: number, objects: ApiObject[] = [account, daemonSet]): Snapshot {
  const time = new Date(Date.UTC(2026, 10, 23, 10, 15, second));
  return { cluster: "uid-1", server: "https://127.0.0.1", time, objects };
}

const nameAt = (second: number) => `2026-11-23t10-15-0${second}.000z`;

/** Those in which somebody else has a part. */
const foreign: readonly ApiObject[] = [
  { ...secretOf(snapshotAt(0)), type: "Opaque", metadata: { name: nameAt(0), labels: managed("us") } },
  { ...secretOf(snapshotAt(1)), metadata: { name: nameAt(1), labels: managed("Helm") } },
  { ...secretOf(snapshotAt(2)), metadata: { name: "notes", labels: managed("us") } },
];

function managed(by: string) {
  return { "app.kubernetes.io/managed-by": by === "us" ? "kube-proxy-as-code" : by };
}

/** An API server that has a namespace of Secrets, or refuses something of that. */
class Secrets {
  readonly asked: string[] = [];
  readonly kept: Map<string, ApiObject>;
  /** What is refused, as it is in {@link asked}. */
  readonly refused: RegExp;
  hasNamespace: boolean;
  /** The namespace as it was made. */
  made: unknown;

  constructor({ kept = [] as readonly ApiObject[], refused = /^nothing$/, hasNamespace = true } = {}) {
    this.kept = new Map(kept.map((one) => [one.metadata.name, withUid(one)]));
    this.refused = refused;
    this.hasNamespace = hasNamespace;
  }

  get names(): string[] {
    return [...this.kept.keys()].sort();
  }

  async while<T>(work: (config: KubeConfig) => Promise<T>): Promise<T> {
    return await withApiServer((request, response) => void this.#answer(request, response), work);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    const { pathname, searchParams } = new URL(url, "http://fake");
    const body = await text(request);
    const call = `${method} ${pathname}`;
    this.asked.push(call);
    const name = pathname.startsWith(`${collection}/`) ? pathname.slice(collection.length + 1) : "";
    if (this.refused.test(call)) {
      reply(response, { message: `may not ${method}` }, 403);
    } else if (call === "POST /api/v1/namespaces") {
      this.hasNamespace = true;
      this.made = JSON.parse(body);
      reply(response, this.made as object, 201);
    } else if (!this.hasNamespace) {
      reply(response, undefined);
    } else if (method === "POST") {
      const secret = JSON.parse(body) as ApiObject;
      this.kept.set(secret.metadata.name, withUid(secret));
      reply(response, secret, 201);
    } else if (name === "") {
      assert.match(headers.accept ?? "", /as=PartialObjectMetadataList/, "what is in them is not read");
      const [field, type] = (searchParams.get("fieldSelector") ?? "").split("=");
      const items = [...this.kept.values()].filter((one) => field === "type" && one["type"] === type);
      reply(response, { items: items.map(({ metadata }) => ({ metadata })) });
    } else if (method === "DELETE") {
      assert.deepEqual(JSON.parse(body), { preconditions: { uid: `uid of ${name}` } });
      this.kept.delete(name);
      reply(response, { kind: "Status" });
    } else {
      reply(response, this.kept.get(name));
    }
  }
}

function withUid(secret: ApiObject): ApiObject {
  return { ...secret, metadata: { ...secret.metadata, uid: `uid of ${secret.metadata.name}` } };
}

const at = (...seconds: number[]) => seconds.map((second) => secretOf(snapshotAt(second)));

suite("snapshots in the cluster", () => {
  test("the newest stay, the one just made among them, and nothing of somebody else is touched", async () => {
    const api = new Secrets({ kept: [...foreign, ...at(3, 4, 5)] });
    const said = await api.while((config) => keepInCluster(config, snapshotAt(6), 2));
    assert.deepEqual(said, [`Secret kube-proxy-snapshots/${nameAt(6)}`]);
    assert.deepEqual(api.names, [nameAt(0), nameAt(1), nameAt(5), nameAt(6), "notes"]);

    const back = new Secrets({ kept: at(8, 9) });
    await back.while((config) => keepInCluster(config, snapshotAt(7), 1));
    assert.deepEqual(back.names, [nameAt(7)], "a clock that was set back");
  });

  test("one without a DaemonSet pushes out none", async () => {
    const api = new Secrets({ kept: at(3, 4) });
    await api.while((config) => keepInCluster(config, snapshotAt(5, [account]), 1));
    assert.deepEqual(api.names, [nameAt(3), nameAt(4), nameAt(5)]);
    assert.deepEqual(api.asked, [`POST ${collection}`]);
  });

  test("an old one that may not be deleted is told, and stops nothing", async () => {
    const api = new Secrets({ kept: at(3), refused: /^DELETE/ });
    assert.deepEqual(await api.while((config) => keepInCluster(config, snapshotAt(4), 1)), [
      `Secret kube-proxy-snapshots/${nameAt(4)}`,
      `Secret kube-proxy-snapshots/${nameAt(3)}, an old one, stays: may not DELETE`,
    ]);
  });

  test("the namespace is made where there is none, as an administrator would", async () => {
    const api = new Secrets({ hasNamespace: false });
    await api.while((config) => keepInCluster(config, snapshotAt(3, [account]), 1));
    assert.deepEqual(api.asked, [`POST ${collection}`, "POST /api/v1/namespaces", `POST ${collection}`]);
    assert.deepEqual(api.names, [nameAt(3)]);
    const file = join(import.meta.dirname, "..", "..", "..", "docs", "rbac", "snapshot-namespace.yaml");
    const { metadata } = parse(readFileSync(file, "utf8")) as ApiObject;
    assert.deepEqual(api.made, { metadata });
  });

  test("where there is nothing to keep, nothing is made", async () => {
    const asked: string[] = [];
    const kubeSystem = { metadata: { name: "kube-system", uid: "uid-1" } };
    const kept = await withApiServer(
      ({ method = "", url = "" }, response) => {
        asked.push(method);
        const isList = url.includes("?");
        reply(response, isList ? { items: [] } : url.endsWith("/kube-system") ? kubeSystem : undefined);
      },
      (config) => takeSnapshot(config, { folder: "/nowhere", snapshotIn: SnapshotIn.cluster }),
    );
    assert.deepEqual(kept, []);
    assert.deepEqual([...new Set(asked)], ["GET"]);
  });

  test("what may not be made is an error, and no old one is deleted for it", async () => {
    for (const [refused, hasNamespace] of [
      [/^POST .*\/secrets$/, true],
      [/^POST .*\/namespaces$/, false],
    ] as const) {
      const api = new Secrets({ kept: at(3), refused, hasNamespace });
      await assert.rejects(
        api.while((config) => keepInCluster(config, snapshotAt(4), 1)),
        /may not POST/,
      );
      assert.equal(api.asked.length, hasNamespace ? 1 : 2, "no namespace is made where one is there");
      assert.deepEqual(api.names, [nameAt(3)]);
    }
  });

  test("are listed by their names, the newest first, and read by one of them", async () => {
    const api = new Secrets({ kept: [...foreign, ...at(4, 6, 5)] });
    assert.deepEqual(await api.while(listKept), [nameAt(6), nameAt(5), nameAt(4)]);
    const read = await api.while((config) => readKept(config, nameAt(5)));
    assert.deepEqual(read, snapshotAt(5));
  });

  test("somebody else's is not read, nor one that is not there, nor anything elsewhere", async () => {
    const api = new Secrets({ kept: foreign });
    for (const name of [nameAt(0), nameAt(1), "notes", nameAt(9), "../../kube-system/secrets/token"]) {
      await assert.rejects(
        api.while((config) => readKept(config, name)),
        /SNAPSHOT: ".*" is not accepted; accepted: the name of a snapshot in namespace kube-proxy-snapshots/,
        name,
      );
    }
    assert.deepEqual(
      api.asked.filter((call) => !call.startsWith(`GET ${collection}/`)),
      [],
    );
  });
});
