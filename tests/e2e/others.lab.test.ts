import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { changesOf, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 3;

/** Each kind of the program's objects, one of them. */
const objects = [
  "serviceaccount/kube-proxy",
  "role/kube-proxy",
  "rolebinding/kube-proxy",
  "clusterrolebinding/kubeadm:node-proxier",
  "configmap/kube-proxy",
  "daemonset/kube-proxy",
];

suite("what others write to the objects", () => {
  const at = useLab({ name: "e2e-others", nodes });
  let scenario: Scenario;
  let snapshots: string;
  before(async () => {
    snapshots = join(at.lab.dir, "snapshots");
    scenario = await at.open({ snapshotFolder: snapshots });
  });

  const kubectl = (...args: string[]) => scenario.cluster.kubectl(args);
  const pods = async () => (await scenario.cluster.pods()).map(({ metadata }) => metadata.uid).sort();
  const field = (what: string, path: string) => kubectl("get", what, "-o", `jsonpath=${path}`);
  const rolledOut = () => kubectl("rollout", "status", "daemonset/kube-proxy", "--timeout=60s");
  const snapshotCount = () =>
    existsSync(snapshots)
      ? readdirSync(snapshots, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
          .length
      : 0;
  const isEmpty = async () => {
    const preview = await scenario.stack.preview();
    assert.deepEqual(changesOf(preview), [], preview.output);
  };
  const edit = (manager: string, spec: object) =>
    kubectl(
      ...["patch", "daemonset/kube-proxy", "--type=strategic", `--field-manager=${manager}`],
      ...["-p", JSON.stringify({ spec })],
    );
  const container = (fields: object) => ({
    template: { spec: { containers: [{ name: "kube-proxy", ...fields }] } },
  });
  const resources = () => field("daemonset/kube-proxy", "{.spec.template.spec.containers[0].resources}");

  test("a preview shows no UID, and nothing of what the provider tries out", async () => {
    const first = await scenario.stack.preview();
    assert.doesNotMatch(JSON.stringify(first.outputs), /[0-9a-f]{8}-[0-9a-f]{4}-/, "an invented UID");
    await scenario.up({ restart: "one" });
    await scenario.stack.setConfig({ restart: "two" });
    const again = await scenario.stack.preview();
    assert.ok(again.ok, again.output);
    assert.ok(changesOf(again).includes("replace kube-proxy-daemon-set"), again.output);
    assert.doesNotMatch(again.output, /Retry #|already exists/);
    assert.doesNotMatch(JSON.stringify(again.outputs), /[0-9a-f]{8}-[0-9a-f]{4}-/, "an invented UID");
    await scenario.up();
    await isEmpty();
  });

  test("kubectl rollout restart: what changes beside the pods afterwards restarts none of them", async () => {
    await kubectl("rollout", "restart", "daemonset/kube-proxy");
    await rolledOut();
    await isEmpty();
    const [running, taken] = [await pods(), snapshotCount()];
    for (const config of [
      { metadata: { labels: { team: "network" } } },
      { restartStrategy: "Recreate" },
      { restartStrategy: "Rolling", updateStrategy: { rollingUpdate: { maxUnavailable: 1 } } },
    ]) {
      await scenario.up(config);
      assert.deepEqual(await pods(), running, JSON.stringify(config));
      await isEmpty();
    }
    assert.equal(snapshotCount(), taken, "a snapshot of nothing");
    const annotations = "{.spec.template.metadata.annotations}";
    assert.match(await field("daemonset/kube-proxy", annotations), /kubectl\.kubernetes\.io\/restartedAt/);
  });

  test("what kubectl has put on any object beside what this program says stays, whatever changes", async () => {
    for (const object of objects) {
      await kubectl("label", object, "example.com/team=theirs");
      await kubectl("annotate", object, "example.com/note=theirs");
    }
    const patch = (object: string, change: object) =>
      kubectl("patch", object, "--type=merge", "-p", JSON.stringify(change));
    await patch("serviceaccount/kube-proxy", { automountServiceAccountToken: true });
    await patch("configmap/kube-proxy", { data: { "theirs.conf": "x" } });
    await isEmpty();
    const running = await pods();
    await scenario.up({ metadata: { labels: { team: "other" } } });
    assert.equal(await field("serviceaccount/kube-proxy", "{.automountServiceAccountToken}"), "true");
    assert.equal(await field("configmap/kube-proxy", "{.data.theirs\\.conf}"), "x");
    for (const object of objects) {
      const metadata = await field(object, "{.metadata.labels}{.metadata.annotations}");
      assert.equal(
        metadata.match(/"example\.com\/(team|note)":"theirs"/g)?.length,
        2,
        `${object}: ${metadata}`,
      );
      assert.match(metadata, /"team":"other"/);
    }
    assert.deepEqual(await pods(), running);
    await isEmpty();
  });

  for (const manager of ["kubectl-edit", "kubectl-patch", "k9s"]) {
    test(`fields that ${manager} adds to the pods are named, and taken back with a snapshot and a proof`, async () => {
      await edit(manager, container({ resources: { limits: { memory: "1Gi" } } }));
      await rolledOut();
      const taken = snapshotCount();
      const preview = await scenario.stack.preview();
      assert.match(
        preview.output,
        new RegExp(
          `DaemonSet kube-proxy was changed by ${manager} \\(spec\\.template\\.spec\\.containers\\[0\\]\\.resources\\.limits\\.memory[^)]*\\): it is changed back in place, at most 1 of 3 nodes at a time`,
        ),
      );
      const { output } = await scenario.up();
      assert.match(output, new RegExp(`${nodes} of ${nodes} nodes verified`));
      assert.equal(await resources(), "{}");
      assert.equal(snapshotCount(), taken + 1, "no snapshot");
      await isEmpty();
    });
  }

  test("fields beside the pods are taken back as well, and no pod restarts", async () => {
    await edit("kubectl-edit", { minReadySeconds: 1 });
    const running = await pods();
    const preview = await scenario.stack.preview();
    assert.match(
      preview.output,
      /was changed by kubectl-edit \(spec\.minReadySeconds\): it is changed back in place, and no pod restarts/,
    );
    await scenario.up();
    assert.equal(await field("daemonset/kube-proxy", "{.spec.minReadySeconds}"), "");
    assert.deepEqual(await pods(), running);
    await isEmpty();
  });

  test("what goes with a wanted change is named in its preview", async () => {
    await edit("kubectl-edit", container({ workingDir: "/" }));
    await rolledOut();
    await scenario.stack.setConfig({ restart: "three" });
    const preview = await scenario.stack.preview();
    assert.match(
      preview.output,
      /without spec\.template\.spec\.containers\[0\]\.workingDir, which kubectl-edit has added/,
    );
    await scenario.up();
    await isEmpty();
  });

  test("destroy leaves nothing, no revision of the pods' template either", async () => {
    assert.notEqual(await kubectl("get", "controllerrevisions", "-o", "name"), "");
    await scenario.destroy();
    assert.equal(await kubectl("get", "controllerrevisions", "-o", "name"), "");
    assert.deepEqual(await scenario.cluster.fingerprint(), []);
  });
});
