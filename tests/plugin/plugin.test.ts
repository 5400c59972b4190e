/** The plugin as an engine talks to it, over gRPC, without a cluster. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import proto from "@pulumi/pulumi/proto/resource_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { committedSchema, component } from "../../plugin/schemaFile.ts";
import { Display } from "../engine/standin/display.ts";
import { Endpoint } from "../engine/standin/endpoint.ts";
import { openEventLog } from "../engine/standin/eventLog.ts";
import { Hooks } from "../engine/standin/hooks.ts";
import { Monitor, type Registrar } from "../engine/standin/monitor.ts";
import { Packages, type Plugin } from "../engine/standin/packages.ts";
import type { Goal, Resource } from "../engine/standin/plan.ts";
import { has, type Props, secret, unknownValue } from "../engine/standin/values.ts";

const root = join(import.meta.dirname, "..", "..");
const deploying = { project: "program", stack: "dev", preview: true };

/** Takes every registration, and gives back what came in, as the engine does in a preview. */
class Recorder implements Registrar {
  readonly goals: Goal[] = [];
  readonly hooks = new Hooks();
  register(goal: Goal) {
    this.goals.push(goal);
    return Promise.resolve({ id: "", outputs: goal.inputs, failed: false });
  }
  refuse(_: unknown, error: unknown): never {
    throw error;
  }
  registerOutputs(): void {
    // Nobody asks for them.
  }
}

