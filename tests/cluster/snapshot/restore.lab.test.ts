import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, suite, test } from "node:test";
import type { KubeConfig } from "@kubernetes/client-node";
import { loadCluster } from "../../../components/cluster/client.ts";
import { type ApiObject, idOf, kubeProxyIds, nameOf } from "../../../components/cluster/objects.ts";
import { defaultFolder } from "../../../components/cluster/ownFolder.ts";
import { parseSnapshot } from "../../../components/cluster/snapshot/format.ts";
import { readLive } from "../../../components/cluster/snapshot/live.ts";
import { strip } from "../../../components/cluster/snapshot/strip.ts";
import { down, kubectl, type Lab, up } from "../../../lab/index.ts";

const nodes = 3;
const name = "snapshot";
const otherName = "snapshot-other";
const commands = join(import.meta.dirname, "..", "..", "..", "commands");

/** What YAML readers and API servers like to change. */
const awkward = "  yes\n\t# no: 1e3\r\n\n\u2028\u0085---\n~ ";

suite("snapshot and restore on a control plane", () => {
  let lab: Lab;
  let other: Lab;
  let config: KubeConfig;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "snapshot-lab-"));
    [lab, other] = await Promise.all([up({ name, nodes, kubeadm: true }), up({ name: otherName, nodes: 0 })]);
    config = loadCluster({ kubeconfig: lab.kubeconfig }, {});
    await editByHand();
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await Promise.all([down(name), down(otherName)]);
  });

  const kube = async (args: string[], stdin = "") => {
    const { code, stdout, stderr } = await kubectl(lab, ["-n", "kube-system", ...args], { stdin });
    assert.equal(code, 0, `kubectl ${args.join(" ")}: ${stderr}`);
    return stdout;
  };

  /** Runs a command as a user does; `limited`: as on a full disk, where only the first 512 bytes can be written. */
  async function run(command: string, args: string[], { limited = false, kubeconfig = lab.kubeconfig } = {}) {
    const line = [process.execPath, join(commands, command), ...args];
    const env = { HOME: folder, PATH: process.env["PATH"], KUBECONFIG: kubeconfig };
    const child = limited
      ? spawn("sh", ["-c", `trap "" XFSZ; ulimit -f 1; exec "$@"`, "sh", ...line], { env })
      : spawn(line[0] ?? "", line.slice(1), { env });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    assert.doesNotMatch(stderr, /^\s+at /m);
    return { stdout, stderr, code };
  }

  async function snapshot(): Promise<string> {
    const { stdout, stderr, code } = await run("snapshot.ts", ["--folder", folder]);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  }

  async function editByHand(): Promise<void> {
    await kube(["annotate", "daemonset/kube-proxy", "example.com/by=hand"]);
    await kube(["label", "serviceaccount/kube-proxy", "team=network"]);
    await kube(["set", "env", "daemonset/kube-proxy", "BY_HAND=yes"]);
    await kube([
      "patch",
      "configmap/kube-proxy",
      "--type=merge",
      "-p",
      JSON.stringify({ data: { awkward } }),
    ]);
    const rule = ["--verb=list", "--resource=services,endpoints"];
    await kube(["create", "clusterrole", "kube-proxy:node-proxier", ...rule]);
    await kube(["rollout", "status", "daemonset/kube-proxy", "--timeout=30s"]);
  }

  const live = async () => (await readLive(config)).objects;
  const stripped = async () => (await live()).map(strip);
  const versions = async () => (await live()).map(({ metadata }) => metadata["resourceVersion"]);
  const pods = async () =>
    (
      JSON.parse(await kube(["get", "pods", "-l", "k8s-app=kube-proxy", "-o", "json"])) as {
        items: ApiObject[];
      }
    ).items;
  const one = (objects: readonly ApiObject[], kind: string) => {
    const found = objects.find((object) => object.kind === kind);
    assert.ok(found);
    return found;
  };

  async function deleteAll(): Promise<void> {
    for (const { kind, name } of kubeProxyIds) {
      await kube(["delete", `${kind}/${name}`, "--cascade=foreground"]);
    }
    assert.deepEqual(await live(), []);
  }

  test("a snapshot holds all objects as they are, hand edits included, and its path is printed", async () => {
    const path = await snapshot();
    const content = readFileSync(path, "utf8");
    const { cluster, server, objects } = parseSnapshot(content, path);
    assert.deepEqual(objects.map(idOf), kubeProxyIds);
    assert.deepEqual(objects, await stripped());
    assert.equal(server, lab.server);
    assert.equal(cluster, await kube(["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"]));
    assert.match(content, /example\.com\/by: hand/);
    assert.match(content, /BY_HAND/);
    assert.doesNotMatch(
      content,
      /resourceVersion|creationTimestamp|managedFields|template\.generation|^status:/m,
    );
  });

  test("all deleted, kubectl apply -f puts them back as they were", async () => {
    const before = await stripped();
    const path = await snapshot();
    await deleteAll();
    await kube(["apply", "-f", path]);
    assert.deepEqual(await stripped(), before);
  });

  test("all deleted, restore puts them back, waits for the pods, and a second one changes nothing", async () => {
    const before = await stripped();
    const path = await snapshot();
    await deleteAll();
    const first = await run("restore.ts", [path]);
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual(await stripped(), before);
    assert.equal((await pods()).length, nodes);
    assert.deepEqual(first.stdout.trim().split("\n"), [
      ...kubeProxyIds.map((id) => `${nameOf(id)}: created`),
      `DaemonSet kube-system/kube-proxy: of ${nodes} pods ${nodes} are up to date and ${nodes} available`,
    ]);

    const unchanged = await versions();
    const second = await run("restore.ts", [path]);
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(await versions(), unchanged);
    assert.equal(second.stdout.match(/: unchanged$/gm)?.length, kubeProxyIds.length);
  });

  test("what others changed and added since is gone after a restore, immutable fields included", async () => {
    const before = await stripped();
    const path = await snapshot();
    await kube([
      "patch",
      "configmap/kube-proxy",
      "--type=merge",
      "-p",
      '{"immutable":true,"data":{"awkward":"x"}}',
    ]);
    await kube(["delete", "rolebinding/kube-proxy"]);
    await kube(["create", "rolebinding", "kube-proxy", "--role=other", "--group=nobody"]);
    await kube(["set", "env", "daemonset/kube-proxy", "ADDED=1", "BY_HAND=no"]);
    await kube(["annotate", "serviceaccount/kube-proxy", "example.com/added=1"]);

    const { stdout, stderr, code } = await run("restore.ts", [path]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(await stripped(), before);
    assert.match(stdout, /^ConfigMap kube-system\/kube-proxy: deleted and created again$/m);
    assert.match(stdout, /^RoleBinding kube-system\/kube-proxy: deleted and created again$/m);
    assert.match(stdout, /^DaemonSet kube-system\/kube-proxy: replaced$/m);
    assert.match(stdout, /^ServiceAccount kube-system\/kube-proxy: replaced$/m);
    assert.match(stdout, /^Role kube-system\/kube-proxy: unchanged$/m);
  });

  test("pods that an orphaning delete left by another template are replaced, those of the same one adopted", async () => {
    const path = await snapshot();
    const uids = async () => (await pods()).map(({ metadata }) => metadata["uid"]).sort();
    const before = await uids();
    await kube(["delete", "daemonset/kube-proxy", "--cascade=orphan"]);
    assert.equal((await run("restore.ts", [path])).code, 0);
    assert.deepEqual(await uids(), before);

    // The old DaemonSet's number 1 is what the new one would start with.
    const daemonSet = one(await stripped(), "DaemonSet");
    await kube(["delete", "daemonset/kube-proxy", "--cascade=foreground"]);
    await kube(["create", "-f", "-"], JSON.stringify(daemonSet).replace('"yes"', '"no"'));
    await kube(["rollout", "status", "daemonset/kube-proxy", "--timeout=30s"]);
    await kube(["delete", "daemonset/kube-proxy", "--cascade=orphan"]);
    const { code, stderr } = await run("restore.ts", [path]);
    assert.equal(code, 0, stderr);
    const values = (await pods()).map((pod) => /"BY_HAND","value":"(\w+)"/.exec(JSON.stringify(pod))?.[1]);
    assert.deepEqual(values, ["yes", "yes", "yes"]);
  });

  test("a rollout that does not end is an error after the time given; the next restore goes on", async () => {
    const path = await snapshot();
    const edited = join(folder, "never-ready.yaml");
    writeFileSync(
      edited,
      readFileSync(path, "utf8").replace(/image: .*kube-proxy:\S+/, "image: example.com/x:never-ready"),
    );
    const failed = await run("restore.ts", [edited, "--wait", "1s"]);
    assert.equal(failed.code, 1);
    assert.match(
      failed.stderr,
      /wait: "1s" is not accepted; accepted: .* of 3 pods \d are up to date and \d available/,
    );
    assert.equal((await run("restore.ts", [path])).code, 0);
  });

  test("what the API server would refuse is told before anything is changed", async () => {
    const path = await snapshot();
    const edited = join(folder, "invalid.yaml");
    const content = readFileSync(path, "utf8").replace("by: hand", "by: changed");
    writeFileSync(edited, content.replace("team: network", "team: not valid!"));
    const before = await versions();
    const { code, stderr } = await run("restore.ts", [edited]);
    assert.equal(code, 1);
    assert.match(stderr, /nothing was changed:/);
    assert.match(stderr, /PUT .*serviceaccounts\/kube-proxy: refused by the API server: 422 /);
    assert.deepEqual(await versions(), before);
  });

  test("a snapshot of another cluster is refused with both UIDs", async () => {
    const path = await snapshot();
    const uid = parseSnapshot(readFileSync(path, "utf8"), path).cluster;
    const { code, stderr } = await run("restore.ts", [path, "--kubeconfig", other.kubeconfig]);
    assert.equal(code, 1);
    const otherUid = (await readLive(loadCluster({ kubeconfig: other.kubeconfig }, {}))).cluster;
    assert.notEqual(otherUid, uid);
    assert.ok(stderr.includes(uid) && stderr.includes(otherUid), stderr);
    assert.match(stderr, /context: "kubernetes-admin@lab-snapshot-other" is not accepted; .* by --context/);
    const { objects } = await readLive(loadCluster({ kubeconfig: other.kubeconfig }, {}));
    assert.deepEqual(objects, [], "nothing of it was made there");
  });

  test("a cut-off file is refused before the cluster is asked", async () => {
    const path = await snapshot();
    const cut = join(folder, "cut.yaml");
    writeFileSync(cut, readFileSync(path, "utf8").split("---\n").slice(0, 3).join("---\n"));
    const { code, stderr } = await run("restore.ts", [cut], { kubeconfig: "/nowhere" });
    assert.equal(code, 1);
    assert.match(stderr, /SNAPSHOT: a whole snapshot; this one was cut off/);
  });

  test("a full disk is an error that names the folder, and nothing half-written is left", async () => {
    const full = join(folder, "full");
    const { code, stderr, stdout } = await run("snapshot.ts", ["--folder", full], { limited: true });
    assert.equal(code, 1, stderr);
    assert.equal(stdout, "");
    assert.ok(stderr.includes(`folder: ${JSON.stringify(full)}`), stderr);
    assert.match(stderr, /EFBIG/);
    assert.deepEqual(
      readdirSync(full, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()),
      [],
    );
  });

  test("no rights, an unreachable cluster and one without kube-proxy are errors; no file is made", async () => {
    const own = join(folder, "errors");
    const content = readFileSync(lab.kubeconfig, "utf8");
    const powerless = join(folder, "powerless.conf");
    writeFileSync(
      powerless,
      content.replace(/client-certificate-data:/, "as: nobody\n      client-certificate-data:"),
    );
    const unreachable = join(folder, "unreachable.conf");
    writeFileSync(
      unreachable,
      content.replace(/server: .*/, `server: https://127.0.0.1:${await freePort()}`),
    );
    const cases = [
      [powerless, /context: .* a user with the rights in docs\/rbac\.md; .*403 daemonsets/],
      [
        unreachable,
        /^1 problem in .*\n {2}the API server of context .*: https:\/\/127\.0\.0\.1:\d+ does not answer: .*ECONNREFUSED/,
      ],
      [other.kubeconfig, /context: .* a cluster that has a kube-proxy/],
    ] as const;
    const check = async (kubeconfig: string, message: RegExp) => {
      const { code, stderr, stdout } = await run("snapshot.ts", ["--folder", own], { kubeconfig });
      assert.equal(code, 1, stderr);
      assert.match(stderr, message);
      assert.equal(stdout, "");
    };
    await Promise.all(cases.map(([kubeconfig, message]) => check(kubeconfig, message)));
    assert.throws(() => readdirSync(own), /ENOENT/);
  });

  test("mistakes on the command line end with 2", async () => {
    const cases: readonly (readonly [string, string[], RegExp])[] = [
      ["snapshot.ts", ["--keep", "0"], /--keep: "0" is not accepted/],
      ["snapshot.ts", ["--folder", ""], /--folder: "" is not accepted/],
      ["snapshot.ts", ["--force"], /Unknown option/],
      ["snapshot.ts", ["--in", "here"], /--in: "here" is not accepted; accepted: folder or cluster/],
      ["restore.ts", [], /SNAPSHOT: is required/],
      ["restore.ts", ["x", "--from", "here"], /--from: "here" is not accepted; accepted: folder or cluster/],
      ["restore.ts", ["--list", "x"], /x: options are accepted, and nothing else/],
      ["restore.ts", ["no/such/file"], /"no\/such\/file" cannot be read \(ENOENT\)/],
      ["restore.ts", ["x", "--wait", "5"], /--wait: "5" is not accepted/],
    ];
    const check = async ([command, args, message]: (typeof cases)[number]) => {
      const { code, stderr } = await run(command, args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    };
    await Promise.all(cases.map(check));
    const { code, stderr } = await run("snapshot.ts", ["--context", "nope"]);
    assert.equal(code, 1);
    assert.match(stderr, /context: "nope" is not accepted; accepted: one of the kubeconfig's contexts/);
  });

  test("~/ in --folder is the home folder, for the stack's config has no shell that says so", async () => {
    const { stdout } = await run("snapshot.ts", ["--folder", "~/kept"]);
    assert.ok(stdout.startsWith(join(folder, "kept", "/")), stdout);
  });

  test("without --folder it is below the home folder", async () => {
    const { stdout } = await run("snapshot.ts", []);
    assert.ok(
      stdout.startsWith(join(folder, defaultFolder({}).slice((process.env["HOME"] ?? "").length))),
      stdout,
    );
  });
});

/** A port that nothing listens at. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
