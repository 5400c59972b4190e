/** `npm run doctor -- --service` where the objects tell nothing: the nodes' kube-proxies and the endpoints are asked. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, afterEach, before, suite, test } from "node:test";
import type { ServiceDiagnosis } from "../../../components/service/diagnose.ts";
import { down, kubectl, type Lab, setFaults, up } from "../../../lab/index.ts";
import { waitFor } from "../../../lab/wait.ts";

const name = `t${process.pid}-trial`;
const doctor = join(import.meta.dirname, "..", "..", "..", "commands", "doctor.ts");

/** Pods of the lab listen at the ports that they declare, and at no others. */
const deployment = (app: string, containerPort: number) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: app, namespace: "shop" },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app } },
    template: {
      metadata: { labels: { app } },
      spec: { containers: [{ name: app, image: "registry.example.com/web:v1", ports: [{ containerPort }] }] },
    },
  },
});
const service = (app: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: app, namespace: "shop" },
  spec: { selector: { app }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
});
const namespace = (of: string) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name: of } });

suite("a Service of which the objects tell nothing", () => {
  let lab: Lab;

  before(async () => {
    lab = await up({ name, nodes: 3, kubeadm: true });
    const items = [namespace("shop"), namespace("kube-proxy-test"), deployment("web", 8080), service("web")];
    items.push(deployment("deaf", 9090), service("deaf"));
    const stdin = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    const made = await kubectl(lab, ["apply", "-f", "-"], { stdin });
    assert.equal(made.code, 0, made.stderr);
    await waitFor("endpoints", { timeoutMs: 60_000 }, async () => {
      const path = "jsonpath={.items[*].endpoints[*].conditions.ready}";
      const { stdout } = await kubectl(lab, ["-n", "shop", "get", "endpointslices", "-o", path]);
      return stdout.split(" ").filter((ready) => ready === "true").length === 8;
    });
  });
  afterEach(() => {
    setFaults(lab, {});
  });
  after(() => down(name));

  async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(process.execPath, [doctor, "--kubeconfig", lab.kubeconfig, ...args]);
    const [stdout, stderr, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number | null>((resolve) => child.once("close", resolve)),
    ]);
    return { code, stdout, stderr };
  }

  const testServices = async () =>
    (await kubectl(lab, ["-n", "kube-proxy-test", "get", "services,endpointslices", "-o", "name"])).stdout;

  test("answers: every kube-proxy does its work, every endpoint takes connections, and nothing stays behind", async () => {
    const { code, stdout, stderr } = await run("--service", "shop/web");
    assert.equal(code, 0, stdout + stderr);
    assert.match(
      stdout,
      /port http 80 -> 8080: 4 endpoints ready on \d nodes?\n\nNothing is found that keeps it from answering: the kube-proxies of all 3 nodes do their work\./,
    );
    assert.equal(
      stdout.match(/^node-000\d +synced \d+s ago +yes, \d\.\d s +4 of 4 +fine$/gm)?.length,
      3,
      stdout,
    );
    assert.equal(stdout.match(/^shop\/web-\S+ +8080 +answers$/gm)?.length, 4, stdout);
    assert.match(
      stderr,
      /Asks each node's kube-proxy, 4 endpoints, and Services .*; --objects-only leaves it out/,
    );
    assert.equal(await testServices(), "");
  });

  test("does not for the kube-proxy of one node: it is named, with the command that restarts it there alone", async () => {
    setFaults(lab, { "node-0002": "deaf" });
    const { code, stdout } = await run("--service", "shop/web");
    assert.equal(code, 1, stdout);
    assert.match(
      stdout,
      /^kube-proxy is the reason on 1 of 3 nodes\.\n {2}Restart it there alone: {2}npm run --silent restart-nodes -- --nodes node-0002 --kubeconfig /m,
    );
    assert.match(stdout, /^node-0002 +synced \d+s ago +no +- +faulty: a new Service does not answer/m);
    assert.equal(stdout.match(/ fine$/gm)?.length, 2, stdout);
  });

  test("does not for its endpoints: no restart is recommended, also where a kube-proxy has a fault", async () => {
    for (const faults of [{}, { "node-0003": "deaf" }] as const) {
      setFaults(lab, faults);
      const { code, stdout } = await run("--service", "shop/deaf");
      assert.equal(code, 1, stdout);
      assert.match(
        stdout,
        /^kube-proxy is not the reason: none of the 4 endpoints that were asked by themselves takes a connection at port 8080/m,
      );
      assert.doesNotMatch(stdout, /restart-nodes/);
    }
  });

  test("does not for the network of one node: it is named, and no restart is recommended", async () => {
    setFaults(lab, { "node-0003": "isolated" });
    const { code, stdout } = await run("--service", "shop/web");
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^kube-proxy is not the reason: from 1 of 3 nodes not every endpoint is reached/m);
    assert.match(stdout, /^node-0003 +synced \d+s ago +yes, \d\.\d s +\d of 4 +elsewhere: /m);
    assert.equal(stdout.match(/ 4 of 4 +fine$/gm)?.length, 2, stdout);
    assert.doesNotMatch(stdout, /restart-nodes/);
    assert.equal(await testServices(), "");
  });

  test("asks nobody where it is told not to, and says so in the JSON", async () => {
    const { code, stdout, stderr } = await run("--service", "shop/deaf", "--objects-only", "--json");
    const { ok, nodes, tried } = JSON.parse(stdout) as ServiceDiagnosis;
    assert.deepEqual([code, ok, nodes, tried, stderr], [0, true, null, null, ""]);
    const mistake = await run("--objects-only");
    assert.equal(mistake.code, 2);
    assert.match(mistake.stderr, /--objects-only: is accepted beside --service alone/);
  });
});