suite("the plugin", () => {
  let endpoint: Endpoint;
  let packages: Packages;
  let plugin: Plugin;
  let recorder: Recorder;
  before(async () => {
    endpoint = await Endpoint.open(new Display(await openEventLog(undefined), true));
    packages = new Packages({ "kube-proxy": join(root, "plugin") }, endpoint.address);
    plugin = packages.of(component) ?? assert.fail();
  });
  after(async () => {
    await packages.end();
    endpoint.close();
  });

  async function construct(
    inputs: Props,
    { type = component, provider = "" }: { type?: string; provider?: string } = {},
  ): Promise<Goal[]> {
    recorder = new Recorder();
    endpoint.serve(new Monitor(deploying, recorder, packages));
    const request = new proto.RegisterResourceRequest();
    request.setType(type);
    request.setName("kp");
    if (provider !== "") request.getProvidersMap().set("kubernetes", provider);
    request.setObject(struct.Struct.fromJavaScript(inputs as Record<string, struct.JavaScriptValue>));
    await plugin.construct(request, deploying);
    return recorder.goals;
  }

  test("gives the committed schema, with the repository's version", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    assert.deepEqual(JSON.parse(await plugin.getSchema()), { ...committedSchema(), version });
  });

  suite("makes a component of a cluster that only the update will know", () => {
    let goals: Goal[];
    const find = (name: string) => goals.find((goal) => goal.name === name) ?? assert.fail(name);
    before(async () => {
      goals = await construct({ cluster: { kubeconfig: unknownValue }, adopt: true });
    });

    test("with children below it, and a restart that deletes first", () => {
      const { urn } = find("kp");
      const set = find("kp-daemon-set");
      assert.equal(set.parent, urn);
      assert.equal(set.deleteBeforeReplace, true);
      assert.ok(set.replaceOnChanges.includes('metadata.annotations["kube-proxy/restart"]'));
    });

    test("with hooks that the engine can call", () => {
      for (const name of find("kp-daemon-set").beforeCreate) {
        assert.match(name, /^kp-(clearing|preparing)$/);
      }
      assert.ok(find("kp-daemon-set").beforeUpdate.includes("kp-changing"));
    });

    test("by a provider of its own, which never writes over what is there", () => {
      const provider = goals.find(({ type }) => type === "pulumi:providers:kubernetes") ?? assert.fail();
      assert.deepEqual(Object.keys(provider.inputs).sort(), [
        "clusterIdentifier",
        "context",
        "enableConfigMapMutable",
        "enablePatchForce",
        "kubeconfig",
      ]);
      assert.ok(has("secret", provider.inputs["kubeconfig"]));
      assert.equal(find("kp-daemon-set").provider, provider.urn);
    });

    test("whose commands name a script and no path, and keep what is secret", () => {
      const commands = goals.filter(({ type }) => type === "kube-proxy:index:Command");
      assert.ok(commands.length > 5);
      for (const { inputs, name } of commands) {
        assert.doesNotMatch(JSON.stringify(inputs), /\.ts|node_modules|\//, name);
        assert.ok(name === "kp-cluster" || has("secret", inputs["environment"]), name);
      }
    });
  });

  test("tells every mistake in the arguments once, in one structured error, before anything is registered", async () => {
    const inputs = { kubernetesVersion: "1.37", podSubnet: "10.0.0.0/33", restartt: "x", maxFailed: "many" };
    const nowhere = { cluster: { kubeconfig: "/nowhere/kubeconfig" } };
    await assert.rejects(construct({ ...inputs, ...nowhere }), ({ message }: Error) => {
      const told = [...message.matchAll(/- property (\S+) has a problem/g)].map(([, key]) => key);
      assert.deepEqual(told.sort(), ["cluster.kubeconfig", ...Object.keys(inputs)].sort(), message);
      assert.match(message, /in Python: kubernetes_version.*; in Go: .*KubernetesVersion/);
      return true;
    });
    assert.deepEqual(recorder.goals, []);
  });

  test("refuses a secret for what decides what is done, and a Kubernetes provider beside its own", async () => {
    await assert.rejects(
      construct({ pools: secret([]) }),
      /property pools has a problem: a value that is known/,
    );
    assert.deepEqual(recorder.goals, []);
  });

  test("makes nothing but its component", async () => {
    await assert.rejects(
      construct({}, { type: "kube-proxy:index:Other" }),
      /kube-proxy:index:Other: this plugin makes/,
    );
  });

  suite("runs the commands of the component", () => {
    const goal = (inputs: Props) => ({ urn: "urn:command", inputs }) as Goal;
    const left = (outputs: Props) => ({ urn: "urn:command", id: "1", outputs }) as Resource;
    const environment = { KUBE_PROXY_KUBECONFIG: "/nowhere/kubeconfig" };

    test("by name: one that fails is told as that, with what it printed", async () => {
      const seal = goal({ script: "seal", environment, create: "compare-cluster" });
      await assert.rejects(plugin.create(seal), /exit status 1: running "compare-cluster":\n.*nowhere/s);
    });

    test("not where there is nothing to do: a record is kept as it is", async () => {
      const { id, outputs } = await plugin.create(goal({ environment: { ID: "1" } }));
      assert.notEqual(id, "");
      assert.deepEqual(outputs, { environment: { ID: "1" }, stdout: "" });
      await plugin.delete(left(outputs));
    });

    test("gives no secret back as a text, not even what it prints", async () => {
      const { outputs } = await plugin.create(goal({ environment: { TOKEN: secret("hush") } }));
      assert.deepEqual(
        Object.keys(outputs).filter((key) => !has("secret", outputs[key])),
        [],
      );
    });

    test("as the state has it when they are deleted", async () => {
      const seal = { script: "seal", environment, delete: "compare-cluster" };
      await assert.rejects(plugin.delete(left(seal)), /running "compare-cluster"/);
    });

    test("again for a trigger alone: what another version says otherwise is no change", async () => {
      const before = { script: "verify", arguments: ["--a"], environment, create: "verify", triggers: ["1"] };
      const changed = async (news: Props) => !(await plugin.isSame(left({ ...before, stdout: "x" }), news));
      assert.equal(await changed(before), false);
      assert.equal(await changed({ ...before, arguments: ["--b"], create: "prove", environment: {} }), false);
      assert.equal(await changed({ ...before, triggers: ["2"] }), true);
      assert.equal(await changed({ ...before, triggers: unknownValue }), true);
    });

    test("with a new way to the cluster, where they are to do something in the end", async () => {
      const before = { script: "orphans", environment, delete: "remove-orphans" };
      const news = { ...before, environment: { KUBE_PROXY_KUBECONFIG: "other" } };
      assert.equal(await plugin.isSame(left(before), news), false);
      const { outputs } = await plugin.update(goal(news), left({ ...before, stdout: "x" }));
      assert.deepEqual(outputs, { ...news, stdout: "x" });
    });
  });

  test("ends what runs when it is told to", { timeout: 60_000 }, async () => {
    // Takes a connection and never says a word.
    const sockets = new Set<{ destroy(): void }>();
    const asked = Promise.withResolvers<undefined>();
    const silent = createServer((socket) => {
      sockets.add(socket);
      asked.resolve(undefined);
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    const kubeconfig = JSON.stringify({
      clusters: [
        {
          name: "c",
          cluster: { server: `https://127.0.0.1:${String(port)}`, "insecure-skip-tls-verify": true },
        },
      ],
      contexts: [{ name: "c", context: { cluster: "c", user: "c" } }],
      users: [{ name: "c", user: {} }],
      "current-context": "c",
    });
    const own = new Packages({ "kube-proxy": join(root, "plugin") }, endpoint.address);
    try {
      const other = own.of(component) ?? assert.fail();
      const environment = { KUBE_PROXY_KUBECONFIG: kubeconfig, KUBE_PROXY_CLUSTER_ID: "1" };
      const running = other.create({
        urn: "urn:command",
        inputs: { script: "seal", environment, create: "compare-cluster" },
      } as unknown as Goal);
      const ended = assert.rejects(running, /running "compare-cluster":\n.*SIGTERM/s);
      await Promise.race([asked.promise, ended]);
      await other.cancel();
      await ended;
    } finally {
      await own.end();
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });
});
