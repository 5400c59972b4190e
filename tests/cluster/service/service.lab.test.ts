/** `npm run doctor -- --service` and `--all` from outside, as commands, on a lab whose Services have faults. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, suite, test } from "node:test";
import { loadCluster } from "../../../components/cluster/client.ts";
import { examineService } from "../../../components/cluster/service/index.ts";
import type { AllDiagnosis, ServiceDiagnosis } from "../../../components/service/diagnose.ts";
import { down, kubectl, type Lab, up } from "../../../lab/index.ts";
import { openShop } from "../../../lab/shop.ts";
import { waitFor } from "../../../lab/wait.ts";

const name = `t${process.pid}-service`;
const doctor = join(import.meta.dirname, "..", "..", "..", "commands", "doctor.ts");

/** Pods whose image cannot be pulled. */
const withoutImage = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "image", namespace: "shop" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "image" } },
    template: {
      metadata: { labels: { app: "image" } },
      spec: { containers: [{ name: "image", image: "registry.example.com/image:never-ready" }] },
    },
  },
};

const service = (app: string, selector: object | undefined, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: app, namespace: "shop", ...metadata },
  spec: {
    ...(selector && { selector }),
    ports: [{ name: "http", port: 80, targetPort: 8080 }],
    ...spec,
  },
});

const named = (targetPort: string) => ({ ports: [{ name: "http", port: 80, targetPort }] });

/** What is made in namespace `shop`, and what is found of each Service. */
const shop: Readonly<Record<string, { object: object | undefined; kinds: readonly string[] }>> = {
  // As `npm start` leaves it.
  web: { object: undefined, kinds: ["selector-matches-nothing"] },
  good: { object: service("good", { app: "web" }), kinds: [] },
  image: { object: service("image", { app: "image" }), kinds: ["pods-image"] },
  port: { object: service("port", { app: "web" }, named("web")), kinds: ["target-port-name"] },
  main: { object: service("main", { app: "web" }, named("main")), kinds: [] },
  outside: { object: service("outside", undefined), kinds: ["no-slices"] },
  cloud: { object: service("cloud", { app: "web" }, { type: "LoadBalancer" }), kinds: ["balancer-pending"] },
  local: {
    object: service("local", { app: "web" }, { internalTrafficPolicy: "Local" }),
    kinds: ["internal-local"],
  },
  sticky: {
    object: service("sticky", { app: "web" }, { sessionAffinity: "ClientIP" }),
    kinds: ["session-affinity"],
  },
  mesh: {
    object: service(
      "mesh",
      { app: "web" },
      {},
      { labels: { "service.kubernetes.io/service-proxy-name": "mesh" } },
    ),
    kinds: ["other-service-proxy"],
  },
  name: {
    object: service("name", undefined, { type: "ExternalName", externalName: "db.example.com" }),
    kinds: ["external-name"],
  },
  headless: {
    object: service("headless", { app: "web" }, { clusterIP: "None" }),
    kinds: ["headless-target-port", "headless"],
  },
};

