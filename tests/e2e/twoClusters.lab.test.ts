import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { parse, stringify } from "yaml";
import { type Result, Secret, type StateResource } from "../engine/index.ts";
import { ownerAnnotation, reclaimCommand } from "../../components/restart/restart.ts";
import { changesOf, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

interface Named {
  name: string;
}
interface Kubeconfig {
  clusters: Named[];
  users: Named[];
  contexts: (Named & { context: { cluster: string; user: string } })[];
  "current-context": string;
}

/** What refuses another cluster, in the program and in a command of it. */
const refused = /namespace kube-system has UID/;

/** A kubeconfig with kubeadm's names: they are the same for every cluster whose clusterName nobody has set. */
function kubeadms(path: string): string {
  return readFileSync(path, "utf8").replaceAll(/lab-e2e-(own|other)/g, "kubernetes");
}

suite("one stack, one cluster", () => {
  const ownLab = useLab({ name: "e2e-own", nodes: 2 });
  const otherLab = useLab({ name: "e2e-other", nodes: 2 });
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-two-clusters-"));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  /** The stack's kubeconfig, which somebody edits. */
  const kubeconfig = join(folder, "kubeconfig");
  let own: Scenario;
  let other: Scenario;
  /** What the other cluster has of kube-proxy, which this stack never touches. */
  let untouched: string[];
  before(async () => {
    useOwn();
    own = await ownLab.open({ kubeconfig });
    other = await otherLab.open();
    await other.up();
    await own.up();
    untouched = await other.cluster.fingerprint();
  });

  const files = () => ({ own: kubeadms(ownLab.lab.kubeconfig), other: kubeadms(otherLab.lab.kubeconfig) });
  /** In one step: a command on its way reads the one file or the other, never a part of one. */
  function put(content: string): void {
    writeFileSync(`${kubeconfig}.new`, content, { mode: 0o600 });
    renameSync(`${kubeconfig}.new`, kubeconfig);
  }
  function useOwn(): void {
    put(files().own);
  }
  function useOther(): void {
    put(files().other);
  }
  /** One file with both, in which the stack's own context has kubeadm's name, as before. */
  function useBoth(current: "own" | "other"): void {
    const { own: ownFile, other: otherFile } = files();
    const both = parse(ownFile) as Kubeconfig;
    const { clusters, users } = parse(otherFile) as Kubeconfig;
    both.clusters.push(...clusters.map((one) => ({ ...one, name: "other" })));
    both.users.push(...users.map((one) => ({ ...one, name: "other" })));
    both.contexts.push({ name: "other", context: { cluster: "other", user: "other" } });
    if (current === "other") both["current-context"] = "other";
    put(stringify(both));
  }

  async function hasRefused(operation: () => Promise<Result>): Promise<Result> {
    const before = await own.cluster.fingerprint();
    const result = await operation();
    assert.ok(!result.ok, result.output);
    assert.match(result.output, refused);
    assert.deepEqual(await own.cluster.fingerprint(), before);
    assert.deepEqual(await other.cluster.fingerprint(), untouched);
    return result;
  }

  test("a kubeconfig in the place of which another cluster's stands, with the same names: all refuse", async () => {
    useOther();
    const { output } = await hasRefused(() => own.stack.preview());
    assert.match(output, /to move the stack to this one on purpose, see docs\/clusters.md/);
    await own.stack.setConfig({ restart: "at another cluster" });
    await hasRefused(() => own.stack.up());
    const { steps } = await hasRefused(() => own.stack.destroy());
    // The first step of all: nothing was deleted before it.
    assert.deepEqual(
      steps.map(({ op, name, status }) => `${op} ${name} ${status}`),
      ["delete kube-proxy-seal failed"],
    );
    useOwn();
    await own.up();
  });

  test("a current-context that has changed: refused, and a destroy goes where the stack was", async () => {
    useBoth("own");
    const before = await own.cluster.fingerprint();
    await own.up();
    assert.deepEqual(await own.cluster.fingerprint(), before);
    useBoth("other");
    await hasRefused(() => own.stack.preview());
    await hasRefused(() => own.stack.up());
    assert.ok((await own.stack.destroy()).ok);
    assert.equal((await own.cluster.daemonSets()).length, 0);
    assert.deepEqual(await other.cluster.fingerprint(), untouched);
    useOwn();
    await own.up();
  });

  for (const step of ["snapshot", "test-service", "daemon-set", "verify"]) {
    test(`a kubeconfig that is replaced while ${step} is on its way: the other cluster is left alone`, async () => {
      await own.stack.setConfig({ restart: `replaced at ${step}` });
      const running = own.stack.startUp();
      running.onStep(({ name, status }) => {
        if (name === `kube-proxy-${step}` && status === "started") useOther();
      });
      const { ok, output } = await running.done;
      assert.deepEqual(await other.cluster.fingerprint(), untouched);
      // A command that has read the file before is through with it; any later one refuses.
      if (!ok) assert.match(output, refused);
      if (["snapshot", "test-service"].includes(step)) assert.ok(!ok, output);
      useOwn();
      await own.up();
    });
  }

  test("a kubeconfig by its content, as a secret: the same, and no word of it anywhere", async () => {
    await own.up({ kubeconfig: new Secret(files().own) });
    await own.stack.setConfig({ kubeconfig: new Secret(files().other) });
    const { output } = await hasRefused(() => own.stack.up());
    const { users } = parse(files().other) as { users: { user: Record<string, string> }[] };
    for (const text of Object.values(users[0]?.user ?? {})) assert.ok(!output.includes(text));
    await own.up({ kubeconfig });
  });

  test("a kube-proxy of another stack is refused in the preview, also with adopt", async () => {
    const stranger = await ownLab.open();
    for (const adopt of [false, true]) {
      await stranger.stack.setConfig({ adopt });
      const { ok, output } = await stranger.stack.preview();
      assert.ok(!ok);
      assert.match(output, /belongs to Pulumi stack organization\/kube-proxy\/e2e/);
    }
  });

  test("a stack without a record, as 0.1.0 has made it, gets one and replaces nothing", async () => {
    const [set] = await own.cluster.daemonSets();
    const owner = set?.metadata.annotations?.[ownerAnnotation] ?? "";
    assert.match(owner, /^organization\/kube-proxy\/e2e\/[0-9a-f]{8}$/);
    await own.cluster.kubectl([
      "annotate",
      "daemonset/kube-proxy",
      "--overwrite",
      `${ownerAnnotation}=${nameOf(owner)}`,
    ]);
    await own.stack.editState((resources) => asOf010(resources, owner));
    const before = await own.cluster.fingerprint();
    const { steps } = await own.up();
    const touched = steps.filter(
      ({ op, type }) => op !== "same" && !/^(command:|pulumi:|kube-proxy:)/.test(type),
    );
    assert.deepEqual(touched, []);
    assert.deepEqual(await own.cluster.fingerprint(), before);
    useOther();
    await hasRefused(() => own.stack.up());
    useOwn();
    // The CLI has read the other cluster's objects into the state before the program had its say: that restarts nothing.
    await own.up();
    assert.deepEqual(await own.cluster.fingerprint(), before);
  });

  test("a stack that is renamed changes nothing", async () => {
    const before = await own.cluster.fingerprint();
    await own.stack.rename("renamed");
    assert.deepEqual(changesOf(await own.up()), []);
    assert.deepEqual(await own.cluster.fingerprint(), before);
    useOther();
    await hasRefused(() => own.stack.destroy());
    useOwn();
  });

  test("another cluster that has no kube-proxy: what its refresh loses is taken back, and no pod restarts", async () => {
    const pods = async () => (await own.cluster.pods()).map(({ metadata }) => metadata.uid).sort();
    const running = await pods();
    await other.destroy();
    untouched = await other.cluster.fingerprint();
    useOther();
    await hasRefused(() => own.stack.up());
    useOwn();
    const { ok, output } = await own.stack.up();
    assert.ok(!ok, output);
    assert.ok(output.includes(reclaimCommand), output);
    const [, ...args] = reclaimCommand.replace(" -n kube-system", "").split(" ");
    await own.cluster.kubectl(args);
    await own.up({ adopt: true });
    assert.deepEqual(changesOf(await own.stack.preview()), []);
    assert.deepEqual(await pods(), running);
  });

  test("on purpose: a stack whose state was emptied makes its kube-proxy in another cluster", async () => {
    await own.stack.editState(() => []);
    await own.up({ adopt: false, kubeconfig: otherLab.lab.kubeconfig });
    assert.equal((await other.cluster.daemonSets()).length, 1);
    await own.destroy();
  });
});

/** Owners as 0.1.0 has written them: the stack by its name. */
function nameOf(owner: string): string {
  return owner.split("/").slice(0, 3).join("/");
}

/** The state as 0.1.0 has left it: no record of the cluster, no seal, and the provider named after the stack. */
function asOf010(resources: StateResource[], owner: string): StateResource[] {
  const isAdded = (urn: string) => /::kube-proxy-(cluster|seal)$/.test(urn);
  const old = resources
    .filter(({ urn }) => !isAdded(urn))
    .map(({ inputs = {}, dependencies, ...resource }) => {
      const { update: _, ...command } = inputs;
      const {
        KUBE_PROXY_CLUSTER_ID: __,
        KUBE_PROXY_CONTEXT: ___,
        ...environment
      } = (inputs["environment"] ?? {}) as Record<string, string>;
      const { context: ____, ...provider } = inputs;
      return {
        ...resource,
        ...(dependencies && { dependencies: dependencies.filter((urn) => !isAdded(urn)) }),
        inputs:
          resource.type === "command:local:Command"
            ? { ...command, environment }
            : resource.type === "pulumi:providers:kubernetes"
              ? { ...provider, clusterIdentifier: "e2e" }
              : inputs,
      };
    });
  return JSON.parse(JSON.stringify(old).replaceAll(owner, nameOf(owner))) as StateResource[];
}
