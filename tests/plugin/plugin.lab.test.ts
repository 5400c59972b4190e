/** The component by its plugin, in programs of other languages, on a cluster. */
import assert from "node:assert/strict";
import { readFileSync, rmSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { chooseEngine, type Stack } from "../engine/index.ts";
import { changesOf, type Scenario } from "../e2e/scenario.ts";
import { useLab } from "../e2e/useLab.ts";
import { Programs, succeeding } from "./program.ts";
import { virtualenv } from "./python.ts";

const root = join(import.meta.dirname, "..", "..");

const clusterConfiguration = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.37.2
controlPlaneEndpoint: 192.0.2.10:6443
networking:
  podSubnet: 10.244.0.0/16
`;

/** A program that only in its update knows how its cluster is reached. */
const newCluster = `
  new-cluster:
    type: command:local:Command
    properties:
      create: cat "$FILE"
      environment:
        FILE: \${kubeconfig}
outputs:`;

suite("the component in other languages", () => {
  const at = useLab({ name: "plugin", nodes: 2 });
  let programs: Programs;
  let scenario: Scenario;
  before(async () => {
    programs = new Programs(await chooseEngine());
    scenario = await at.open();
    // What kubeadm leaves: all that the component asks for.
    const literal = `--from-literal=ClusterConfiguration=${clusterConfiguration}`;
    await scenario.cluster.kubectl(["create", "configmap", "kubeadm-config", literal]);
  });
  after(async () => {
    await programs.dispose();
  });

  const config = () => ({ kubeconfig: at.lab.kubeconfig });
  const uid = async () => (await scenario.cluster.daemonSet())?.metadata.uid;

  suite("in YAML", () => {
    let stack: Stack;
    let folder: string;
    before(async () => {
      folder = programs.program("yaml", "yaml", programs.plugin("first"));
      stack = await programs.open(folder, config());
    });

    test("asks the cluster for what the program leaves out, and provisions kube-proxy", async () => {
      const { output } = await succeeding(stack.preview());
      assert.match(output, /kubernetesVersion v1\.37\.2, from ConfigMap kube-system\/kubeadm-config/);
      assert.doesNotMatch(
        output,
        /does not exist on Object/,
        "Pulumi's YAML knows all that is in the program",
      );
      const { outputs, output: done } = await succeeding(stack.up());
      assert.match(done, /2 of 2 nodes verified/);
      const [set] = outputs["daemonSets"] as { uid: string }[];
      assert.equal(set?.uid, await uid());
      assert.deepEqual(changesOf(await succeeding(stack.preview())), []);
    });

    test("restarts it by a changed value: the DaemonSet is replaced, its pods follow, and are proved", async () => {
      const before = await uid();
      await stack.setConfig({ restart: "once more" });
      const result = await succeeding(stack.up());
      assert.ok(changesOf(result).includes("create-replacement kube-proxy-daemon-set"), result.output);
      assert.match(result.output, /2 of 2 nodes verified/);
      assert.notEqual(await uid(), before);
    });

    test("tells what the cluster refuses once, without a stack trace", async () => {
      const wrong = programs.program("wrong", "yaml", join(programs.folder, "first", "plugin"), (yaml) =>
        yaml.replace("restart: ${restart}", "$&\n      kubernetesVersion: v1.30.0"),
      );
      const other = await programs.open(
        wrong,
        { ...config(), restart: "once more" },
        { workDir: `${folder}-state` },
      );
      const { ok, output } = await other.preview();
      assert.ok(!ok);
      assert.equal(output.match(/raise kubernetesVersion/g)?.length, 1, output);
      assert.doesNotMatch(output, /^\s+at /m);
    });

    test("has no path of a machine in its state, but the kubeconfig's", async () => {
      const inputs: unknown[] = [];
      await stack.editState((resources) => {
        inputs.push(...resources.map((resource) => resource.inputs));
        return resources;
      });
      const text = JSON.stringify(inputs).replaceAll(at.lab.kubeconfig, "");
      assert.match(text, /"script":"verify"/);
      for (const path of [root, programs.folder, homedir()]) assert.ok(!text.includes(path), path);
    });

    test("has nothing to do in another folder, with another version of the plugin, and is destroyed there", async () => {
      const moved = programs.program("moved", "yaml", programs.plugin("second", "99.0.0"));
      const config = { kubeconfig: at.lab.kubeconfig, restart: "once more" };
      // As on another machine.
      rmSync(folder, { recursive: true });
      rmSync(join(programs.folder, "first"), { recursive: true });
      const other = await programs.open(moved, config, { workDir: `${folder}-state` });
      assert.deepEqual(changesOf(await succeeding(other.preview())), []);
      await succeeding(other.destroy());
      assert.deepEqual(await scenario.cluster.fingerprint(), []);
      assert.deepEqual(await scenario.cluster.pods(), []);
    });
  });

  test("says in a preview what it cannot know of a cluster that the same program makes, and the update works", async () => {
    const folder = programs.program("new", "yaml", join(root, "plugin"), (yaml) =>
      yaml
        .replace("kubeconfig: ${kubeconfig}", "kubeconfig: ${new-cluster.stdout}")
        .replace("\noutputs:", newCluster),
    );
    const stack = await programs.open(folder, config());
    const preview = await succeeding(stack.preview());
    assert.match(preview.output, /cluster: only the update will know/);
    assert.ok(changesOf(preview).includes("create kube-proxy-daemon-set"), preview.output);
    const { output } = await succeeding(stack.up());
    assert.match(output, /2 of 2 nodes verified/);
    assert.deepEqual(changesOf(await succeeding(stack.preview())), []);
    const ofComponent: unknown[] = [];
    await stack.editState((resources) => {
      ofComponent.push(...resources.filter(({ type }) => type !== "command:local:Command"));
      return resources;
    });
    const ofKubeconfig = /client-(key|certificate)-data/;
    assert.match(readFileSync(at.lab.kubeconfig, "utf8"), ofKubeconfig);
    assert.doesNotMatch(JSON.stringify(ofComponent), ofKubeconfig, "it is a secret there");
    await succeeding(stack.destroy());
    assert.deepEqual(await scenario.cluster.fingerprint(), []);
  });

  test("in Python: provisions kube-proxy, restarts it, and destroys it", async () => {
    const folder = programs.program("python", "python", join(root, "plugin"));
    symlinkSync(await virtualenv(console.log), join(folder, "venv"));
    // Where no CLI generates it.
    const env = { PYTHONPATH: join(import.meta.dirname, "python") };
    const stack = await programs.open(folder, config(), { env });
    const { outputs } = await succeeding(stack.up());
    const before = await uid();
    assert.equal((outputs["daemonSets"] as { uid: string }[])[0]?.uid, before);
    await stack.setConfig({ restart: "from Python" });
    const result = await succeeding(stack.up());
    assert.match(result.output, /2 of 2 nodes verified/);
    assert.notEqual(await uid(), before);
    assert.deepEqual(changesOf(await succeeding(stack.preview())), []);
    await succeeding(stack.destroy());
    assert.deepEqual(await scenario.cluster.fingerprint(), []);
  });
});