suite("why a Service does not answer, on a lab", () => {
  let lab: Lab;
  before(async () => {
    lab = await up({ name, nodes: 5, kubeadm: true });
    await openShop(lab);
    const objects = [withoutImage, ...Object.values(shop).flatMap(({ object }) => object ?? [])];
    await run(["create", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
    await run(["-n", "shop", "rollout", "status", "deployment", "web", "--timeout", "60s"]);
    const states = ["get", "pods", "-l", "app=image", "-o", "jsonpath={..waiting.reason}"];
    await waitFor("pods whose image cannot be pulled", { timeoutMs: 60_000 }, async () => {
      return (
        (await run(["-n", "shop", ...states])).split(" ").filter((reason) => /Image/.test(reason)).length ===
        3
      );
    });
  });
  after(async () => {
    await down(name);
  });

  async function run(args: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await kubectl(lab, args, input === undefined ? {} : { stdin: input });
    assert.equal(code, 0, stderr);
    return stdout;
  }

  async function ask(args: readonly string[]) {
    const child = spawn(process.execPath, [doctor, ...args], {
      stdio: "pipe",
      env: { ...process.env, KUBECONFIG: lab.kubeconfig },
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { stdout, stderr, code };
  }

  test("the first transcript of docs/service.md comes true", async () => {
    const { stdout, code, stderr } = await ask(["--service", "shop/web"]);
    const address = await run(["-n", "shop", "get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"]);
    assert.equal(
      stdout,
      `Service shop/web, ClusterIP ${address}, port http 80 -> 8080

kube-proxy is not the reason: the Service has no endpoint that is ready.
  Its selector app=web,tier=front matches no pod; 3 pods in shop have app=web, none has tier=front.
  Mend the selector, or the labels:  kubectl -n shop get pods --show-labels
`,
    );
    assert.deepEqual([code, stderr], [1, ""]);
    // The command that it gives is one.
    const [, command = ""] = /: {2}kubectl (.*)$/m.exec(stdout) ?? [];
    assert.match(await run(command.split(" ")), /app=web/);
  });

  test("commands name the cluster as whoever asks has named it", async () => {
    const args = ["--kubeconfig", lab.kubeconfig, "--service", "shop/web"];
    const { stdout } = await ask(args);
    assert.ok(
      stdout.includes(`:  kubectl --kubeconfig ${lab.kubeconfig} -n shop get pods --show-labels`),
      stdout,
    );
  });

  test("each Service of a shop is told what it has, and no other one", async () => {
    const config = loadCluster({ kubeconfig: lab.kubeconfig }, {});
    for (const [one, { kinds }] of Object.entries(shop)) {
      const which = { namespace: "shop", name: one };
      const { findings, ok, unread } = await examineService(config, which, { deadlineMs: 30_000 });
      const found = findings.map(({ kind }) => kind);
      assert.deepEqual([found, unread], [kinds, {}], one);
      assert.equal(
        ok,
        findings.every(({ severity }) => severity === "may" || severity === "remark"),
      );
    }
    const { stdout, code } = await ask(["--service", "shop/good", "--json"]);
    const { verdict, endpoints } = JSON.parse(stdout) as ServiceDiagnosis;
    assert.deepEqual([verdict.kind, endpoints?.ready, code], ["answers", 3, 0]);
  });

  test("all Services: the same findings, the worst first, and the cluster's own have none", async () => {
    const { stdout, code } = await ask(["--all", "--json"]);
    const { diagnoses, services, cluster, ok } = JSON.parse(stdout) as AllDiagnosis;
    const found = diagnoses.map(
      (one) => [`${one.namespace}/${one.name}`, one.findings.map(({ kind }) => kind)] as const,
    );
    const expected = Object.entries(shop).flatMap(([one, { kinds }]) =>
      kinds.length === 0 ? [] : [[`shop/${one}`, kinds] as const],
    );
    assert.deepEqual(new Map(found), new Map(expected));
    assert.deepEqual([services, cluster, ok, code], [Object.keys(shop).length + 1, [], false, 1]);
    const told = await ask(["--all"]);
    assert.match(told.stdout, /^SERVICE +TYPE +WEIGHS +FINDING\n\S+ +\S+ +stops /);
    assert.match(
      told.stdout,
      /^13 Services: 5 not answered, 3 answered in part, 2 with something to know, 3 without a finding\.$/m,
    );
  });

  test("a NetworkPolicy that lets nobody in", async () => {
    const policy = {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "closed", namespace: "shop" },
      spec: { podSelector: { matchLabels: { app: "web" } } },
    };
    await run(["create", "-f", "-"], JSON.stringify(policy));
    const { stdout, code } = await ask(["--service", "shop/good"]);
    assert.match(stdout, /^It cannot be told from here: NetworkPolicies let nobody in to its endpoints\.$/m);
    assert.match(stdout, /^ {2}NetworkPolicy closed selects all of its pods and lets nobody in\./m);
    assert.equal(code, 0);
    await run(["-n", "shop", "delete", "networkpolicy", "closed"]);
  });

  test("mistakes are told all at once, with exit code 2", async () => {
    const { stderr, code } = await ask(["--service", "web", "--all", "--deadline", "0"]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^3 problems in the command line:\n {2}--deadline: .*\n {2}--service: "web" .*\n {2}--all: /,
    );
    const shape = await ask(["--service", "shop/Web"]);
    assert.match(
      shape.stderr,
      /--service: "shop\/Web" is not accepted; accepted: NAMESPACE\/NAME, each of at most 63/,
    );
    assert.equal(shape.code, 2);
  });

  test("a name that is not there is told with the nearest one", async () => {
    const { stdout, code } = await ask(["--service", "shop/goood"]);
    assert.match(stdout, /^ {2}Namespace shop has no Service goood; did you mean good\?$/m);
    assert.equal(code, 1);
    const gone = await ask(["--service", "shpo/good"]);
    assert.match(gone.stdout, /^ {2}There is no namespace shpo; did you mean shop\?$/m);
  });
});
